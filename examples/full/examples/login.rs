//! A password with the Basic scheme (RFC 7617), and a cookie that stores a value (the crate `cookie`).
//!
//! ```text
//! cargo run --release -p basehttp-examples-full --example login [PORT]
//! curl -i -u ann:secret http://127.0.0.1:8000/
//! curl -u ann:secret -c jar -b jar http://127.0.0.1:8000/      # several times
//! ```

use std::io;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use basehttp::Response;
use basehttp::prelude::*;
use cookie::{Cookie, SameSite};

struct Login {
    base: BaseHTTPRequestHandler,
}

#[http_handler]
impl Login {
    const protocol_version: &str = "HTTP/1.1";

    /// Before each request, whatever its method.
    fn parse_request(&mut self) -> io::Result<bool> {
        if !BaseHTTPRequestHandler::parse_request(self)? {
            return Ok(false);
        }
        if self.is_ann() {
            return Ok(true);
        }
        self.send_response(401);
        self.send_header("WWW-Authenticate", "Basic realm=\"example\", charset=\"UTF-8\"");
        self.end_headers()?;
        self.wfile.write_all(b"Who are you?\n")?;
        Ok(false)
    }

    fn do_GET(&self) -> Response {
        let cookies = self.headers().get("Cookie").unwrap_or_default();
        let visits = Cookie::split_parse(cookies)
            .flatten()
            .find(|cookie| cookie.name() == "visits")
            .and_then(|cookie| cookie.value().parse::<u32>().ok())
            .unwrap_or(0)
            .saturating_add(1);
        // Add `.secure(true)` if the server uses TLS.
        let cookie =
            Cookie::build(("visits", visits.to_string())).path("/").http_only(true).same_site(SameSite::Lax);
        format!("Visit {visits}\n").with_header("Set-Cookie", cookie).with_header("Cache-Control", "no-store")
    }

    fn is_ann(&self) -> bool {
        let given = self.headers().get("Authorization").and_then(|value| value.split_once(' '));
        let Some((scheme, credentials)) = given else { return false };
        let Ok(credentials) = BASE64_STANDARD.decode(credentials.trim()) else { return false };
        scheme.eq_ignore_ascii_case("Basic") && is_same(&credentials, b"ann:secret")
    }
}

/// Takes as long for a nearly correct password as for a wrong one. A real program stores a hash of the password (argon2).
fn is_same(given: &[u8], wanted: &[u8]) -> bool {
    let differing = given.iter().zip(wanted).fold(0, |all, (a, b)| all | (a ^ b));
    given.len() == wanted.len() && std::hint::black_box(differing) == 0
}

fn main() -> io::Result<()> {
    let port = std::env::args().nth(1).unwrap_or("8000".to_owned());
    let mut server = HTTPServer::bind(format!("127.0.0.1:{port}"), |base| Login { base })?;
    println!("http://{}/", server.server_address());
    server.serve_forever()
}
