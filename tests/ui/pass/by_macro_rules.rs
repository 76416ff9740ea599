use std::io;

use basehttp::prelude::*;

macro_rules! handler {
    ($name:ident, $ty:ty, $version:expr, $method:ident, $text:literal, $body:block) => {
        struct $name {
            base: BaseHTTPRequestHandler,
        }

        #[http_handler(server_version = $version)]
        impl $ty {
            const protocol_version: &str = $text;

            fn $method(&self) -> io::Result<()> $body

            fn do_GET(&mut self) -> io::Result<()> {
                self.send_response(200);
                self.end_headers()
            }
        }
    };
}

handler!(Hello, Hello, concat!("Hello/", "1.0"), do_POST, "HTTP/1.1", { Ok(()) });

fn is_handler<H: RequestHandler>() {}

fn main() {
    is_handler::<Hello>();
}
