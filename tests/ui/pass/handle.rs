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

fn status(method: &str) -> u16 {
    let request = format!("{method} / HTTP/1.0\r\n\r\n");
    basehttp::testing::respond(|base| Hello { base }, request.as_bytes())[0].status
}

fn main() {
    assert_eq!(status("GET"), 200);
    assert_eq!(status("HEAD"), 501);
}
