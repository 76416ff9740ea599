//! Proxies in front of the server, and clients that send what two readers may read in two ways. Whatever a proxy believes
//! to have passed on, the server must have served or refused, and nothing else.
//!
//! `cargo run --release -p basehttp-tests --bin proxies -- [--requests N] [--seed N] [--only NAME,..] [--server COMMAND]
//! [--keep FOLDER] [--require-all]`
//!
//! `tests/proxies/run` installs the proxies first. A tap between proxy and server (`tap.rs`) records the bytes of each
//! connection. A referee (`referee.rs`) reads the requests in them by the letter of RFC 9112. Each proxy marks its requests
//! with a field that no client can send, which shows how many it believes there are. `verdict.rs` compares: each request
//! has the mark once, no body holds one, and each request has one response, which says what the referee read. The clients
//! (`client.rs`) check that each response is theirs.
//!
//! `--server` tests another server, a command in which `@port@` stands for its port. Linux only.

#[cfg(target_os = "linux")]
mod bodies;
#[cfg(target_os = "linux")]
mod client;
#[cfg(target_os = "linux")]
mod draft;
#[cfg(target_os = "linux")]
mod edge;
#[cfg(target_os = "linux")]
mod heads;
#[cfg(target_os = "linux")]
mod http2;
#[cfg(target_os = "linux")]
mod referee;
#[cfg(target_os = "linux")]
mod requests;
#[cfg(target_os = "linux")]
mod run;
#[cfg(target_os = "linux")]
mod server;
#[cfg(target_os = "linux")]
mod tap;
#[cfg(all(test, target_os = "linux"))]
mod tests;
#[cfg(target_os = "linux")]
mod verdict;

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    run::main()
}

#[cfg(not(target_os = "linux"))]
fn main() {}
