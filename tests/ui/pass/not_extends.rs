//! What would be an override in a handler of files is a helper in any other.

use basehttp::prelude::*;

struct Plain {
    base: BaseHTTPRequestHandler,
}

#[http_handler]
impl Plain {
    const index_pages: u8 = 5;

    fn do_GET(&self) {
        assert_eq!(self.guess_type(), Self::index_pages);
    }

    fn guess_type(&self) -> u8 {
        5
    }
}

fn main() {
    let responses = basehttp::testing::respond(|base| Plain { base }, b"GET / HTTP/1.0\r\n\r\n");
    assert_eq!(responses[0].status, 500, "it made no response, and did not panic");
}
