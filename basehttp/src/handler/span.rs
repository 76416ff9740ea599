//! A span for each request, with the attribute names of OpenTelemetry's conventions for HTTP servers.

use super::any_handler::AnyHandler;
#[cfg(feature = "tracing")]
use super::resolution::route;

/// Runs the method of a request in a span, and with it the handling of its error. The span ends when the response is settled,
/// also after a panic of the method.
#[cfg(feature = "tracing")]
pub(super) fn in_span(handler: &mut dyn AnyHandler, run: impl FnOnce(&mut dyn AnyHandler)) {
    use tracing::field::Empty;

    let vars = handler.vars();
    let request = vars.request();
    let (path, query) = request.path().split_once('?').unwrap_or((request.path(), ""));
    let server = vars.server();
    let route = route(handler).map(|route| route.pattern);
    let span = tracing::info_span!(
        target: "basehttp",
        "request",
        otel.name = match route {
            Some(route) => format!("{} {route}", request.command()),
            None => request.command().to_owned(),
        },
        otel.kind = "server",
        http.request.method = request.command(),
        http.route = route,
        url.scheme = vars.scheme(),
        url.path = path,
        url.query = (!query.is_empty()).then_some(query),
        network.protocol.version = request.version_text().trim_start_matches("HTTP/"),
        client.address = client_of(handler).map(display),
        server.address = server.server_name(),
        server.port = server.server_port(),
        http.response.status_code = Empty,
        error.type = Empty,
    );
    handler.vars().io().span = Some(span.clone());
    span.in_scope(|| run(handler));
}

/// Runs something in the span that the request has already.
#[cfg(feature = "tracing")]
pub(super) fn in_same_span(handler: &mut dyn AnyHandler, run: impl FnOnce(&mut dyn AnyHandler)) {
    let span = handler.vars().io().span.clone();
    match span {
        Some(span) => span.in_scope(|| run(handler)),
        None => run(handler),
    }
}

/// Ends the span of the request, whose response is settled.
#[cfg(feature = "tracing")]
pub(super) fn end_span(handler: &dyn AnyHandler) {
    let mut io = handler.vars().io();
    let Some(span) = io.span.take() else { return };
    let (status, failed) = (io.response.status(), io.has_handler_failed());
    // The subscriber is user code.
    drop(io);
    if status >= 100 {
        span.record("http.response.status_code", status);
    }
    if failed || status >= 500 {
        span.record("error.type", status);
    }
}

#[cfg(feature = "tracing")]
fn client_of(handler: &dyn AnyHandler) -> Option<std::net::IpAddr> {
    handler.vars().client_address().ip()
}

#[cfg(not(feature = "tracing"))]
#[inline]
pub(super) fn in_span(handler: &mut dyn AnyHandler, run: impl FnOnce(&mut dyn AnyHandler)) {
    run(handler);
}

#[cfg(not(feature = "tracing"))]
pub(super) fn in_same_span(handler: &mut dyn AnyHandler, run: impl FnOnce(&mut dyn AnyHandler)) {
    run(handler);
}

#[cfg(not(feature = "tracing"))]
#[inline]
pub(super) fn end_span(_handler: &dyn AnyHandler) {}
