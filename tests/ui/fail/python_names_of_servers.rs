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

    const request_queue_size: u32 = 100;
    const allow_reuse_address: bool = true;
    const daemon_threads: bool = true;

    fn handle_error(&self, error: String) {
        eprintln!("{error}");
    }

    fn verify_request(&self) -> bool {
        true
    }
}

fn main() -> io::Result<()> {
    HTTPServer::bind("127.0.0.1:0", |base| Hello { base })?.serve_forever()
}
