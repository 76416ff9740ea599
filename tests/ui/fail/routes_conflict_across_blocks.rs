use std::io;

use basehttp::prelude::*;

struct Api {
    base: BaseHTTPRequestHandler,
}

#[http_handler(routes = [ADMIN])]
impl Api {
    #[route(GET, "/admin/users/{id}")]
    fn user(&self, id: u32) -> String {
        id.to_string()
    }
}

#[http_routes(ADMIN)]
impl Api {
    #[route(GET, "/admin/users/{name}")]
    fn person(&self, name: String) -> String {
        name
    }
}

fn main() -> io::Result<()> {
    HTTPServer::bind("127.0.0.1:0", |base| Api { base })?.serve_forever()
}
