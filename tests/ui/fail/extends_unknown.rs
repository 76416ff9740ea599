use basehttp::prelude::*;
use basehttp::SimpleHTTPRequestHandler;

struct Files {
    base: SimpleHTTPRequestHandler,
}

#[http_handler(extends = SimpleHTTPHandler)]
impl Files {
    fn do_GET(&self) {}
}

fn main() {}
