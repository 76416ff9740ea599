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

fn status(method: &str) -> u16 {
    let request = format!("{method} / HTTP/1.0\r\n\r\n");
    basehttp::testing::respond(|base| Hello { base }, request.as_bytes())[0].status
}

fn main() {
    assert_eq!(status("GET"), 200);
    assert_eq!(status("HEAD"), 200);
}
