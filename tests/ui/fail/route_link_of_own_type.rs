use std::net::IpAddr;

use basehttp::prelude::*;

struct Api {
    base: BaseHTTPRequestHandler,
}

#[http_handler]
impl Api {
    #[route(GET, "/days/{day}")]
    fn day(&self, day: IpAddr) -> String {
        day.to_string()
    }
}

fn main() {
    println!("{}", ApiLinks.day("monday"));
}
