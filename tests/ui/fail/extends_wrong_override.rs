use std::path::Path;

use basehttp::prelude::*;
use basehttp::SimpleHTTPRequestHandler;

struct Files {
    base: SimpleHTTPRequestHandler,
}

#[http_handler(extends = SimpleHTTPRequestHandler)]
impl Files {
    fn guess_type(&self, _path: &Path, _strict: bool) -> String {
        String::new()
    }
}

fn main() {}
