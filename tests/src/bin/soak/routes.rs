//! Visitors of the routes, and those whose requests must be refused.

use std::fmt::Write as _;

use crate::api::{MOST, Numbers};
use crate::content;
use crate::peer::{Framing, Trouble, Wanted};
use crate::visitor::{HOST, Visitor};

const TEXT: &str = "text/plain; charset=utf-8";

/// Requests with the status that they must get. `HOST` stands for a host. Each is on a connection of its own.
const DECLINED: &[(&str, u16, &str)] = &[
    ("404: no such path", 404, "GET /nothing/here HTTP/1.1\r\nHOST\r\n"),
    ("404: no number", 404, "GET /api/items/x/y HTTP/1.1\r\nHOST\r\n"),
    ("400: no number in the query", 400, "GET /api/items/1/y?limit=999 HTTP/1.1\r\nHOST\r\n"),
    ("405", 405, "DELETE /api/numbers HTTP/1.1\r\nHOST\r\n"),
    ("501", 501, "BREW /some/1 HTTP/1.1\r\nHOST\r\n"),
    ("415", 415, "POST /api/numbers HTTP/1.1\r\nHOSTContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}"),
    (
        "400: no JSON",
        400,
        "POST /api/numbers HTTP/1.1\r\nHOSTContent-Type: application/json\r\nContent-Length: 1\r\n\r\n{",
    ),
    (
        "422 of the handler",
        422,
        "POST /api/guests HTTP/1.1\r\nHOSTContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 13\r\n\r\nname=A&age=17",
    ),
    ("400: no Host", 400, "GET /some/secret HTTP/1.1\r\n\r\n"),
    ("400: two Hosts", 400, "GET /some/secret HTTP/1.1\r\nHOSTHOST\r\n"),
    ("417", 417, "POST /sum HTTP/1.1\r\nHOSTExpect: magic\r\nContent-Length: 1\r\n\r\n"),
    ("505", 505, "GET /some/secret HTTP/2.1\r\nHOST\r\n"),
    ("426", 426, "GET /socket/1 HTTP/1.1\r\nHOST\r\n"),
    ("400: no upgrade", 400, "GET /turn/1 HTTP/1.1\r\nHOST\r\n"),
    ("403: another target", 403, "CONNECT example.org:443 HTTP/1.1\r\nHOST\r\n"),
    ("403: a hidden script", 403, "GET /cgi-bin/text HTTP/1.1\r\nHOST\r\n"),
    ("404: out of the folder", 404, "GET /files/%2e%2e/%2e%2e/tls/key.pem HTTP/1.1\r\nHOST\r\n"),
    (
        "403: a foreign socket",
        403,
        "GET /socket/1 HTTP/1.1\r\nHOSTConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: https://evil.example\r\n\r\n",
    ),
    (
        "400: a malformed socket",
        400,
        "GET /socket/1 HTTP/1.1\r\nHOSTConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short\r\n\r\n",
    ),
];

/// As much of a body as arrives before the handler is called.
const GATHERED: usize = 64 * 1024;

impl Visitor<'_> {
    pub(crate) fn routes(&mut self) -> Result<(), Trouble> {
        let mut peer = self.peer()?;
        for _ in 0..self.dice.between(1, 10) {
            let number = self.dice.between(0, 1_000_000);
            let (kind, request, wanted) = match self.dice.between(1, 4) {
                1 => {
                    let count = self.dice.length(0, 8000);
                    let numbers = (0..count).map(|at| i64::from(content::byte(at * 7)) - 100).collect();
                    let mut numbers = Numbers { name: format!("{number} \u{e4}\""), numbers };
                    let body = serde_json::to_string(&numbers).expect("numbers");
                    let fields = format!("Content-Type: application/json\r\nContent-Length: {}", body.len());
                    let request = format!("POST /api/numbers HTTP/1.1\r\n{HOST}{fields}\r\n\r\n{body}");
                    numbers.numbers.sort_unstable();
                    numbers.numbers.push(numbers.numbers.iter().sum());
                    let body = serde_json::to_string(&numbers).expect("numbers");
                    let wanted = Wanted { status: 201, ..Wanted::page(body) };
                    ("a route with JSON", request, wanted.field("Content-Type", "application/json"))
                }
                2 => {
                    let query = "tag=a+b&tag=%C3%A4&other=1&limit=7";
                    let request = format!("GET /api/items/{number}/x%2Fy/z?{query} HTTP/1.1\r\n{HOST}\r\n");
                    let body = format!("{number} x/y/z [\"a b\", \"\u{e4}\"] Some(7)\n");
                    ("a route with arguments", request, Wanted::page(body).field("Content-Type", TEXT))
                }
                3 => {
                    let body = format!("name=A%26+{number}&age=18");
                    let fields = "Content-Type: application/x-www-form-urlencoded";
                    let length = body.len();
                    let request = format!(
                        "POST /api/guests HTTP/1.1\r\n{HOST}{fields}\r\nContent-Length: {length}\r\n\r\n{body}"
                    );
                    let body = format!("A& {number} Some(18)\n");
                    ("a route with a form", request, Wanted::page(body).field("Content-Type", TEXT))
                }
                _ => {
                    let request = format!("OPTIONS /api/guests HTTP/1.1\r\n{HOST}\r\n");
                    (
                        "OPTIONS",
                        request,
                        Wanted::empty(204).field("Allow", "POST, GET, HEAD, CONNECT, OPTIONS"),
                    )
                }
            };
            peer.send(request.as_bytes());
            let goes_on = peer.response(&wanted)?;
            self.good(kind);
            if !goes_on || !self.is_playing() {
                return Ok(());
            }
        }
        Ok(())
    }

    /// A form with texts and files of random lengths.
    pub(crate) fn form(&mut self) -> Result<(), Trouble> {
        let mut peer = self.peer()?;
        let (mut body, mut told) = (Vec::new(), String::new());
        let boundary = format!("soak{:016x}", self.dice.between(0, 1 << 47));
        for part in 0..self.dice.between(1, 5) {
            let length = self.dice.length(0, 500_000);
            let from = self.dice.between(0, 1000);
            let bytes = content::bytes(from, from + length);
            let (mut file, mut name) = (String::new(), String::new());
            if self.dice.chance(70) {
                name = format!("f{part}.bin");
                file = format!("; filename=\"{name}\"");
            }
            body.extend_from_slice(
                format!("--{boundary}\r\nContent-Disposition: form-data; name=\"p{part}\"{file}\r\n\r\n")
                    .as_bytes(),
            );
            body.extend_from_slice(&bytes);
            body.extend_from_slice(b"\r\n");
            let sum = content::sum(length, content::checksum(0, &bytes));
            // Writing to a string cannot fail.
            let _ = write!(told, "p{part} {name}: {sum}");
        }
        body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
        let is_chunked = self.dice.chance(50);
        let framing = if is_chunked {
            "Transfer-Encoding: chunked\r\n".to_owned()
        } else {
            format!("Content-Length: {}\r\n", body.len())
        };
        let media_type = format!("Content-Type: multipart/form-data; boundary={boundary}\r\n");
        peer.send(format!("POST /api/files HTTP/1.1\r\n{HOST}{media_type}{framing}\r\n").as_bytes());
        self.send_body(&mut peer, &body, is_chunked);
        peer.response(&Wanted::page(told).field("Content-Type", TEXT))?;
        self.good("a form with files");
        Ok(())
    }

    pub(crate) fn declined(&mut self) -> Result<(), Trouble> {
        for _ in 0..self.dice.between(1, 6) {
            let mut peer = self.peer()?;
            let (kind, status, request) = match self.dice.between(1, 12) {
                1 => {
                    let long = "x".repeat(70_000);
                    ("414", 414, format!("GET /some/{long} HTTP/1.1\r\n{HOST}\r\n"))
                }
                2 => {
                    let long = format!("X-Long: {}\r\n", "x".repeat(10_000)).repeat(7);
                    ("431: a long head", 431, format!("GET /some/1 HTTP/1.1\r\n{HOST}{long}\r\n"))
                }
                3 => {
                    let many = "X: y\r\n".repeat(101);
                    ("431: many fields", 431, format!("GET /some/1 HTTP/1.1\r\n{HOST}{many}\r\n"))
                }
                4 => {
                    let fields = "Content-Type: multipart/form-data; boundary=x\r\n";
                    let (length, begun) = (MOST + 1, "-".repeat(GATHERED));
                    let request =
                        format!("POST /api/files HTTP/1.1\r\n{HOST}{fields}Content-Length: {length}\r\n\r\n");
                    ("413: a long form", 413, request + &begun)
                }
                5 => {
                    let body = "x".repeat(60_001);
                    let fields = "Content-Type: application/json\r\nContent-Length: 60001\r\n";
                    let request = format!("POST /api/numbers HTTP/1.1\r\n{HOST}{fields}\r\n{body}");
                    ("413: long JSON", 413, request)
                }
                _ => {
                    let (kind, status, request) = *self.dice.pick(DECLINED);
                    (kind, status, request.replace("HOST", HOST))
                }
            };
            peer.send(request.as_bytes());
            peer.response(&Wanted { framing: Framing::Any, ..Wanted::failure(status) }).map_err(
                |trouble| match trouble {
                    Trouble::Wrong(what) => Trouble::Wrong(format!("{kind}: {what}")),
                    trouble => trouble,
                },
            )?;
            self.stage.counts.declined.add(kind);
        }
        Ok(())
    }

    /// The server believes 127.0.0.1 about its clients.
    pub(crate) fn proxied(&mut self) -> Result<(), Trouble> {
        let mut peer = self.peer()?;
        for _ in 0..self.dice.between(1, 10) {
            let (a, b) = (self.dice.between(0, 255), self.dice.between(0, 255));
            let scheme = *self.dice.pick(&["http", "https"]);
            let fields =
                format!("X-Forwarded-For: 10.9.8.7, 192.0.{a}.{b}\r\nX-Forwarded-Proto: {scheme}\r\n");
            peer.send(format!("GET /who/1 HTTP/1.1\r\n{HOST}{fields}\r\n").as_bytes());
            let goes_on = peer.response(&Wanted::page(format!("{scheme} 192.0.{a}.{b}\n")))?;
            self.good("fields of a proxy");
            if !goes_on {
                break;
            }
        }
        Ok(())
    }

    /// Browsers say where a request comes from.
    pub(crate) fn cross_origin(&mut self) -> Result<(), Trouble> {
        let mut peer = self.peer()?;
        let origin = if self.way == crate::stage::Way::Http { "http://soak" } else { "https://soak" };
        for _ in 0..self.dice.between(1, 4) {
            let (fields, is_foreign) = match self.dice.between(1, 4) {
                1 => ("Sec-Fetch-Site: cross-site\r\nOrigin: https://evil.example\r\n".to_owned(), true),
                2 => ("Origin: null\r\n".to_owned(), true),
                3 => (format!("Sec-Fetch-Site: same-origin\r\nOrigin: {origin}\r\n"), false),
                _ => (format!("Origin: {origin}\r\n"), false),
            };
            peer.send(format!("POST /sum HTTP/1.1\r\n{HOST}{fields}Content-Length: 3\r\n\r\nabc").as_bytes());
            if is_foreign {
                peer.response(&Wanted::failure(403))?;
                self.stage.counts.declined.add("403: another origin");
                return Ok(());
            }
            let goes_on = peer.response(&Wanted::page(content::sum(3, content::checksum(0, b"abc"))))?;
            self.good("the same origin");
            if !goes_on {
                break;
            }
        }
        Ok(())
    }
}
