use std::io;

use basehttp::prelude::*;

struct Hello {
    base: BaseHTTPRequestHandler,
}

#[http_handler]
impl Hello {
    fn do_GET(&self) -> io::Result<()> {
        self.page("hello")
    }

    fn page(&self, text: &str) -> io::Result<()> {
        self.send_response(200);
        self.end_headers()?;
        self.wfile.write_all(text.as_bytes())
    }

    #[method("M-SEARCH")]
}

fn main() -> io::Result<()> {
    HTTPServer::bind("127.0.0.1:0", |base| Hello { base })?.serve_forever()
}
