//! The text of heads and of error pages, as documented.

use basehttp::HTTPStatus;

/// Text as the bytes of a head; `None` if a head cannot contain it.
pub(crate) fn latin1(text: &str) -> Option<Vec<u8>> {
    let byte = |c: char| u8::try_from(c).ok().filter(|byte| matches!(byte, b'\t' | 0x20..=0x7e | 0x80..));
    text.chars().map(byte).collect()
}

/// The methods of `Actor` except the one that was refused, as `Allow` lists them. HEAD is answered by `do_GET`.
pub(crate) fn allow(refused: &str) -> &'static str {
    match refused {
        "GET" | "HEAD" => "POST, SPAM, CONNECT",
        "POST" => "GET, HEAD, SPAM, CONNECT",
        "SPAM" => "GET, HEAD, POST, CONNECT",
        _ => "GET, HEAD, POST, SPAM",
    }
}

/// The page of `send_error`.
pub(crate) struct Page {
    pub(crate) phrase: String,
    pub(crate) body: String,
}

impl Page {
    pub(crate) fn new(code: u16, text: Option<&str>, explain: Option<&str>) -> Self {
        let status = HTTPStatus::new(code);
        let short = status.phrase().unwrap_or("???");
        let message = text.unwrap_or(short);
        let explain = explain.unwrap_or(status.description().unwrap_or("???"));
        let phrase = if latin1(message).is_some() { message } else { short };
        let escape = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let (message, explain) = (escape(message), escape(explain));
        let body = format!(
            "<!DOCTYPE HTML>\n<html lang=\"en\">\n    <head>\n        <meta charset=\"utf-8\">\n        \
             <title>Error response</title>\n    </head>\n    <body>\n        <h1>Error response</h1>\n        \
             <p>Error code: {code}</p>\n        <p>Message: {message}.</p>\n        \
             <p>Error code explanation: {code} - {explain}.</p>\n    </body>\n</html>\n"
        );
        Self { phrase: phrase.to_owned(), body }
    }
}
