use std::io;

use basehttp::prelude::*;

struct Hello<T> {
    base: BaseHTTPRequestHandler,
    greeting: T,
}

#[http_handler(protocol_version = "HTTP/1.2")]
impl<T: AsRef<str>> Hello<T> {
    fn do_GET(&mut self) -> io::Result<()> {
        self.send_response(200);
        self.end_headers()?;
        self.wfile.write_all(self.greeting.as_ref().as_bytes())
    }
}

fn main() {}
