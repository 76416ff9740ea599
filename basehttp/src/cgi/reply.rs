//! What a script says before the body of its reply: RFC 3875 section 6.

use crate::proto::grammar::{decimal, field_text_len, is_token_text, trim_blanks};

/// The fields of a script's reply.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Head {
    /// With the text behind it, if there is one.
    pub(super) status: Option<(u16, String)>,
    pub(super) location: Option<String>,
    /// All others that may be passed on, in latin-1.
    pub(super) fields: Vec<(String, String)>,
}

/// A head that is not complete after so much is none.
pub(super) const MOST_HEAD: usize = 64 * 1024;
const MOST_FIELDS: usize = 100;

/// Fields that are the server's to send.
const DROPPED: [&str; 8] =
    ["connection", "date", "keep-alive", "server", "te", "trailer", "transfer-encoding", "upgrade"];

/// Reads a head as far as it goes: it, and how long it is, once all of it is there. Where `speaks_http`, it begins with a
/// status line, as that of a script which speaks for itself (section 5).
///
/// # Errors
/// What is wrong with it.
pub(super) fn parse(bytes: &[u8], speaks_http: bool) -> Result<Option<(Head, usize)>, &'static str> {
    let mut head = Head::default();
    let mut at = 0;
    let mut is_first = true;
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        let Some(end) = rest.iter().position(|byte| *byte == b'\n') else {
            return if bytes.len() > MOST_HEAD { Err("its head does not end") } else { Ok(None) };
        };
        at += end + 1;
        let line = rest.get(..end).unwrap_or_default();
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            let says_something = head.status.is_some() || head.location.is_some() || !head.fields.is_empty();
            return if says_something { Ok(Some((head, at))) } else { Err("its head is empty") };
        }
        if std::mem::take(&mut is_first) && speaks_http {
            let (version, status) = split(line, b' ').ok_or("it does not begin with a status line")?;
            if !version.starts_with(b"HTTP/") {
                return Err("it does not begin with a status line");
            }
            head.status = Some(parse_status(status)?);
            continue;
        }
        let (name, value) = split(line, b':').ok_or("a line of its head has no colon")?;
        add(&mut head, name, trim_blanks(value))?;
    }
}

fn add(head: &mut Head, name: &[u8], value: &[u8]) -> Result<(), &'static str> {
    if !is_token_text(name) || field_text_len(value) < value.len() {
        return Err("a line of its head is no field");
    }
    let (name, value) = (super::script::latin1(name), super::script::latin1(value));
    if name.eq_ignore_ascii_case("status") {
        head.status = Some(parse_status(value.as_bytes())?);
    } else if name.eq_ignore_ascii_case("location") {
        head.location = Some(value);
    } else if head.fields.len() >= MOST_FIELDS {
        return Err("its head has too many fields");
    } else if !DROPPED.iter().any(|dropped| name.eq_ignore_ascii_case(dropped)) {
        head.fields.push((name, value));
    }
    Ok(())
}

fn parse_status(text: &[u8]) -> Result<(u16, String), &'static str> {
    let text = trim_blanks(text);
    let (code, reason) = split(text, b' ').unwrap_or((text, b""));
    let number = Some(code).filter(|code| code.len() == 3).and_then(decimal);
    match number.and_then(|number| u16::try_from(number).ok()) {
        Some(code @ 200..=599) => Ok((code, super::script::latin1(trim_blanks(reason)))),
        _ => Err("its status is none"),
    }
}

fn split(text: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let place = text.iter().position(|byte| *byte == at)?;
    Some((text.get(..place)?, text.get(place + 1..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Option<(Head, usize)>, &'static str> {
        parse(text.as_bytes(), false)
    }

    #[test]
    fn heads() {
        let (head, len) =
            parsed("Content-Type: text/plain\nX: y\r\nStatus: 404 Not here\n\nbody").unwrap().unwrap();
        assert_eq!(len, 53);
        assert_eq!(head.status, Some((404, "Not here".to_owned())));
        let fields: Vec<_> = head.fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(fields, ["Content-Type=text/plain", "X=y"]);
        let (head, _) =
            parsed("Location: /a\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n")
                .unwrap()
                .unwrap();
        assert_eq!((head.location.as_deref(), head.fields.len()), (Some("/a"), 0));
        let (head, _) = parse(b"HTTP/1.0 201 Made\nA: b\n\n", true).unwrap().unwrap();
        assert_eq!(head.status, Some((201, "Made".to_owned())));
    }

    #[test]
    fn heads_that_are_not_complete() {
        for text in ["", "Content-Type", "A: b\n", "A: b\r\n\r"] {
            assert_eq!(parsed(text), Ok(None), "{text:?}");
        }
    }

    #[test]
    fn what_is_no_head() {
        for text in [
            "\n",
            "no colon\n\n",
            "A b: c\n\n",
            ": c\n\n",
            "A: b\0\n\n",
            "A: b\rC: d\n\n",
            " A: b\n\n",
            "Status: 1000\n\n",
            "Status: 101\n\n",
            "Status: +20\n\n",
            "Status: OK\n\n",
        ] {
            assert!(parsed(text).is_err(), "{text:?}");
        }
        assert!(parse(b"A: b\n\n", true).is_err());
        assert!(parse(&vec![b'x'; MOST_HEAD + 1], false).is_err());
        let many = "A: b\n".repeat(MOST_FIELDS + 1) + "\n";
        assert!(parsed(&many).is_err());
    }
}
