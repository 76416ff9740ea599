#![allow(non_upper_case_globals, dead_code)]

use basehttp::prelude::*;

const field: u8 = 1;
const base: u8 = 2;
static handler: u8 = 3;
static outcome: u8 = 4;

struct Hello {
    base: BaseHTTPRequestHandler,
}

#[http_handler]
impl Hello {
    fn do_GET(&self) {}
}

fn is_handler<H: RequestHandler>() {}

fn main() {
    is_handler::<Hello>();
}
