use std::io;

use basehttp::prelude::*;

struct Named {
    conn: BaseHTTPRequestHandler,
}

#[http_handler(base = conn)]
impl Named {
    fn do_GET(&mut self) -> io::Result<()> {
        self.send_response(200);
        self.end_headers()
    }
}

struct Tuple(u8, BaseHTTPRequestHandler);

#[http_handler(base = 1)]
impl Tuple {
    fn do_GET(&mut self) -> io::Result<()> {
        self.send_response((200, self.0.to_string()));
        self.end_headers()
    }
}

fn is_handler<H: RequestHandler>() {}

fn main() {
    is_handler::<Named>();
    is_handler::<Tuple>();
    let _ = HTTPServer::bind("127.0.0.1:0", |conn| Named { conn });
    let _ = HTTPServer::bind("127.0.0.1:0", |base| Tuple(0, base));
}
