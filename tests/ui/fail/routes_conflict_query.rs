use std::io;

use basehttp::prelude::*;

struct Api {
    base: BaseHTTPRequestHandler,
}

#[http_handler]
impl Api {
    #[route(GET, "/users")]
    fn users(&self) -> String {
        String::new()
    }

    #[route(GET, "/users?{q}")]
    fn search(&self, q: String) -> String {
        q
    }
}

fn main() -> io::Result<()> {
    HTTPServer::bind("127.0.0.1:0", |base| Api { base })?.serve_forever()
}
