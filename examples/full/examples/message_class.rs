//! The header fields in a type of your choice, Python's `MessageClass`: here `http::HeaderMap`, with basehttp's feature
//! `http`. Then `http::StatusCode` also works as a status.
//!
//! ```text
//! cargo run --release -p basehttp-examples-full --example message_class [PORT]
//! curl -i -H 'Accept-Language: de-AT, en' http://127.0.0.1:8000/
//! curl -i http://127.0.0.1:8000/
//! ```

use std::io;

use basehttp::prelude::*;
use http::header::{ACCEPT_LANGUAGE, CONTENT_LANGUAGE, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};

struct Greeter {
    base: BaseHTTPRequestHandler<HeaderMap>,
}

#[http_handler]
impl Greeter {
    type MessageClass = HeaderMap;

    const protocol_version: &str = "HTTP/1.1";

    fn do_GET(&self) -> io::Result<()> {
        let Some(wanted) = self.headers().get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()) else {
            return self.send_error((StatusCode::NOT_ACCEPTABLE, "Send Accept-Language"));
        };
        let (language, greeting) =
            if wanted.starts_with("de") { ("de", "Grüß Gott") } else { ("en", "Hello") };
        self.send_response(StatusCode::OK);
        self.send_header(CONTENT_TYPE.as_str(), "text/plain; charset=utf-8");
        self.send_header(CONTENT_LANGUAGE.as_str(), language);
        self.end_headers()?;
        writeln!(self.wfile, "{greeting}")
    }
}

fn main() -> io::Result<()> {
    let port = std::env::args().nth(1).unwrap_or("8000".to_owned());
    let mut server = HTTPServer::bind(format!("127.0.0.1:{port}"), |base| Greeter { base })?;
    println!("http://{}/", server.server_address());
    server.serve_forever()
}
