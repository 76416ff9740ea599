use basehttp::prelude::*;

struct Api {
    base: BaseHTTPRequestHandler,
}

#[http_handler]
impl Api {
    #[route(GET, "/bytes")]
    fn bytes(&self) -> Result<String, Vec<u8>> {
        Err(Vec::new())
    }

    #[route(GET, "/json")]
    fn json(&self) -> Result<String, Json<u8>> {
        Err(Json(1))
    }

    #[route(GET, "/unit")]
    fn unit(&self) -> Result<String, ()> {
        Err(())
    }
}

fn main() -> std::io::Result<()> {
    HTTPServer::bind("127.0.0.1:0", |base| Api { base })?.serve_forever()
}
