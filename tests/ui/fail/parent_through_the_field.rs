use std::io;

use basehttp::SimpleHTTPRequestHandler;
use basehttp::prelude::*;

struct Files {
    base: SimpleHTTPRequestHandler,
}

#[http_handler(extends = SimpleHTTPRequestHandler)]
impl Files {
    fn do_GET(&mut self) -> io::Result<()> {
        if self.path() == "/secret" {
            return self.base.send_error((404, "There is no such page"));
        }
        self.base.do_GET()
    }
}

fn main() {
    let _ = |base| Files { base };
}
