//! The opening handshake (RFC 6455 section 4.2): which requests ask for a WebSocket, and how others are refused.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::options::WebSocketOptions;
use crate::handler::origin::Origin;
use crate::handler::request::Request;
use crate::handler::{RequestHandler, ServerInfo};
use crate::proto::grammar::list;

/// An accepted request for a WebSocket.
pub(super) struct Accepted {
    /// The value of `Sec-WebSocket-Accept`.
    pub(super) accept: String,
    pub(super) protocol: Option<String>,
}

/// Why a request is refused.
pub(super) enum Refusal {
    /// It does not ask for a WebSocket of this version.
    Upgrade,
    Bad(&'static str),
    /// It comes from a page of another site.
    Origin,
}

/// Section 1.3.
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// Judges the current request.
pub(super) fn judge<H: RequestHandler>(handler: &H, options: &WebSocketOptions) -> Result<Accepted, Refusal> {
    let request = handler.vars().request();
    let mut versions = request.values("Sec-WebSocket-Version");
    if request.command() != "GET" || !handler.upgrades_to("websocket") || versions.next() != Some(b"13") {
        return Err(Refusal::Upgrade);
    }
    // Section 11.3.5.
    if versions.next().is_some() {
        return Err(Refusal::Bad("A request for a WebSocket must have one version"));
    }
    if request.has_body {
        return Err(Refusal::Bad("A request for a WebSocket must not have a body"));
    }
    let mut keys = request.values("Sec-WebSocket-Key");
    let is_key = |key: &&[u8]| STANDARD.decode(key).is_ok_and(|bytes| bytes.len() == 16);
    let (Some(key), None) = (keys.next().filter(is_key), keys.next()) else {
        return Err(Refusal::Bad("The key of a WebSocket must be 16 bytes in base64"));
    };
    if !is_welcome(request, options, handler.vars().server()) {
        return Err(Refusal::Origin);
    }
    let mut hash = sha1_smol::Sha1::from(key);
    hash.update(GUID);
    let accept = STANDARD.encode(hash.digest().bytes());
    Ok(Accepted { accept, protocol: chosen(request, options).map(str::to_owned) })
}

/// Whether the page that opens the WebSocket belongs to this site or to an allowed one. Any page may open a WebSocket to any
/// server, and the browser sends the cookies along; only `Origin` tells pages apart (section 10.2). Other programs do not
/// send it.
fn is_welcome(request: &Request, options: &WebSocketOptions, server: &ServerInfo) -> bool {
    let mut origins = request.values("Origin");
    let Some(origin) = origins.next() else { return true };
    if origins.next().is_some() {
        return false;
    }
    if options.any_origin || options.origins.iter().any(|other| origin.eq_ignore_ascii_case(other.as_bytes()))
    {
        return true;
    }
    if server.cross_origin.as_ref().is_some_and(|protection| protection.trusts(request)) {
        return true;
    }
    Origin::parse(origin).is_some_and(|page| page.is_of_host(request, server.is_tls))
}

/// The first of the client's subprotocols that the server supports.
fn chosen<'a>(request: &Request, options: &'a WebSocketOptions) -> Option<&'a str> {
    let asked = request.values("Sec-WebSocket-Protocol").flat_map(list);
    let mut spoken = asked.filter_map(|name| {
        options.protocols.iter().find(|protocol| protocol.as_bytes() == name).map(|protocol| &**protocol)
    });
    spoken.next()
}
