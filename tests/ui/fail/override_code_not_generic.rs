use std::io;

use basehttp::prelude::*;

struct Hello {
    base: BaseHTTPRequestHandler,
}

#[http_handler]
impl Hello {
    fn do_GET(&self) -> io::Result<()> {
        self.send_response(200);
        self.end_headers()
    }

    fn send_error(&self, code: u16) -> io::Result<()> {
        BaseHTTPRequestHandler::send_error(self, (code, "No"))
    }

    fn send_response(&self, code: HTTPStatus) {
        BaseHTTPRequestHandler::send_response(self, code);
    }
}

fn main() -> io::Result<()> {
    HTTPServer::bind("127.0.0.1:0", |base| Hello { base })?.serve_forever()
}
