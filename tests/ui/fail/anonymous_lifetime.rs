use std::io;

use basehttp::prelude::*;

struct Hello<'a> {
    base: BaseHTTPRequestHandler,
    greeting: &'a str,
}

#[http_handler]
impl Hello<'_> {
    fn do_GET(&mut self) -> io::Result<()> {
        self.send_response(200);
        self.end_headers()?;
        self.wfile.write_all(self.greeting.as_bytes())
    }
}

fn main() -> io::Result<()> {
    HTTPServer::bind("127.0.0.1:0", |base| Hello { base, greeting: "Hello" })?.serve_forever()
}
