use std::io;

use basehttp::prelude::*;

struct Hello {
    base: BaseHTTPRequestHandler,
}

#[http_handler]
impl Hello {
    extern "C" fn do_GET(&mut self) {
        self.send_response(204);
    }
}

fn main() -> io::Result<()> {
    HTTPServer::bind("127.0.0.1:0", |base| Hello { base })?.serve_forever()
}
