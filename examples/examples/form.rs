//! Queries and forms: what a browser sends of a `<form>`, read with the crate `form_urlencoded`.
//!
//! ```text
//! cargo run --release --example form [PORT]
//! curl 'http://127.0.0.1:8000/?name=Ann%20Lee'
//! curl -d 'name=Ann Lee' -d 'age=30' http://127.0.0.1:8000/
//! ```

use std::borrow::Cow;
use std::io;

use basehttp::prelude::*;
use form_urlencoded::parse;

struct Form {
    base: BaseHTTPRequestHandler,
}

/// More than a form for people has. A longer one is answered 413.
const MOST: usize = 16 * 1024;

#[http_handler]
impl Form {
    const protocol_version: &str = "HTTP/1.1";

    fn do_GET(&self) -> io::Result<()> {
        // The path is as it was sent. A `+` or `%20` of a query is for whoever parses it.
        let query = self.path().split_once('?').map_or("", |(_, query)| query);
        self.greet(query.as_bytes())
    }

    fn do_POST(&self) -> io::Result<()> {
        let media_type = self.headers().get("Content-Type").unwrap_or_default();
        let media_type = media_type.split(';').next().unwrap_or_default().trim();
        if !media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return self.send_error((415, "Send a form", "This takes application/x-www-form-urlencoded."));
        }
        let body = self.read_body(MOST)?;
        // The crate takes whatever comes; a client that encodes wrongly should be told where.
        if let Some(position) = misencoded(&body) {
            return self.send_error((
                400,
                "Malformed form",
                format!("Bad percent-encoding at byte {position}."),
            ));
        }
        self.greet(&body)
    }

    fn greet(&self, pairs: &[u8]) -> io::Result<()> {
        let value = |wanted: &str| -> Option<Cow<'_, str>> {
            parse(pairs).find(|(name, _)| name == wanted).map(|(_, value)| value)
        };
        let Some(name) = value("name").filter(|name| !name.is_empty()) else {
            return self.send_error((400, "What is your name?", "There has to be a field 'name'."));
        };
        self.send_response(200);
        self.send_header("Content-Type", "text/plain; charset=utf-8");
        self.end_headers()?;
        writeln!(self.wfile, "Hello, {name}!")?;
        if let Some(age) = value("age") {
            writeln!(self.wfile, "You are {age}.")?;
        }
        Ok(())
    }
}

/// Where a `%` stands that no two hexadecimal digits follow.
fn misencoded(form: &[u8]) -> Option<usize> {
    let is_wrong = |&at: &usize| {
        let digits = form.get(at + 1..at + 3).unwrap_or_default();
        form[at] == b'%' && !(digits.len() == 2 && digits.iter().all(u8::is_ascii_hexdigit))
    };
    (0..form.len()).find(is_wrong)
}

fn main() -> io::Result<()> {
    let port = std::env::args().nth(1).unwrap_or("8000".to_owned());
    let mut server = HTTPServer::bind(format!("127.0.0.1:{port}"), |base| Form { base })?;
    println!("http://{}/", server.server_address());
    server.serve_forever()
}
