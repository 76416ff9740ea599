use std::collections::HashMap;
use std::io;

use basehttp::prelude::*;

struct Hello {
    base: BaseHTTPRequestHandler,
    pages: HashMap<String, String>,
}

#[http_handler]
impl Hello {
    fn do_GET(&self) -> io::Result<()> {
        self.send_response(200);
        self.end_headers()
    }
}

fn main() -> io::Result<()> {
    let pages = HashMap::new();
    HTTPServer::bind("127.0.0.1:0", move |base| Hello { base, pages })?.serve_forever()
}
