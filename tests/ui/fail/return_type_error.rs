use std::io;

use basehttp::prelude::*;

struct Hello {
    base: BaseHTTPRequestHandler,
}

struct Failure;

#[http_handler]
impl Hello {
    fn do_GET(&mut self) -> Result<(), Failure> {
        Err(Failure)
    }
}

fn main() -> io::Result<()> {
    HTTPServer::bind("127.0.0.1:0", |base| Hello { base })?.serve_forever()
}
