//! The environment of a script: RFC 3875 section 4.1.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStringExt;

use super::script::bytes;
use crate::files::{FileRequestHandler, query_of};
use crate::handler::RequestHandler;
use crate::handler::request::Request;

/// What is told of a request.
pub(super) struct Asked<'a> {
    pub(super) method: &'a str,
    /// The path of the script, and what follows it.
    pub(super) name: &'a str,
    pub(super) rest: &'a str,
    /// The length of the body, if there is one.
    pub(super) length: Option<u64>,
    /// By a script before it.
    pub(super) is_redirected: bool,
}

/// What scripts and their interpreters need of the server's own environment.
const INHERITED: [&str; 6] = ["PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "LD_LIBRARY_PATH"];

/// Fields that are no variables of their own: they are told in another way, are not for the script (section 4.1.18, and
/// httpoxy), or are about the connection.
const KEPT_BACK: [&str; 12] = [
    "authorization",
    "connection",
    "content-length",
    "content-type",
    "expect",
    "keep-alive",
    "proxy",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

pub(super) fn of<H: FileRequestHandler>(handler: &H, asked: &Asked<'_>) -> BTreeMap<OsString, OsString> {
    let mut all: BTreeMap<OsString, OsString> = BTreeMap::new();
    for name in INHERITED {
        if let Some(value) = std::env::var_os(name) {
            all.insert(name.into(), value);
        }
    }
    // A script may look for it without asking whether it is there, as CPython's tests do.
    all.insert("HTTP_ACCEPT".into(), OsString::new());
    add_fields(handler.request(), &mut all);
    let mut set = |name: &str, value: &str| {
        // No variable can have a NUL.
        if !value.contains('\0') {
            all.insert(name.into(), bytes(value));
        }
    };
    set("GATEWAY_INTERFACE", "CGI/1.1");
    set("SERVER_SOFTWARE", &handler.version_string());
    set("SERVER_NAME", &server_name(handler));
    set("SERVER_PORT", &server_port(handler).to_string());
    set("SERVER_PROTOCOL", handler.request_version());
    set("REQUEST_METHOD", asked.method);
    set("SCRIPT_NAME", asked.name);
    set("QUERY_STRING", query_of(handler.path()));
    let address = handler.client_address().ip().map(|ip| ip.to_string()).unwrap_or_default();
    set("REMOTE_ADDR", &address);
    set("REMOTE_HOST", &handler.address_string());
    if handler.server().is_tls() {
        set("HTTPS", "on");
    }
    if !asked.rest.is_empty() {
        set("PATH_INFO", asked.rest);
        let translated = handler.directory().path().join(bytes(asked.rest.trim_start_matches('/')));
        all.insert("PATH_TRANSLATED".into(), translated.into());
    }
    if let Some(length) = asked.length {
        all.insert("CONTENT_LENGTH".into(), length.to_string().into());
    }
    // After a redirect, the body and what is told of it are another script's.
    let content_type = handler.request().values("Content-Type").next().filter(|_| !asked.is_redirected);
    if let Some(value) = content_type {
        all.insert("CONTENT_TYPE".into(), OsString::from_vec(value.to_vec()));
    }
    all
}

/// Adds variables of the handler's, in place of those of the same names.
pub(super) fn add(
    all: &mut BTreeMap<OsString, OsString>,
    variables: impl IntoIterator<Item = (OsString, OsString)>,
) {
    all.extend(variables.into_iter().filter(|(name, value)| is_possible(name, value)));
}

/// Whether the system can pass this on.
fn is_possible(name: &OsStr, value: &OsStr) -> bool {
    let name = name.as_encoded_bytes();
    !name.is_empty() && !name.contains(&b'=') && !name.contains(&0) && !value.as_encoded_bytes().contains(&0)
}

/// `HTTP_` and the field's name: section 4.1.18. Of a field that is there several times, all values.
fn add_fields(request: &Request, all: &mut BTreeMap<OsString, OsString>) {
    for (name, value) in request.fields() {
        // `A_B` and `A-B` would be the same variable: a proxy that minds the one would let the other pass.
        let is_plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if !is_plain || KEPT_BACK.iter().any(|kept| name.eq_ignore_ascii_case(kept)) || value.contains(&0) {
            continue;
        }
        let variable = format!("HTTP_{}", name.to_ascii_uppercase().replace('-', "_"));
        let separator = if name.eq_ignore_ascii_case("cookie") { "; " } else { "," };
        let whole = all.entry(variable.into()).or_default();
        if !whole.is_empty() {
            whole.push(separator);
        }
        whole.push(OsString::from_vec(value.to_vec()));
    }
    // What has been judged, if that was the host of the target.
    if let Some(host) = request.host() {
        all.insert("HTTP_HOST".into(), OsString::from_vec(host.to_vec()));
    }
}

/// The host that the request was sent to (section 4.1.14), else what the server was bound to.
fn server_name<H: RequestHandler>(handler: &H) -> String {
    let host = handler.request().host().and_then(|host| std::str::from_utf8(host).ok());
    let name = host.map(|host| match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    });
    name.filter(|name| !name.is_empty()).unwrap_or(handler.server().server_name()).to_owned()
}

/// The port that the request has come to (section 4.1.15), of which a server may have several.
fn server_port<H: RequestHandler>(handler: &H) -> u16 {
    let address = handler.connection().local_address();
    address.map_or_else(|| handler.server().server_port(), |address| address.port().unwrap_or(0))
}
