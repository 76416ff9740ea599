//! A soak test: a server under mixed traffic for many minutes, with clients that come, go, fail and attack. Afterwards its
//! memory, descriptors and threads must be where they were.
//!
//! `cargo run --release -p basehttp-tests --bin soak -- [MINUTES] [--seed N] [--clients N] [--round SECONDS]
//! [--lose WHAT]`
//!
//! The server has its own process. Every good response is checked byte for byte. Every ten seconds a table row shows what
//! the system reports about the server. Once per round, a minute, traffic pauses until all connections are gone, and the
//! figures are compared. The soak fails with the first wrong response, with a leaked descriptor or thread, with growing
//! memory (see `growth.rs`), with log lines that are lost and not counted, and with a failed shutdown. `--lose memory`,
//! `threads` or `descriptors` makes the server leak some, to see that this is found; it may be given several times.
//!
//! Linux only. On other systems it does nothing.

#[cfg(target_os = "linux")]
mod child;
#[cfg(target_os = "linux")]
mod content;
#[cfg(target_os = "linux")]
mod crowd;
#[cfg(target_os = "linux")]
mod dice;
#[cfg(target_os = "linux")]
mod growth;
#[cfg(target_os = "linux")]
mod peer;
#[cfg(target_os = "linux")]
mod server;
#[cfg(target_os = "linux")]
mod soak;
#[cfg(target_os = "linux")]
mod stage;
#[cfg(target_os = "linux")]
mod visitor;

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    soak::main()
}

#[cfg(not(target_os = "linux"))]
fn main() {}
