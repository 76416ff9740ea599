use std::io;

use basehttp::Message;
use basehttp::prelude::*;

struct Hello {
    base: BaseHTTPRequestHandler,
}

#[derive(Default)]
struct Nothing;

impl Message for Nothing {
    fn append(&mut self, _name: &str, _value: &[u8]) {}
}

#[http_handler]
impl Hello {
    type MessageClass = Nothing;

    fn do_GET(&mut self) -> io::Result<()> {
        self.send_response(200);
        self.end_headers()
    }
}

fn main() {}
