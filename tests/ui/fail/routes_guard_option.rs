use basehttp::prelude::*;

struct Api {
    base: BaseHTTPRequestHandler,
}

#[http_handler(routes = [ADMIN])]
impl Api {
    fn do_GET(&self) -> &str {
        ""
    }
}

#[http_routes(ADMIN, guard = require_login)]
impl Api {
    #[route(GET, "/users")]
    fn users(&self) -> String {
        String::new()
    }

    fn require_login(&self) -> Option<String> {
        Some("403".to_owned())
    }
}

fn main() -> std::io::Result<()> {
    HTTPServer::bind("127.0.0.1:0", |base| Api { base })?.serve_forever()
}
