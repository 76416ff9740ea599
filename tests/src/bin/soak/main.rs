//! A soak test: a server under mixed traffic for many minutes, with clients that come, go, fail and attack. Afterwards its
//! memory, descriptors and threads must be where they were.
//!
//! `cargo run --release -p basehttp-tests --bin soak -- [MINUTES] [--seed N] [--clients N] [--round SECONDS]
//! [--grace SECONDS] [--patience SECONDS] [--keep-going]
//! [--log FILE] [--lose WHAT]`
//!
//! The servers, of HTTP and of HTTPS, have a process of their own. Every good response, message and event is checked byte for
//! byte, and a refusal counts only where the client provoked it. The certificate is replaced every few seconds. Every ten
//! seconds a table row shows what the system reports about the process. Once per round, a minute, traffic pauses until all
//! connections are gone, and the figures are compared. At the end SIGTERM comes under load (see `ending.rs`).
//!
//! The soak fails with the first wrong response, with a leaked descriptor, thread, process, socket or temporary file, with
//! growing memory (see `growth.rs`), with log lines that are lost and not counted, with an old certificate, and with a
//! failed shutdown. `--lose memory`, `threads`, `descriptors` or `processes` makes the server leak some, to see that this is
//! found; it may be given several times.
//!
//! Linux only. On other systems it does nothing.

#[cfg(target_os = "linux")]
mod api;
#[cfg(target_os = "linux")]
mod basic;
#[cfg(target_os = "linux")]
mod certificates;
#[cfg(target_os = "linux")]
mod child;
#[cfg(target_os = "linux")]
mod content;
#[cfg(target_os = "linux")]
mod crowd;
#[cfg(target_os = "linux")]
mod ending;
#[cfg(target_os = "linux")]
mod events;
#[cfg(target_os = "linux")]
mod files;
#[cfg(target_os = "linux")]
mod growth;
#[cfg(target_os = "linux")]
mod handler;
#[cfg(target_os = "linux")]
mod hostile;
#[cfg(target_os = "linux")]
mod lasting;
#[cfg(target_os = "linux")]
mod log_reader;
#[cfg(target_os = "linux")]
mod peer;
#[cfg(target_os = "linux")]
mod probe;
#[cfg(target_os = "linux")]
mod registrar;
#[cfg(target_os = "linux")]
mod routes;
#[cfg(target_os = "linux")]
mod scripts;
#[cfg(target_os = "linux")]
mod server;
#[cfg(target_os = "linux")]
mod soak;
#[cfg(target_os = "linux")]
mod sockets;
#[cfg(target_os = "linux")]
mod stage;
#[cfg(target_os = "linux")]
mod table;
#[cfg(target_os = "linux")]
mod tally;
#[cfg(target_os = "linux")]
mod tunnels;
#[cfg(target_os = "linux")]
mod visitor;
#[cfg(target_os = "linux")]
mod wire;

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    soak::main()
}

#[cfg(not(target_os = "linux"))]
fn main() {}
