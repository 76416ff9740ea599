use std::io;
use std::time::Duration;

use basehttp::prelude::*;

struct Hello {
    base: BaseHTTPRequestHandler,
}

#[http_handler]
impl Hello {
    /// Documented.
    pub const server_version: &'static str = concat!("Hello/", "1.0");
    const sys_version: &str = "";
    const protocol_version: &str = { "HTTP/1.1" };
    const default_request_version: &str = "HTTP/1.0";
    const error_message_format: &str = "%(code)d %(message)s: %(explain)s, 100 %%";
    const error_content_type: &str = TEXT;
    const responses: &[(u16, &str, &str)] = &[(299, "Nearly", "Nearly fine")];
    const timeout: Option<Duration> = Some(Duration::from_secs(5));

    fn do_GET(&mut self) -> io::Result<()> {
        self.send_response(200);
        self.end_headers()
    }
}

const TEXT: &str = "text/plain; charset=utf-8";

struct Arguments {
    base: BaseHTTPRequestHandler,
}

#[http_handler(
    server_version = concat!("Hello/", "1.0"),
    sys_version = "",
    protocol_version = "HTTP/1.1",
    default_request_version = "HTTP/1.0",
    error_message_format = "%(code)d",
    error_content_type = TEXT,
    responses = &[(299, "Nearly", "Nearly fine")],
    timeout = Some(Duration::from_secs(5)),
    head = true,
    base = base,
)]
impl Arguments {
    fn do_GET(&mut self) -> io::Result<()> {
        self.send_response(200);
        self.end_headers()
    }
}

fn main() {
    assert_eq!(Hello::server_version, "Hello/1.0");
    assert_eq!(<Hello as RequestHandler>::timeout, Arguments::timeout);
    assert_eq!(Hello::responses, <Arguments as RequestHandler>::responses);
    assert_eq!(Arguments::error_content_type, TEXT);
}
