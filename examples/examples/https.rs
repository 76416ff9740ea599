//! HTTPS, with the certificate and the key of PEM files, which are read again when they change.
//!
//! `cargo run --example https -- 8443 cert.pem key.pem`, then `curl --cacert cert.pem https://localhost:8443/`

use std::io;
use std::time::Duration;

use basehttp::TlsConfig;
use basehttp::prelude::*;

struct Secure {
    base: BaseHTTPRequestHandler,
}

#[http_handler]
impl Secure {
    const protocol_version: &str = "HTTP/1.1";

    fn do_GET(&self) -> io::Result<()> {
        self.send_response(200);
        self.send_header("Content-Type", "text/plain; charset=utf-8");
        // From now on browsers come by HTTPS, for a day (RFC 6797).
        self.send_header("Strict-Transport-Security", "max-age=86400");
        self.end_headers()?;
        writeln!(self.wfile, "Nobody else has read that you asked for {}", self.path())
    }

    fn do_POST(&self) -> io::Result<()> {
        let body = self.read_body(10 << 20)?;
        self.send_response(200);
        self.end_headers()?;
        self.wfile.write_all(&body)
    }
}

fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [port, certfile, keyfile] = arguments.as_slice() else {
        return Err(io::Error::other("https PORT CERTFILE KEYFILE"));
    };
    let tls = TlsConfig::from_files(certfile, keyfile)?;
    let address = ("127.0.0.1", port.parse().map_err(io::Error::other)?);
    let builder = HTTPServer::builder().tls(tls).watch_tls(Duration::from_secs(2));
    builder.bind(address, |base| Secure { base })?.serve_forever()
}
