#![deny(dead_code)]

use basehttp::prelude::*;

pub struct Api {
    pub base: BaseHTTPRequestHandler,
}

#[http_handler]
impl Api {
    fn do_GET(&self) -> &str {
        ""
    }
}

#[http_routes(ADMIN)]
impl Api {
    #[route(GET, "/users")]
    pub fn users(&self) -> String {
        String::new()
    }
}

fn main() -> std::io::Result<()> {
    HTTPServer::bind("127.0.0.1:0", |base| Api { base })?.serve_forever()
}
