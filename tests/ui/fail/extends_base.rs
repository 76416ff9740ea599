use basehttp::prelude::*;

struct Plain {
    base: BaseHTTPRequestHandler,
}

#[http_handler(extends = BaseHTTPRequestHandler)]
impl Plain {
    fn do_GET(&self) {}
}

fn main() {}
