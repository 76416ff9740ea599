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

fn status(method: &str) -> u16 {
    let request = format!("{method} / HTTP/1.0\r\n\r\n");
    basehttp::testing::respond(|base| other::Hello { base }, request.as_bytes())[0].status
}

fn main() {
    assert_eq!(status("GET"), 200);
    assert_eq!(status("HEAD"), 200);
}
