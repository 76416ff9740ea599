//! HTTPS with a certificate and a key from PEM files, which are read again when they change.
//!
//! `cargo run -p basehttp-examples-full --example https -- 8443 cert.pem key.pem`, then `curl --cacert cert.pem https://localhost:8443/`

use std::io;
use std::time::Duration;

use basehttp::prelude::*;
use basehttp::{Response, TlsConfig};

struct Secure {
    base: BaseHTTPRequestHandler,
}

#[http_handler]
impl Secure {
    const protocol_version: &str = "HTTP/1.1";

    fn do_GET(&self) -> Response {
        let text = format!("No one else can see that you asked for {}\n", self.path());
        // Browsers use only HTTPS from now on, for a day (RFC 6797).
        text.with_header("Strict-Transport-Security", "max-age=86400")
    }

    fn do_POST(&self) -> io::Result<Vec<u8>> {
        self.read_body(10 << 20)
    }
}

fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [port, certfile, keyfile] = arguments.as_slice() else {
        return Err(io::Error::other("usage: https PORT CERTFILE KEYFILE"));
    };
    let tls = TlsConfig::from_files(certfile, keyfile)?;
    let address = ("127.0.0.1", port.parse().map_err(io::Error::other)?);
    let builder = HTTPServer::builder().tls(tls).watch_tls(Duration::from_secs(2));
    builder.bind(address, |base| Secure { base })?.serve_forever()
}
