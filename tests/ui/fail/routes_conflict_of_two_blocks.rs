use std::io;

use basehttp::prelude::*;

struct Api {
    base: BaseHTTPRequestHandler,
}

#[http_handler(routes = [USERS, ADMIN])]
impl Api {
    #[route(GET, "/")]
    fn index(&self) -> &str {
        "index"
    }
}

#[http_routes(USERS)]
impl Api {
    #[route(GET, "/admin/users")]
    fn all(&self) -> String {
        String::new()
    }
}

#[http_routes(ADMIN, prefix = "/admin")]
impl Api {
    #[route(GET, "/users")]
    fn person(&self) -> String {
        String::new()
    }
}

fn main() -> io::Result<()> {
    HTTPServer::bind("127.0.0.1:0", |base| Api { base })?.serve_forever()
}
