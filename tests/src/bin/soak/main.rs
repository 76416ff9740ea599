//! A soak: a server under mixed traffic for many minutes, with clients that come, go, fail and attack, after which its memory,
//! descriptors and threads are where they were.
//!
//! `cargo run --release -p basehttp-tests --bin soak -- [MINUTES] [--seed N] [--clients N] [--round SECONDS]
//! [--lose WHAT]`
//!
//! The server is a process of its own. Every good response is checked byte for byte. Every ten seconds a line of a table tells
//! what the system says of the server; once a round, a minute, traffic rests until all connections are gone, and the figures
//! are compared. It fails with the first wrong response, with a descriptor or thread that stays, with memory that grows (see
//! `growth.rs`), with lines of the log that are lost and not counted, and with an end that is not in good order. `--lose
//! memory`, `threads` or `descriptors` has the server lose some, to see that it is found; it may be given several times.
//!
//! Linux only. Elsewhere it does nothing.

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
