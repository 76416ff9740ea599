use basehttp::prelude::*;
use basehttp::SimpleHTTPRequestHandler;

struct Files {
    base: SimpleHTTPRequestHandler,
}

#[http_handler(extends = SimpleHTTPRequestHandler, cgi_directories = &["/scripts"])]
impl Files {}

fn main() {}
