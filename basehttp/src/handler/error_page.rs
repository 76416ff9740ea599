//! The page that `send_error` sends.

use crate::proto::status::HTTPStatus;

/// The default of the class variable `error_message_format`, as in Python.
pub const DEFAULT_ERROR_MESSAGE: &str = r#"<!DOCTYPE HTML>
<html lang="en">
    <head>
        <meta charset="utf-8">
        <title>Error response</title>
    </head>
    <body>
        <h1>Error response</h1>
        <p>Error code: %(code)d</p>
        <p>Message: %(message)s.</p>
        <p>Error code explanation: %(code)s - %(explain)s.</p>
    </body>
</html>
"#;

/// The default of the class variable `error_content_type`, as in Python.
pub const DEFAULT_ERROR_CONTENT_TYPE: &str = "text/html;charset=utf-8";

/// Inserts code, message and explanation into a page. Message and explanation are escaped for HTML.
pub(super) fn render(format: &str, status: HTTPStatus, message: &str, explain: &str) -> String {
    let mut page = String::with_capacity(format.len() + message.len() + explain.len());
    let mut rest = format;
    while let Some((text, after)) = rest.split_once('%') {
        page.push_str(text);
        rest = match specifier(after) {
            Some((Key::Code, after)) => {
                page.push_str(&status.to_string());
                after
            }
            Some((Key::Message, after)) => {
                escape(message, &mut page);
                after
            }
            Some((Key::Explain, after)) => {
                escape(explain, &mut page);
                after
            }
            // `check_error_message_format` has refused any other specifier at compile time.
            None => {
                page.push('%');
                after.strip_prefix('%').unwrap_or(after)
            }
        };
    }
    page.push_str(rest);
    page
}

#[derive(Clone, Copy)]
pub(super) enum Key {
    Code,
    Message,
    Explain,
}

fn specifier(text: &str) -> Option<(Key, &str)> {
    SPECIFIERS.iter().find_map(|(name, key)| Some((*key, text.strip_prefix(name)?)))
}

/// The specifiers that may follow a percent sign, besides another percent sign.
pub(super) const SPECIFIERS: [(&str, Key); 4] = [
    ("(code)d", Key::Code),
    ("(code)s", Key::Code),
    ("(message)s", Key::Message),
    ("(explain)s", Key::Explain),
];

/// As Python's `html.escape(text, quote=False)`.
pub(crate) fn escape(text: &str, page: &mut String) {
    for c in text.chars() {
        match c {
            '&' => page.push_str("&amp;"),
            '<' => page.push_str("&lt;"),
            '>' => page.push_str("&gt;"),
            _ => page.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_specifier_is_replaced_and_text_is_escaped() {
        let page =
            render("100%% %(code)d %(code)s|%(message)s|%(explain)s|", 404.into(), "<b>%(code)d", "a & b");
        assert_eq!(page, "100% 404 404|&lt;b&gt;%(code)d|a &amp; b|");
    }
}
