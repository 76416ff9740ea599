use std::io;

use basehttp::prelude::*;

fn is_handler<H: RequestHandler>(_: impl Fn(BaseHTTPRequestHandler<H::MessageClass>) -> H) {}

fn main() {
    struct Hello {
        base: BaseHTTPRequestHandler,
    }

    #[http_handler]
    impl Hello {
        const server_version: &str = "Hello/1.0";

        fn do_GET(&mut self) -> io::Result<()> {
            self.send_response(200);
            self.end_headers()
        }
    }

    is_handler(|base| Hello { base });
}
