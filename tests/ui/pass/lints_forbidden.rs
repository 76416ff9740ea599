#![forbid(non_snake_case, deprecated)]

use basehttp::prelude::*;

struct Hello {
    base: BaseHTTPRequestHandler,
}

#[http_handler]
impl Hello {
    #[method("GET")]
    fn get(&self) {}
}

fn is_handler<H: RequestHandler>(_: impl Fn(BaseHTTPRequestHandler) -> H) {}

fn main() {
    is_handler(|base| Hello { base });
}
