//! The guide: one subject on a page, with programs that compile.
//!
//! 1. [`first_server`]: a server, a handler, and a first test of it.
//! 2. [`routes`]: paths, queries and bodies as arguments, values as responses.
//! 3. [`state`]: what handlers share, and what each has for itself.
//! 4. [`bodies`]: reading what clients send: forms, JSON, uploads.
//! 5. [`errors`]: what becomes of a handler's errors, mistakes and panics.
//! 6. [`streaming`]: responses that take their time, files.
//! 7. [`going_on`]: responses that go on after their method has returned, without a thread.
//! 8. [`server_sent_events`]: a page that shows what happens, as it happens.
//! 9. [`websockets`]: messages both ways (feature `websocket`).
//! 10. [`tunnels`]: other protocols on the connection, and proxies.
//! 11. [`scripts`]: CGI (feature `cgi`, on unix), and the repositories of git.
//! 12. [`testing`]: handlers without a socket, servers for the length of a test.
//! 13. [`limits`]: how long, how large, how many; what to set, and what not.
//! 14. [`logging`]: lines, spans and numbers.
//! 15. [`deployment`]: behind a proxy, at a loopback address, with TLS, and the end in good order.
//! 16. [`porting`]: a handler of Python's, line by line.
//! 17. [`engine`]: how blocking handlers run at the speed of an event loop.
//! 18. [`comparison`]: other servers, measured, and when to choose them instead.

#[doc = include_str!("bodies.md")]
pub mod bodies {}
#[doc = include_str!("comparison.md")]
pub mod comparison {}
#[doc = include_str!("deployment.md")]
#[cfg_attr(feature = "proxy", doc = include_str!("behind_a_proxy.md"))]
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
#[doc = include_str!("porting.md")]
pub mod porting {}
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
