use basehttp::prelude::*;

struct Api {
    base: BaseHTTPRequestHandler,
}

#[http_handler(links = "Links")]
impl Api {
    #[route(GET, "/value")]
    fn value(&self) -> &str {
        ""
    }
}

fn main() -> std::io::Result<()> {
    HTTPServer::bind("127.0.0.1:0", |base| Api { base })?.serve_forever()
}
