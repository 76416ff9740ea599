use std::io;

use basehttp::prelude::*;

struct Api {
    base: BaseHTTPRequestHandler,
}

#[http_handler(routes = [ADMIN])]
impl Api {
    #[route(GET, "/")]
    fn index(&self) -> String {
        self.users()
    }
}

#[http_routes(ADMIN)]
impl Api {
    fn users(&self) -> String {
        String::new()
    }
}

fn main() -> io::Result<()> {
    HTTPServer::bind("127.0.0.1:0", |base| Api { base })?.serve_forever()
}
