//! The environment of a script: RFC 3875 section 4.1.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStringExt;

use super::script::bytes;
use crate::files::{FileRequestHandler, query_of};
use crate::handler::RequestHandler;
use crate::handler::request::Request;

/// The properties of a request that become variables.
pub(super) struct Asked<'a> {
    pub(super) method: &'a str,
    /// The path of the script, and the rest of the path.
    pub(super) name: &'a str,
    pub(super) rest: &'a str,
    /// The length of the body, if there is one.
    pub(super) length: Option<u64>,
    /// Whether a script has redirected here.
    pub(super) is_redirected: bool,
}

/// The variables of the server that scripts and interpreters need.
const INHERITED: [&str; 6] = ["PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "LD_LIBRARY_PATH"];

/// Fields that do not become `HTTP_` variables: they are passed in another way, are withheld from scripts (section 4.1.18,
/// and httpoxy), or concern the connection.
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
    // Scripts may read it without checking that it exists, as CPython's tests do.
    all.insert("HTTP_ACCEPT".into(), OsString::new());
    add_fields(handler.request(), &mut all);
    let mut set = |name: &str, value: &str| {
        // No variable can contain a NUL.
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
    // After a redirect, the body belonged to the previous script.
    let content_type = handler.request().values("Content-Type").next().filter(|_| !asked.is_redirected);
    if let Some(value) = content_type {
        all.insert("CONTENT_TYPE".into(), OsString::from_vec(value.to_vec()));
    }
    all
}

/// Adds the handler's variables, which replace those of the same name.
pub(super) fn add(
    all: &mut BTreeMap<OsString, OsString>,
    variables: impl IntoIterator<Item = (OsString, OsString)>,
) {
    all.extend(variables.into_iter().filter(|(name, value)| is_possible(name, value)));
}

/// Whether the system can pass this variable on.
fn is_possible(name: &OsStr, value: &OsStr) -> bool {
    let name = name.as_encoded_bytes();
    !name.is_empty() && !name.contains(&b'=') && !name.contains(&0) && !value.as_encoded_bytes().contains(&0)
}

/// Adds `HTTP_` and the field's name: section 4.1.18. A repeated field gets all its values.
fn add_fields(request: &Request, all: &mut BTreeMap<OsString, OsString>) {
    for (name, value) in request.fields() {
        // `A_B` and `A-B` would be the same variable: a proxy that filters one would let the other pass.
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
    // The host that was checked, which may be that of the target.
    if let Some(host) = request.host() {
        all.insert("HTTP_HOST".into(), OsString::from_vec(host.to_vec()));
    }
}

/// The host that the request was sent to (section 4.1.14), else the one that the server was bound to.
fn server_name<H: RequestHandler>(handler: &H) -> String {
    let host = handler.request().host().and_then(|host| std::str::from_utf8(host).ok());
    let name = host.map(|host| match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    });
    name.filter(|name| !name.is_empty()).unwrap_or(handler.server().server_name()).to_owned()
}

/// The port that received the request (section 4.1.15); a server may have several.
fn server_port<H: RequestHandler>(handler: &H) -> u16 {
    let address = handler.connection().local_address();
    address.map_or_else(|| handler.server().server_port(), |address| address.port().unwrap_or(0))
}
