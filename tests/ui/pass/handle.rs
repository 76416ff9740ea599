use std::io;

use basehttp::prelude::*;

struct Hello {
    base: BaseHTTPRequestHandler,
}

#[http_handler(head = false)]
impl Hello {
    fn do_GET(&mut self) -> io::Result<()> {
        self.send_response(200);
        self.end_headers()
    }

    fn handle(&mut self) -> io::Result<()> {
        BaseHTTPRequestHandler::handle(self)
    }
}

fn is_handler<H: RequestHandler>() {}

fn main() {
    is_handler::<Hello>();
}
