//! What goes out: the framing of replies, what becomes of a handler's mistakes, and how connections end.

#[path = "reply/act.rs"]
mod act;
#[path = "reply/body.rs"]
mod body;
#[path = "reply/client.rs"]
mod client;
#[path = "reply/expect.rs"]
mod expect;
#[path = "reply/failure.rs"]
mod failure;
#[path = "reply/file.rs"]
mod file;
#[path = "reply/framing.rs"]
mod framing;
#[path = "reply/http_types.rs"]
mod http_types;
#[path = "reply/interim.rs"]
mod interim;
#[path = "reply/log.rs"]
mod log;
#[path = "reply/mistakes.rs"]
mod mistakes;
#[path = "reply/proxies.rs"]
mod proxies;
#[path = "reply/trailers.rs"]
mod trailers;
#[path = "reply/upgrade.rs"]
mod upgrade;
