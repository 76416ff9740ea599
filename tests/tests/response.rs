//! The output: the framing of responses, the effects of a handler's mistakes, and how connections end.

#[path = "response/act.rs"]
mod act;
#[path = "response/body.rs"]
mod body;
#[path = "response/client.rs"]
mod client;
#[path = "response/expect.rs"]
mod expect;
#[path = "response/failure.rs"]
mod failure;
#[path = "response/file.rs"]
mod file;
#[path = "response/framing.rs"]
mod framing;
#[path = "response/http_types.rs"]
mod http_types;
#[path = "response/interim.rs"]
mod interim;
#[path = "response/log.rs"]
mod log;
#[path = "response/mistakes.rs"]
mod mistakes;
#[path = "response/proxies.rs"]
mod proxies;
#[path = "response/trailers.rs"]
mod trailers;
#[path = "response/upgrade.rs"]
mod upgrade;
