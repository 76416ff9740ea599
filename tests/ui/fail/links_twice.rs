use basehttp::prelude::*;

struct Api<T> {
    base: BaseHTTPRequestHandler,
    value: T,
}

#[http_handler]
impl Api<u8> {
    #[route(GET, "/value")]
    fn value(&self) -> String {
        self.value.to_string()
    }
}

#[http_handler]
impl Api<u16> {
    #[route(GET, "/value")]
    fn value(&self) -> String {
        self.value.to_string()
    }
}

fn main() -> std::io::Result<()> {
    HTTPServer::bind("127.0.0.1:0", |base| Api { base, value: 0_u8 })?.serve_forever()
}
