use basehttp::prelude::*;

struct Files {
    base: BaseHTTPRequestHandler,
}

#[http_handler(extends = SimpleHTTPRequestHandler)]
impl Files {}

fn main() {}
