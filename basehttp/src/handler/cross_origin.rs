//! Requests that pages of other origins make.

use std::fmt::Write as _;

use super::origin::{Origin, only};
use super::request::{Request, latin1};
use super::text::shortened;
use crate::proto::fault::Fault;
use crate::proto::grammar::percent_decoded;
use crate::proto::target::Form;

/// Refuses requests that pages of other origins make a browser send (cross-site request forgery, CSRF): for
/// [`ServerBuilder::cross_origin_protection`](crate::ServerBuilder::cross_origin_protection), which has the rules.
///
/// ```
/// # use basehttp::prelude::*;
/// # use basehttp::testing::TestServer;
/// use basehttp::CrossOriginProtection;
///
/// struct Account { base: BaseHTTPRequestHandler }
///
/// #[http_handler]
/// impl Account {
///     fn do_POST(&self) -> &str {
///         "done"
///     }
/// }
///
/// let protection = CrossOriginProtection::new()
///     .trust_origin("https://app.example.com")
///     .insecure_bypass("/login/callback");
/// let server = TestServer::with(HTTPServer::builder().cross_origin_protection(protection), |base| Account { base });
/// let post = |path: &str, fields: &str| {
///     let request = format!("POST {path} HTTP/1.1\r\nHost: example.com\r\n{fields}Content-Length: 0\r\n\r\n");
///     String::from_utf8_lossy(&server.exchange(request.as_bytes()).unwrap()[9..12]).into_owned()
/// };
/// assert_eq!(post("/", "Sec-Fetch-Site: same-origin\r\n"), "200");
/// assert_eq!(post("/", "Origin: https://example.com\r\n"), "200");
/// assert_eq!(post("/", "Sec-Fetch-Site: cross-site\r\nOrigin: https://evil.example\r\n"), "403");
/// assert_eq!(post("/", "Sec-Fetch-Site: same-site\r\nOrigin: https://app.example.com\r\n"), "200");
/// assert_eq!(post("/login/callback", "Origin: https://id.example\r\n"), "200");
/// // Not a browser.
/// assert_eq!(post("/", ""), "200");
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct CrossOriginProtection {
    trusted: Vec<String>,
    bypasses: Vec<String>,
}

impl CrossOriginProtection {
    /// Allows the server's own pages only.
    pub fn new() -> Self {
        Self::default()
    }

    /// Allows the pages of another origin: its scheme, host and, unless it is the scheme's default, port, as in
    /// `https://app.example.com` or `http://localhost:3000`. Case does not matter. There are no patterns: name each origin. `bind`
    /// rejects a value that is not an origin, and names it.
    ///
    /// A trusted page may also open WebSockets with `accept_websocket`. The browser still hides responses from it, unless the
    /// handler sends `Access-Control-Allow-Origin`.
    #[doc(alias("allow_origin", "trusted_origins"))]
    pub fn trust_origin(mut self, origin: impl Into<String>) -> Self {
        self.trusted.push(origin.into());
        self
    }

    /// Allows the pages of all origins for one path, such as the callback of a login service that makes the browser post back to
    /// you, or an API for all pages that identifies its clients by a token. The handler must check by itself where the request
    /// comes from.
    ///
    /// The path is a pattern as in [`#[route]`](crate::route): `/accounts/{id}` matches one segment that is not empty, and
    /// `/api/{rest..}` matches everything that follows. It is compared with the path as the client sent it, without the query:
    /// `%61` is not `a`. A segment that could mean another path once decoded (`..`, `%2e%2e`, `a%2Fb`) matches neither parameter.
    /// `bind` rejects a pattern that cannot match, and names it.
    #[doc(alias("exempt", "webhook"))]
    pub fn insecure_bypass(mut self, path: impl Into<String>) -> Self {
        self.bypasses.push(path.into());
        self
    }

    /// The first origin or path that cannot work, and why.
    pub(crate) fn mistake(&self) -> Option<String> {
        let of_origin = |origin: &String| {
            origin_mistake(origin).map(|what| format!("trusts the origin {origin:?}: {what}"))
        };
        let of_bypass = |path: &String| {
            bypass_mistake(path).map(|what| format!("has the insecure bypass {path:?}: {what}"))
        };
        self.trusted.iter().find_map(of_origin).or_else(|| self.bypasses.iter().find_map(of_bypass))
    }

    /// Refuses an unsafe request made by a page of another origin.
    pub(crate) fn check(&self, request: &Request, is_tls: bool) -> Result<(), Fault> {
        if is_safe(request) || !is_foreign(request, is_tls) || self.trusts(request) || self.bypasses(request)
        {
            return Ok(());
        }
        Err(Fault::CrossOrigin)
    }

    /// Whether the page that made the request has a trusted origin.
    pub(crate) fn trusts(&self, request: &Request) -> bool {
        let Some(page) = only(request.values("Origin")).and_then(Origin::parse) else { return false };
        let mut trusted = self.trusted.iter().filter_map(|origin| Origin::parse(origin.as_bytes()));
        trusted.any(|origin| origin.is_same(&page))
    }

    #[cold]
    fn bypasses(&self, request: &Request) -> bool {
        // A handler sees a target in absolute form with its host, so its path is another one.
        if request.form() != Form::Origin {
            return false;
        }
        let target = request.route_target();
        let path = target.split(|&byte| byte == b'?').next().unwrap_or_default();
        self.bypasses.iter().any(|pattern| matches(pattern, path))
    }
}

/// Whether the request must not change anything (RFC 9110 section 9.2.1). An upgrade is not safe: browsers let any page open a
/// WebSocket to any server, with a GET.
fn is_safe(request: &Request) -> bool {
    matches!(request.command(), "GET" | "HEAD" | "OPTIONS") && request.values("Upgrade").next().is_none()
}

/// Whether a browser reports that the page is not the server's own. A client that reports nothing is not a browser.
fn is_foreign(request: &Request, is_tls: bool) -> bool {
    let mut sites = request.values("Sec-Fetch-Site").peekable();
    // No page can set this field. `none` means that the user typed an address or chose a bookmark.
    if sites.peek().is_some() {
        return !sites.all(|site| matches!(site, b"same-origin" | b"none"));
    }
    // Browsers send `Sec-Fetch-Site` only over TLS and to this machine, and old ones never do.
    let mut origins = request.values("Origin").peekable();
    if origins.peek().is_none() {
        return false;
    }
    !only(origins).and_then(Origin::parse).is_some_and(|page| page.is_of_host(request, is_tls))
}

/// For the log: what the browser reported, and what to do if the page may make requests.
pub(super) fn advice(request: &Request) -> String {
    let mut text = String::new();
    for name in ["Sec-Fetch-Site", "Origin", "Host"] {
        let mut values = request.values(name);
        for value in values.by_ref().take(SHOWN_VALUES) {
            let value = latin1(value);
            let (value, cut) = shortened(&value, SHOWN);
            text.extend([name, ": ", value, cut, ", "]);
        }
        let others = values.count();
        if others > 0 {
            let _ = write!(text, "{others} more, ");
        }
    }
    let says_nothing_else = request.values("Sec-Fetch-Site").next().is_none();
    text.push_str(match only(request.values("Origin")) {
        Some(origin) if Origin::parse(origin).is_some() => {
            "if this page may do so, call trust_origin with its Origin; if it is this server's own, have the proxy pass on Host"
        }
        // Over plain HTTP, browsers hide the origin of a form with that policy even from the form's own server.
        Some(b"null") if says_nothing_else => {
            "if this server's own page has the Referrer-Policy no-referrer, use same-origin, or TLS; otherwise no origin that \
             could be trusted"
        }
        _ => "no origin that could be trusted; insecure_bypass allows all pages for one path",
    });
    text
}

/// Characters of each value in the log.
const SHOWN: usize = 100;

/// Values of each field in the log.
const SHOWN_VALUES: usize = 2;

/// Why no browser sends this origin, if none does.
fn origin_mistake(origin: &str) -> Option<String> {
    let bytes = origin.as_bytes();
    let mistake = match Origin::parse(bytes) {
        Some(origin)
            if [&b"ws"[..], b"wss"].iter().any(|scheme| origin.scheme().eq_ignore_ascii_case(scheme)) =>
        {
            "write http or https: a page has that scheme even when it opens a WebSocket"
        }
        // RFC 3986 allows more characters in a name than browsers do.
        Some(origin) if origin.address().is_some() || origin.name().iter().copied().all(is_of_name) => {
            return None;
        }
        _ if origin == "null" => "all pages without an origin of their own have this one",
        _ if origin.contains('*') => "there are no patterns: name each origin",
        _ if !origin.is_ascii() => "write the host as browsers send it, in Punycode (xn--...)",
        _ if origin.is_empty() || !origin.contains("://") => {
            return Some(format!("write its scheme too, as in https://{}", name_or_example(origin)));
        }
        _ => "write scheme, host and port only, as in https://example.com:8443",
    };
    Some(mistake.to_owned())
}

fn name_or_example(text: &str) -> &str {
    let is_name = !text.is_empty() && text.bytes().all(|byte| is_of_name(byte) || byte == b':');
    if is_name { text } else { "example.com" }
}

fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._".contains(&byte)
}

/// Why no path matches.
fn bypass_mistake(pattern: &str) -> Option<&'static str> {
    let Some(path) = pattern.strip_prefix('/') else { return Some("a path begins with a slash") };
    if path.contains(['?', '#']) {
        return Some("leave out what follows the path");
    }
    if path.starts_with('/') {
        return Some("begin the path with one slash");
    }
    if path.contains('*') {
        return Some("write {name} for a segment, {rest..} for all that follow");
    }
    if !path.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Some("write it as clients send it, percent-encoded");
    }
    let mut parts = path.split('/').peekable();
    while let Some(part) = parts.next() {
        match Part::of(part) {
            Part::Text(text) if text.contains(['{', '}']) => {
                return Some("a parameter is a whole segment, as in /{id}");
            }
            Part::Text("." | "..") => return Some("write it without dot segments"),
            Part::Rest if parts.peek().is_some() => return Some("nothing follows {rest..}"),
            _ => {}
        }
    }
    None
}

/// A segment of a pattern.
enum Part<'a> {
    Text(&'a str),
    Parameter,
    Rest,
}

impl<'a> Part<'a> {
    fn of(part: &'a str) -> Self {
        match part.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            Some(name) if !name.is_empty() && !name.contains(['{', '}']) => {
                if name.ends_with("..") {
                    Self::Rest
                } else {
                    Self::Parameter
                }
            }
            _ => Self::Text(part),
        }
    }
}

fn matches(pattern: &str, path: &[u8]) -> bool {
    let mut segments = path.split(|&byte| byte == b'/');
    for part in pattern.split('/') {
        let Some(segment) = segments.next() else { return false };
        let is_match = match Part::of(part) {
            Part::Text(text) => segment == text.as_bytes(),
            Part::Parameter => !segment.is_empty() && is_plain(segment),
            Part::Rest => return !segment.is_empty() && is_plain(segment) && segments.all(is_plain),
        };
        if !is_match {
            return false;
        }
    }
    segments.next().is_none()
}

/// Whether a segment stays one segment when it is decoded: a handler may decode it, and look for a file by it.
fn is_plain(segment: &[u8]) -> bool {
    let decoded = percent_decoded(segment);
    let leads_elsewhere = |byte: &u8| matches!(byte, b'/' | b'\\' | b'#' | 0);
    !decoded.starts_with(b"..") && &*decoded != b"." && !decoded.iter().any(leads_elsewhere)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn which_paths_a_bypass_lets_through() {
        for (pattern, path) in [
            ("/", "/"),
            ("/a", "/a"),
            ("/a/", "/a/"),
            ("/a/{x}", "/a/b"),
            ("/a/{x}/c", "/a/b%20b/c"),
            ("/a/{x..}", "/a/b"),
            ("/a/{x..}", "/a/b/c//d/"),
            ("/{x..}", "/a.b"),
            ("/caf%C3%A9", "/caf%C3%A9"),
        ] {
            assert!(matches(pattern, path.as_bytes()), "{pattern} {path}");
        }
        for (pattern, path) in [
            ("/a", "/"),
            ("/a", "/a/"),
            ("/a", "/A"),
            ("/a", "/%61"),
            ("/a", "/a/../a"),
            ("/a/", "/a"),
            ("/a/{x}", "/a/"),
            ("/a/{x}", "/a/b/c"),
            ("/a/{x}", "/a/.."),
            ("/a/{x}", "/a/%2E%2e"),
            ("/a/{x}", "/a/."),
            ("/a/{x}", "/a/b%2fc"),
            ("/a/{x}", "/a/b%5Cc"),
            ("/a/{x}", "/a/b#c"),
            ("/a/{x..}", "/a"),
            ("/a/{x..}", "/a/"),
            ("/a/{x..}", "/a/../b"),
            ("/a/{x..}", "/a/b/../../c"),
            ("/a/{x..}", "/a/b/%2e./c"),
            ("/a/{x..}", "/a/b/..;/c"),
            ("/a/{x..}", "/a/..%2fc"),
            ("/a/{x..}", "/b/c"),
        ] {
            assert!(!matches(pattern, path.as_bytes()), "{pattern} {path}");
        }
    }
}
