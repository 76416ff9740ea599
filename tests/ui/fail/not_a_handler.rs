use std::io;

use basehttp::prelude::*;

struct Hello {
    base: BaseHTTPRequestHandler,
}

impl Hello {
    fn serve(&mut self) -> io::Result<()> {
        self.base.wfile.flush()
    }
}

fn main() -> io::Result<()> {
    HTTPServer::bind("127.0.0.1:0", |base| Hello { base })?.serve_forever()
}
