#![no_implicit_prelude]

use ::basehttp::{BaseHTTPRequestHandler as Base, RequestHandler as _, http_handler};

mod core {}
mod std {}
mod basehttp {}

#[allow(dead_code)]
struct Headers;
#[allow(dead_code)]
struct Option;

struct Hello {
    base: Base,
}

#[http_handler(server_version = "Hello/1.0", timeout = ::std::option::Option::None)]
impl Hello {
    const protocol_version: &str = "HTTP/1.1";

    fn do_GET(&mut self) -> ::std::io::Result<()> {
        self.send_response(200);
        self.end_headers()
    }
}

fn is_handler<H: ::basehttp::RequestHandler>() {}

fn main() {
    is_handler::<Hello>();
}
