use basehttp::prelude::*;

struct Api {
    base: BaseHTTPRequestHandler,
}

#[http_handler(prefix = "/api", guard = require_login, routes = [ADMIN])]
impl Api {
    #[route(GET, "/users")]
    fn users(&self) -> String {
        String::new()
    }

    fn require_login(&self) -> bool {
        true
    }
}

#[http_routes(ADMIN, routes = [PAGES], server_version = "Api/1.0")]
impl Api {
    #[route(GET, "/admin")]
    fn admin(&self) -> String {
        String::new()
    }
}

fn main() -> std::io::Result<()> {
    HTTPServer::bind("127.0.0.1:0", |base| Api { base })?.serve_forever()
}
