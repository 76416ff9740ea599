use basehttp::prelude::*;

struct Api {
    base: BaseHTTPRequestHandler,
}

#[http_handler]
impl Api {
    #[route(GET, "/users?{q}")]
    fn users(&self, #[cfg(target_os = "none")] q: Option<&str>, #[cfg(not(target_os = "none"))] q: Option<&str>) -> String {
        q.unwrap_or_default().to_owned()
    }
}

fn main() -> std::io::Result<()> {
    HTTPServer::bind("127.0.0.1:0", |base| Api { base })?.serve_forever()
}
