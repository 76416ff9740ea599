use std::io;

use basehttp::prelude::*;

struct Hello {
    base: BaseHTTPRequestHandler,
}

#[http_handler]
impl Hello {
    fn do_SPAM(&mut self) {
        self.send_response(204);
        let _ = self.end_headers();
    }

    fn do_SET(&mut self) {
        self.do_SPAM();
    }

    fn do_X_1(&self) {}

    #[method("M-SEARCH")]
    fn do_search(&mut self) -> io::Result<()> {
        self.send_response(202);
        self.end_headers()
    }

    /// One edit from GET, and meant.
    #[method("GTE")]
    fn do_GTE(&self) {}

    #[method("version-control")]
    fn control(self: &mut Self) {}
}

fn status(method: &str) -> u16 {
    let request = format!("{method} / HTTP/1.0\r\n\r\n");
    basehttp::testing::respond(|base| Hello { base }, request.as_bytes())[0].status
}

fn main() {
    assert_eq!(status("SPAM"), 204);
    assert_eq!(status("SET"), 204);
    assert_eq!(status("X_1"), 500);
    assert_eq!(status("M-SEARCH"), 202);
    assert_eq!(status("GTE"), 500);
    assert_eq!(status("GET"), 501);
    assert_eq!(status("do_search"), 501);
}
