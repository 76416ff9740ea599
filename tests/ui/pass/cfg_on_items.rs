use std::io;

use basehttp::prelude::*;

struct Hello {
    base: BaseHTTPRequestHandler,
}

#[http_handler]
impl Hello {
    #[cfg(not(any()))]
    const server_version: &str = "Hello/1.0";
    #[cfg(any())]
    const server_version: &str = "no product\r\n";

    #[cfg(not(any()))]
    fn do_GET(&mut self) -> io::Result<()> {
        self.send_response(200);
        self.end_headers()
    }

    #[cfg(any())]
    fn do_GET(&mut self) -> Unknown {}

    #[cfg(any())]
    fn do_HEAD(&self) -> Unknown {}

    #[cfg(all())]
    #[cfg(any())]
    fn do_POST(&self) -> Unknown {}

    #[cfg(any())]
    fn handle(&mut self) -> Unknown {}

    #[cfg(any())]
    fn helper(&mut self) -> Unknown {}
}

fn status(method: &str) -> u16 {
    let request = format!("{method} / HTTP/1.0\r\n\r\n");
    basehttp::testing::respond(|base| Hello { base }, request.as_bytes())[0].status
}

fn main() {
    assert_eq!(status("GET"), 200);
    assert_eq!(status("HEAD"), 200);
    assert_eq!(status("POST"), 501);
}
