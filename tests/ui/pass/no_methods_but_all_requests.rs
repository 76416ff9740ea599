use std::io;

use basehttp::prelude::*;

struct Hello {
    base: BaseHTTPRequestHandler,
}

#[http_handler]
impl Hello {
    fn handle_one_request(&mut self) -> io::Result<()> {
        self.send_response(204);
        self.end_headers()
    }
}

fn status(method: &str) -> u16 {
    let request = format!("{method} / HTTP/1.0\r\n\r\n");
    basehttp::testing::respond(|base| Hello { base }, request.as_bytes())[0].status
}

fn main() {
    assert_eq!(status("GET"), 204);
    assert_eq!(status("SPAM"), 204);
}
