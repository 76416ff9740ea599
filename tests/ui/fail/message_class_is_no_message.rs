use std::io;

use basehttp::prelude::*;

struct Hello {
    base: BaseHTTPRequestHandler<String>,
}

#[http_handler]
impl Hello {
    type MessageClass = String;

    fn do_GET(&mut self) -> io::Result<()> {
        self.send_response(200);
        self.end_headers()
    }
}

fn main() {}
