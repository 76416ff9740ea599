//! What the test binaries in the `tests` folder of this package share: a client that works on bytes, an inspectable log, a
//! gate for handlers, the system's information about a process, and the reader of the request vectors.
#![allow(clippy::missing_panics_doc, reason = "a test that panics is a test that failed")]

#[cfg(target_os = "linux")]
pub mod child;
pub mod client;
pub mod dice;
pub mod gate;
pub mod grammar;
pub mod log;
#[cfg(target_os = "linux")]
pub mod process;
pub mod strict;
pub mod vector;

use std::io::{self, Write as _};
use std::thread;
use std::time::{Duration, Instant};

/// Long enough for the slowest machine; no test that passes waits for it.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until `condition` holds.
pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        thread::sleep(Duration::from_millis(1));
    }
}

/// Reports what a test leaves out because this machine lacks something. That is a failure where all of it is installed, which
/// `FAULTS_NEED_ALL` in the environment says.
pub fn left_out(what: &str) {
    assert!(std::env::var_os("FAULTS_NEED_ALL").is_none(), "left out: {what}");
    // Not `eprintln!`, which the test harness captures.
    let _ = writeln!(io::stderr(), "LEFT OUT: {what}");
}

/// Bytes as text: latin-1, with visible line ends.
pub fn show(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes {
        match byte {
            b'\n' => text.push_str("\\n\n"),
            b'\r' => text.push_str("\\r"),
            0x20..=0x7e => text.push(char::from(*byte)),
            _ => text.extend(format!("\\x{byte:02x}").chars()),
        }
    }
    text
}

/// What the server sent, with all `Date` fields set to the same value: the only part that depends on the time.
pub fn without_dates(output: &[u8]) -> Vec<u8> {
    const NAME: &[u8] = b"\r\nDate: ";
    let mut rest = output;
    let mut out = Vec::with_capacity(rest.len());
    while let Some(at) = rest.windows(NAME.len()).position(|window| window == NAME) {
        out.extend_from_slice(&rest[..at + NAME.len()]);
        rest = &rest[at + NAME.len()..];
        let end = rest.windows(2).position(|window| window == b"\r\n").unwrap_or(rest.len());
        rest = &rest[end..];
    }
    out.extend_from_slice(rest);
    out
}
