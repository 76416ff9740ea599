//! An error page, a status code and log lines of your own: class variables and an override.
//!
//! ```text
//! cargo run --release --example error_page [PORT]
//! curl -i http://127.0.0.1:8000/
//! curl -i http://127.0.0.1:8000/fail              # the handler returns an error: 500
//! curl -i http://127.0.0.1:8000/wait              # a nonstandard status code
//! curl -i -X BREW http://127.0.0.1:8000/          # the server's own errors use the same page
//! ```

use std::{fmt, io};

use basehttp::prelude::*;

struct Pages {
    base: BaseHTTPRequestHandler,
}

#[http_handler]
impl Pages {
    const protocol_version: &str = "HTTP/1.1";
    const error_content_type: &str = "text/html; charset=utf-8";
    // An unknown key would be a compile error; `%%` is a percent sign.
    const error_message_format: &str = "<!DOCTYPE html>
<title>%(message)s</title>
<h1 style=\"width: 100%%\">%(code)d</h1>
<p>%(message)s: %(explain)s
";
    // Other codes keep their standard messages.
    const responses: &[(u16, &str, &str)] = &[(799, "Not Yet", "The page is being written")];

    // Python's style, in which one method answers all paths: this example shows Python's class variables.
    fn do_GET(&self) -> io::Result<()> {
        match self.path() {
            "/fail" => Err(io::Error::other("the database is on holiday")),
            "/wait" => self.send_error(799),
            "/" => {
                self.send_response(200);
                self.end_headers()?;
                self.wfile.write_all(b"Nothing is wrong here.\n")
            }
            other => self.send_error((404, "No such page", format!("There is no {other} here."))),
        }
    }

    /// To standard output, without the date. The message contains client input, unescaped: control characters in it could
    /// control a terminal.
    fn log_message(&self, message: fmt::Arguments<'_>) {
        let text = message.to_string().replace(char::is_control, "?");
        println!("{} {text}", self.address_string());
    }
}

fn main() -> io::Result<()> {
    let port = std::env::args().nth(1).unwrap_or("8000".to_owned());
    let mut server = HTTPServer::bind(format!("127.0.0.1:{port}"), |base| Pages { base })?;
    println!("http://{}/", server.server_address());
    server.serve_forever()
}
