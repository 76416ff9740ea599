//! Log lines in other forms than Python's.

use std::fmt::{self, Write as _};

use basehttp::prelude::*;
use serde_json::json;

/// A request line is as long as the client likes, and so are its fields.
const MOST: usize = 1000;

/// The request in the combined format of Apache: with the page that led here, and the client's name for itself.
pub(crate) fn combined<H: RequestHandler<MessageClass = Headers>>(
    handler: &H,
    code: Option<HTTPStatus>,
) -> String {
    let field = |name: &str| quoted(handler.headers().get(name).unwrap_or("-"));
    let code = code.map_or("-".to_owned(), |code| code.to_string());
    format!("{} {code} - {} {}", quoted(handler.requestline()), field("Referer"), field("User-Agent"))
}

fn quoted(text: &str) -> String {
    let mut line = String::from("\"");
    for letter in text.chars().take(MOST) {
        if letter == '"' {
            line.push('\\');
        }
        line.push(letter);
    }
    line.push('"');
    line
}

/// The request as a line of JSON.
pub(crate) fn json_request<H: RequestHandler<MessageClass = Headers>>(handler: &H, code: Option<HTTPStatus>) {
    let cut = |text: &str| text.chars().take(MOST).collect::<String>();
    let field = |name: &str| handler.headers().get(name).map(cut);
    print(&json!({
        "time": now(),
        "client": handler.address_string(),
        "method": cut(handler.command()),
        "path": cut(handler.path()),
        "status": code.map(HTTPStatus::code),
        "referer": field("Referer"),
        "user_agent": field("User-Agent"),
    }));
}

/// Any other message as a line of JSON.
pub(crate) fn json_message<H: RequestHandler>(handler: &H, message: fmt::Arguments<'_>) {
    let mut text = String::new();
    let _ = text.write_fmt(message);
    print(&json!({ "time": now(), "client": handler.address_string(), "message": text }));
}

fn now() -> String {
    jiff::Timestamp::now().to_string()
}

fn print(line: &serde_json::Value) {
    use std::io::Write as _;
    // Nobody is there to be told that nobody reads.
    let _ = writeln!(std::io::stderr(), "{line}");
}
