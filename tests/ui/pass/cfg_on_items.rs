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

fn is_handler<H: RequestHandler>() {}

fn main() {
    is_handler::<Hello>();
}
