use std::io;

use basehttp::prelude::*;

struct Api {
    base: BaseHTTPRequestHandler,
}

impl Api {
    #[route(GET, "/users")]
    fn users(&self) -> String {
        String::new()
    }
}

#[http_handler]
impl Api {
    fn do_GET(&self) {}
}

fn main() -> io::Result<()> {
    HTTPServer::bind("127.0.0.1:0", |base| Api { base })?.serve_forever()
}
