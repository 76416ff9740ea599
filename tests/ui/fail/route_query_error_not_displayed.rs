use std::io;
use std::str::FromStr;

use basehttp::prelude::*;

struct Point;

struct Silent;

impl FromStr for Point {
    type Err = Silent;

    fn from_str(text: &str) -> Result<Self, Silent> {
        if text.is_empty() { Err(Silent) } else { Ok(Self) }
    }
}

struct Api {
    base: BaseHTTPRequestHandler,
}

#[http_handler]
impl Api {
    #[route(GET, "/points?{point}")]
    fn page(&self, point: Option<Point>) -> String {
        drop(point);
        String::new()
    }
}

fn main() -> io::Result<()> {
    HTTPServer::bind("127.0.0.1:0", |base| Api { base })?.serve_forever()
}
