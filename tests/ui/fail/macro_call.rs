use std::io;

use basehttp::prelude::*;

macro_rules! hello {
    ($name:ident) => {
        fn $name(&mut self) -> io::Result<()> {
            self.send_response(200);
            self.end_headers()
        }
    };
}

struct Hello {
    base: BaseHTTPRequestHandler,
}

#[http_handler]
impl Hello {
    hello!(do_GET);
}

fn main() -> io::Result<()> {
    HTTPServer::bind("127.0.0.1:0", |base| Hello { base })?.serve_forever()
}
