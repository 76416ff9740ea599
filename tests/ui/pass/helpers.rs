#![allow(dead_code)]

use std::io;

use basehttp::prelude::*;

struct Hello {
    base: BaseHTTPRequestHandler,
}

#[http_handler]
impl Hello {
    const TIMEOUT: u64 = 30;
    const PROTOCOL_VERSION: u8 = 1;

    fn do_GET(&mut self) -> io::Result<()> {
        self.send_response(200);
        self.end_headers()
    }

    fn do_work(&self) -> u64 {
        Self::TIMEOUT + u64::from(Self::PROTOCOL_VERSION)
    }

    async fn do_read<T: Default>(&self, _length: usize) -> T {
        T::default()
    }

    fn get(&self) -> u64 {
        self.do_work()
    }

    #[allow(non_snake_case)]
    pub const fn handle_GET() {}

    unsafe fn send_headers(&self) {}

    fn setups(self) {}
}

fn is_handler<H: RequestHandler>() {}

fn main() {
    is_handler::<Hello>();
}
