use std::io;

use basehttp::prelude::*;

struct Hello {
    base: BaseHTTPRequestHandler,
}

#[http_handler]
impl Hello {
    fn do_GET(&self) -> io::Result<()> {
        let agent = self.headers().get("User-Agent", "nobody");
        self.send_response(200);
        self.end_headers()?;
        self.wfile.write_all(agent.as_bytes())
    }
}

fn main() -> io::Result<()> {
    HTTPServer::bind("127.0.0.1:0", |base| Hello { base })?.serve_forever()
}
