use std::io;

use basehttp::prelude::*;

struct Hello<T> {
    base: BaseHTTPRequestHandler,
    greeting: T,
}

#[http_handler]
impl<T> Hello<T> {
    fn do_GET(&self) -> io::Result<()> {
        self.send_response(200);
        self.end_headers()?;
        write!(self.wfile, "{}", self.greeting)
    }
}

fn main() -> io::Result<()> {
    HTTPServer::bind("127.0.0.1:0", |base| Hello { base, greeting: "hello" })?.serve_forever()
}
