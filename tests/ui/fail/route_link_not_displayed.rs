use std::str::FromStr;

use basehttp::prelude::*;

struct Point(String);

impl FromStr for Point {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Ok(Self(text.to_owned()))
    }
}

struct Api {
    base: BaseHTTPRequestHandler,
}

#[http_handler]
impl Api {
    #[route(GET, "/points/{point}")]
    fn page(&self, point: Point) -> String {
        point.0
    }
}

fn main() {
    println!("{}", ApiLinks.page(Point(String::new())));
}
