use std::io;

use basehttp::prelude::*;

struct Point;

struct Api {
    base: BaseHTTPRequestHandler,
}

#[http_handler]
impl Api {
    #[route(GET, "/points/{point}")]
    fn page(&self, point: Point) -> String {
        drop(point);
        String::new()
    }
}

fn main() -> io::Result<()> {
    HTTPServer::bind("127.0.0.1:0", |base| Api { base })?.serve_forever()
}
