use std::io;

use basehttp::prelude::*;

struct Api {
    base: BaseHTTPRequestHandler,
}

#[http_handler(routes = [ADMIN])]
impl Api {
    #[route(GET, "/")]
    fn index(&self) -> &str {
        "index"
    }
}

#[http_routes(ADMIN, prefix = "/{id}")]
impl Api {
    #[route(GET, "/users/{id}")]
    fn user(&self, id: u32) -> String {
        id.to_string()
    }
}

fn main() -> io::Result<()> {
    HTTPServer::bind("127.0.0.1:0", |base| Api { base })?.serve_forever()
}
