use basehttp::prelude::*;
use basehttp::SimpleHTTPRequestHandler;

struct Files {
    base: SimpleHTTPRequestHandler,
}

#[http_handler]
impl Files {
    fn do_POST(&self) {}
}

fn main() {}
