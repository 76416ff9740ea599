use std::io;

use basehttp::prelude::*;

struct Hello {
    base: BaseHTTPRequestHandler,
}

#[http_handler]
impl Hello {
    fn do_SPAM(&mut self) {
        self.send_response(204);
    }

    fn do_SET(&mut self) {
        self.do_SPAM();
    }

    fn do_X_1(&self) {}

    #[method("M-SEARCH")]
    fn do_search(&mut self) -> io::Result<()> {
        self.end_headers()
    }

    /// One edit from GET, and meant.
    #[method("GTE")]
    fn do_GTE(&self) {}

    #[method("version-control")]
    fn control(self: &mut Self) {}
}

fn is_handler<H: RequestHandler>() {}

fn main() {
    is_handler::<Hello>();
}
