use std::io;

use basehttp::prelude::*;

struct Hello {
    base: BaseHTTPRequestHandler,
    hits: u32,
}

#[http_handler(haed = false)]
impl Hello {
    const server_verison: &str = "Hello/1.0";
    const protocol_version: &str = "HTTP/1.1";

    fn do_GET(&mut self) -> io::Result<()> {
        self.send_response(200);
        self.send_header("X-Hits", self.count());
        self.end_headers()
    }

    fn do_get(&mut self) -> io::Result<()> {
        self.do_GET()
    }

    async fn do_POST(&mut self) -> io::Result<()> {
        self.do_GET()
    }

    fn do_PUT<T: Default>(&mut self, _body: T) -> io::Result<()> {
        self.do_GET()
    }

    fn do_GET(&self) {}

    #[method("M SEARCH")]
    fn search(&mut self) -> io::Result<()> {
        self.do_GET()
    }

    fn log_message(&self) {
        eprintln!("{}", self.address_string());
    }

    fn count(&self) -> u32 {
        self.log_message();
        self.hits
    }
}

fn main() -> io::Result<()> {
    HTTPServer::bind("127.0.0.1:0", |base| Hello { base, hits: 0 })?.serve_forever()
}
