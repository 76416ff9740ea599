use std::io;

use basehttp::prelude::*;

struct Shop {
    base: BaseHTTPRequestHandler,
}

#[http_handler(links = pub ShopPaths)]
impl Shop {
    fn do_GET(&self) -> io::Result<()> {
        self.send_response(200);
        self.end_headers()
    }
}

fn main() -> io::Result<()> {
    HTTPServer::bind("127.0.0.1:0", |base| Shop { base })?.serve_forever()
}
