use std::io;

use basehttp::Message;
use basehttp::prelude::*;

#[derive(Default)]
pub struct Names(Vec<String>);

impl Message for Names {
    fn append(&mut self, name: &str, _value: &[u8]) {
        self.0.push(name.to_owned());
    }
}

struct Hello {
    base: BaseHTTPRequestHandler<Names>,
}

#[http_handler]
impl Hello {
    pub type MessageClass = Names;

    fn do_GET(&mut self) -> io::Result<()> {
        self.send_response((200, self.headers().0.join(" ")));
        self.end_headers()
    }
}

fn is_handler<H: RequestHandler>() {}

fn main() {
    is_handler::<Hello>();
}
