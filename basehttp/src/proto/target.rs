//! The forms of a request target: RFC 9112 section 3.2. They are decided only here.

use super::{grammar, host};

/// The form of a request target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Form {
    /// `/path?query`: section 3.2.1. Also `//path`, whatever follows the slashes.
    #[default]
    Origin,
    /// `http://host/path?query`: section 3.2.2. [`absolute`] splits it.
    Absolute,
    /// `host:port` for CONNECT: section 3.2.3.
    Authority,
    /// `*` for OPTIONS: section 3.2.4. Also for SSDP's M-SEARCH and NOTIFY, which concern a whole device.
    Asterisk,
    /// `path?query` without a slash before it.
    ///
    /// Looser than section 3.2, which has no such form: Python serves it (`test_path_without_leading_slash`). It has no colon
    /// before its first slash or question mark, so that it cannot be confused with a target that has a scheme or a port (RFC
    /// 3986 section 4.2, `path-noscheme`). It is refused if the server checks host names.
    Relative,
}

/// The form of a target that is not empty; `None` if it has none, or one that this method does not allow.
pub(crate) fn form_of(method: &[u8], target: &[u8]) -> Option<Form> {
    // The target of a tunnel must be an authority, and no other target may be one.
    if method == b"CONNECT" {
        return is_authority(target).then_some(Form::Authority);
    }
    match target {
        [b'/', ..] => Some(Form::Origin),
        b"*" => matches!(method, b"OPTIONS" | b"M-SEARCH" | b"NOTIFY").then_some(Form::Asterisk),
        _ if !has_colon(target) => Some(Form::Relative),
        _ => absolute(target).map(|_| Form::Absolute),
    }
}

/// The parts of a target in absolute form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Absolute<'a> {
    /// The scheme, before the colon; its case does not matter.
    pub scheme: &'a [u8],
    /// Host and port, without the user information before them.
    pub host: &'a [u8],
    /// The path and what follows it; may be empty.
    pub rest: &'a [u8],
}

/// Splits a target in absolute form: `scheme "://" [ userinfo "@" ] host [ ":" port ] path [ "?" query ]`.
///
/// Stricter than RFC 3986 section 4.3, which also allows URIs without a host: a server cannot serve `urn:a`, `http:/a` and
/// `http:///a` name no host (RFC 9110 section 4.2.1), and `a:80` is a form for CONNECT.
pub(crate) fn absolute(target: &[u8]) -> Option<Absolute<'_>> {
    let colon = target.iter().position(|&byte| !is_scheme(byte))?;
    let (scheme, behind) = target.split_at_checked(colon)?;
    let behind = behind.strip_prefix(b"://")?;
    let end = behind.iter().position(|byte| b"/?#".contains(byte)).unwrap_or(behind.len());
    let (authority, rest) = behind.split_at_checked(end)?;
    let host = match authority.iter().position(|&byte| byte == b'@') {
        Some(at) if is_user(authority.get(..at)?) => authority.get(at + 1..)?,
        Some(_) => return None,
        None => authority,
    };
    // RFC 3986 section 3.1: a scheme begins with a letter.
    let is_good = scheme.first()?.is_ascii_alphabetic() && !host.is_empty() && host::is_host(host);
    is_good.then_some(Absolute { scheme, host, rest })
}

/// RFC 9112 section 3.2.3: `uri-host ":" port`. RFC 9110 section 9.3.6 requires refusing one without a port or with an
/// impossible one.
fn is_authority(target: &[u8]) -> bool {
    let Some(colon) = target.iter().rposition(|&byte| byte == b':') else { return false };
    let port = target.get(colon + 1..).and_then(grammar::decimal);
    matches!(port, Some(1..=65535)) && host::is_host(target)
}

/// Whether there is a colon in the first segment.
fn has_colon(target: &[u8]) -> bool {
    target.iter().find(|byte| b":/?#".contains(byte)) == Some(&b':')
}

/// RFC 3986 section 3.1: `ALPHA / DIGIT / "+" / "-" / "."`
fn is_scheme(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+-.".contains(&byte)
}

/// RFC 3986 section 3.2.1: `*( unreserved / pct-encoded / sub-delims / ":" )`.
fn is_user(text: &[u8]) -> bool {
    text.iter().all(|&byte| byte == b':' || byte == b'%' || grammar::is_reg_name(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [&str; 4] = ["GET", "OPTIONS", "CONNECT", "M-SEARCH"];

    /// The form for each of the methods above.
    fn forms(target: &str) -> [Option<Form>; 4] {
        ALL.map(|method| form_of(method.as_bytes(), target.as_bytes()))
    }

    #[test]
    fn a_target_has_one_of_the_forms_of_its_method() {
        let of_all_but_connect = |form| [Some(form), Some(form), None, Some(form)];
        for target in ["/", "/a?b=http://c/", "//a/b", "/*", "/a:80", "/\\", "///"] {
            assert_eq!(forms(target), of_all_but_connect(Form::Origin), "{target}");
        }
        for target in [
            "http://a",
            "HTTP://A/",
            "hTtPs://a:443/x?y",
            "http://a?b@c",
            "http://a#b",
            "http://u:p%20@a/",
            "http://[::1]:80/",
            "ftp://a/x",
            "a+b-c.d://a/x",
            "http://a:",
        ] {
            assert_eq!(forms(target), of_all_but_connect(Form::Absolute), "{target}");
        }
        for target in ["s?x=http://localhost/", "x", "?a", "?x=a:b", "x/y:z", "..", "#a:b", "%2f", "@", "**"]
        {
            assert_eq!(forms(target), of_all_but_connect(Form::Relative), "{target}");
        }
        assert_eq!(forms("*"), [None, Some(Form::Asterisk), None, Some(Form::Asterisk)]);
        for target in ["a:80", "a.example:443", "127.0.0.1:1", "[::1]:65535"] {
            assert_eq!(forms(target), [None, None, Some(Form::Authority), None], "{target}");
        }
        for target in [
            "http:",
            "http:/x",
            "http:x",
            "http://",
            "http:///x",
            "http://:80/",
            "http://?a",
            "http://@/",
            "http://a@b@c/",
            "http://a\\@b/",
            "http://a\\/",
            "http://a,b:x/",
            "http://[::1/",
            "://a/",
            "1a://a/",
            "a_b://a/",
            "urn:a:b",
            "a:",
            ":80",
            "a:0",
            "a:65536",
            "a:+1",
            "[::1]",
            "a:80/",
            "http ://a/",
            "http://a:80:80/",
            "javascript:alert(1)",
            "{\"a\":1}",
            "\u{e9}://a/",
            "http://\u{e9}/",
        ] {
            assert_eq!(forms(target), [None; 4], "{target}");
        }
    }

    #[test]
    fn the_parts_of_an_absolute_target() {
        for (target, host, rest) in [
            ("http://a/b", "a", "/b"),
            ("http://a:1?b@c", "a:1", "?b@c"),
            ("http://localhost@evil/", "evil", "/"),
            ("http://a", "a", ""),
        ] {
            let parts = Absolute { scheme: b"http", host: host.as_bytes(), rest: rest.as_bytes() };
            assert_eq!(absolute(target.as_bytes()), Some(parts));
        }
        assert_eq!(absolute(b"/a?b=http://c"), None);
    }
}
