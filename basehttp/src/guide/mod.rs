//! The guide: one subject a page, with programs that compile.
//!
//! Begin:
//!
//! 1. [`first_server`]: a server, a handler, and a first test.
//! 2. [`routes`]: arguments from the path, the query and the body; values as responses.
//! 3. [`paths`]: the request target in a `do_*` method.
//! 4. [`bodies`]: text, JSON, forms and uploads.
//! 5. [`state`]: what handlers share, and what each has for itself.
//! 6. [`errors`]: what the client and the log get of errors and panics.
//! 7. [`testing`]: handlers without a socket, and servers that last as long as a test.
//!
//! Long responses and other protocols:
//!
//! 8. [`streaming`]: responses that are written piece by piece, and files.
//! 9. [`going_on`]: responses that continue after their method has returned, without a thread.
//! 10. [`server_sent_events`]: a page that shows events as they happen.
//! 11. [`websockets`]: messages both ways (feature `websocket`).
//! 12. [`tunnels`]: CONNECT, and other protocols on the connection.
//! 13. [`scripts`]: CGI, and git repositories over HTTP (feature `cgi`, on unix).
//!
//! In production:
//!
//! 14. [`limits`]: every limit and setting, with its default and its reason.
//! 15. [`logging`]: log lines, spans and numbers.
//! 16. [`deployment`]: proxies, loopback addresses, TLS, signals and replicas.
//!
//! Background:
//!
//! 17. [`programs`]: examples to copy, from a webhook to a tool server.
//! 18. [`porting`]: Python's names, line by line.
//! 19. [`wire`]: what the server guarantees about requests and responses.
//! 20. [`engine`]: how blocking handlers run at the speed of an event loop.
//! 21. [`comparison`]: other servers, with measurements, and when to choose them.

#[doc = include_str!("bodies.md")]
pub mod bodies {}
#[doc = include_str!("comparison.md")]
pub mod comparison {}
#[doc = include_str!("deployment.md")]
#[doc = include_str!("other_sites.md")]
#[cfg_attr(feature = "proxy", doc = include_str!("behind_a_proxy.md"))]
#[doc = include_str!("deployment_next.md")]
pub mod deployment {}
#[doc = include_str!("engine.md")]
pub mod engine {}
#[doc = include_str!("errors.md")]
pub mod errors {}
#[expect(clippy::test_attr_in_doctest, reason = "a test to copy; what is in it runs below it, hidden")]
#[doc = include_str!("first_server.md")]
pub mod first_server {}
#[doc = include_str!("going_on.md")]
pub mod going_on {}
#[doc = include_str!("limits.md")]
pub mod limits {}
#[doc = include_str!("logging.md")]
pub mod logging {}
#[doc(alias("path", "query", "target", "url"))]
#[doc = include_str!("paths.md")]
pub mod paths {}
#[doc = include_str!("porting.md")]
pub mod porting {}
#[doc(alias("examples", "mcp", "oauth", "prometheus", "webhook"))]
#[doc = include_str!("programs.md")]
#[doc = include_str!("pictures/chat.md")]
#[doc = include_str!("pictures/device.md")]
pub mod programs {}
#[doc(alias("router", "routing"))]
#[doc = include_str!("routes.md")]
pub mod routes {}
#[cfg(all(feature = "cgi", unix))]
#[doc = include_str!("scripts.md")]
pub mod scripts {}
#[doc = include_str!("server_sent_events.md")]
pub mod server_sent_events {}
#[doc = include_str!("state.md")]
pub mod state {}
#[doc = include_str!("streaming.md")]
pub mod streaming {}
#[doc = include_str!("testing.md")]
pub mod testing {}
#[doc = include_str!("tunnels.md")]
pub mod tunnels {}
#[cfg(feature = "websocket")]
#[doc = include_str!("websockets.md")]
pub mod websockets {}
#[doc = include_str!("wire.md")]
pub mod wire {}
