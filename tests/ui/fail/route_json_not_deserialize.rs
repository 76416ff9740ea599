use std::io;

use basehttp::Json;
use basehttp::prelude::*;

struct Point;

struct Api {
    base: BaseHTTPRequestHandler,
}

#[http_handler]
impl Api {
    #[route(POST, "/points")]
    fn page(&self, point: Json<Point>) -> String {
        drop(point);
        String::new()
    }
}

fn main() -> io::Result<()> {
    HTTPServer::bind("127.0.0.1:0", |base| Api { base })?.serve_forever()
}
