use std::io;

use basehttp::prelude::*;

struct Api {
    base: BaseHTTPRequestHandler,
}

#[http_handler]
impl Api {
    #[route(GET, "/")]
    fn index(&self) -> &str {
        "index"
    }
}

#[http_routes()]
impl Api {
    #[route(GET, "/users")]
    fn users(&self) -> String {
        String::new()
    }
}

fn main() -> io::Result<()> {
    HTTPServer::bind("127.0.0.1:0", |base| Api { base })?.serve_forever()
}
