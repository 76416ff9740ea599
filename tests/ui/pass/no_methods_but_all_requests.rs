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

fn is_handler<H: RequestHandler>() {}

fn main() {
    is_handler::<Hello>();
}
