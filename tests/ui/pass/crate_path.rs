use basehttp::prelude::*;

mod vendored {
    pub mod server {
        pub use basehttp::*;
    }
}

struct Hello {
    base: BaseHTTPRequestHandler,
}

#[http_handler(crate = crate::vendored::server, protocol_version = "HTTP/1.1")]
impl Hello {
    fn do_GET(&mut self) {
        self.send_response(204);
    }
}

fn is_handler<H: RequestHandler>() {}

fn main() {
    is_handler::<Hello>();
}
