use std::io;

use basehttp::prelude::*;

struct Site {
    base: SimpleHTTPRequestHandler,
}

#[http_handler]
impl FileRequestHandler for Site {
    fn directory(&self) -> &Directory {
        SimpleHTTPRequestHandler::directory(self)
    }
}

fn main() -> io::Result<()> {
    HTTPServer::bind("127.0.0.1:0", |base| Site { base })?.serve_forever()
}
