use std::io;

use basehttp::prelude::*;

mod other {
    use basehttp::prelude::*;

    pub struct Hello {
        pub(super) base: BaseHTTPRequestHandler,
    }
}

#[http_handler]
impl self::other::Hello {
    fn do_GET(&mut self) -> io::Result<()> {
        self.send_response(200);
        self.end_headers()
    }
}

fn is_handler<H: RequestHandler>() {}

fn main() {
    is_handler::<other::Hello>();
}
