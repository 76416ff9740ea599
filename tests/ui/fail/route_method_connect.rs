use basehttp::prelude::*;

struct Api {
    base: BaseHTTPRequestHandler,
}

#[http_handler]
impl Api {
    #[route(CONNECT, "/proxy")]
    fn proxy(&self) -> String {
        String::new()
    }
}

fn main() -> std::io::Result<()> {
    HTTPServer::bind("127.0.0.1:0", |base| Api { base })?.serve_forever()
}
