//! Methods of your own: any `do_NAME` answers the method NAME, and `#[method("...")]` names a method that no Rust
//! identifier can.
//!
//! ```text
//! cargo run --release --example spam [PORT]
//! curl -i -X SPAM http://127.0.0.1:8000/
//! curl -i -X M-SEARCH http://127.0.0.1:8000/
//! curl -i -X EGGS http://127.0.0.1:8000/     # 501, and Allow lists the methods
//! curl -I http://127.0.0.1:8000/             # do_GET answers HEAD too, without the body
//! ```

use std::io;

use basehttp::prelude::*;

struct Spam {
    base: BaseHTTPRequestHandler,
}

#[http_handler]
impl Spam {
    const server_version: &str = "Spam/1.0";
    const protocol_version: &str = "HTTP/1.1";

    fn do_GET(&self) -> io::Result<()> {
        self.response("Try SPAM or M-SEARCH.\n")
    }

    fn do_SPAM(&self) -> io::Result<()> {
        self.response("Lovely Spam! Wonderful Spam!\n")
    }

    #[method("M-SEARCH")]
    fn search(&self) -> io::Result<()> {
        self.send_response((200, "Spam found"));
        self.send_header("ST", "urn:example:spam");
        self.end_headers()
    }

    fn response(&self, text: &str) -> io::Result<()> {
        self.send_response(200);
        self.send_header("Content-Type", "text/plain; charset=utf-8");
        self.end_headers()?;
        self.wfile.write_all(text.as_bytes())
    }
}

fn main() -> io::Result<()> {
    let port = std::env::args().nth(1).unwrap_or("8000".to_owned());
    let mut server = HTTPServer::bind(format!("127.0.0.1:{port}"), |base| Spam { base })?;
    println!("http://{}/", server.server_address());
    server.serve_forever()
}
