//! What `#[http_handler]` accepts, and the messages with which it and the compiler refuse the rest. One mistake per file.
//!
//! After a change of messages: `TRYBUILD=overwrite cargo test -p basehttp-tests --test ui`, then read the difference.

use std::env;
use std::io::{self, Write as _};
use std::process::Command;

/// The compiler that produced the `.stderr` files.
const PINNED: &str = "rustc 1.95.";

#[test]
fn pass() {
    trybuild::TestCases::new().pass("ui/pass/*.rs");
}

#[test]
fn fail() {
    let compiler = compiler();
    if compiler.starts_with(PINNED) {
        trybuild::TestCases::new().compile_fail("ui/fail/*.rs");
    } else {
        // Not `eprintln!`, which the test harness captures.
        let skipped =
            format!("SKIPPED ui/fail: the messages are those of {PINNED}x, and this is {compiler}\n");
        io::stderr().write_all(skipped.as_bytes()).expect("standard error can be written");
    }
}

fn compiler() -> String {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("--version").output().expect("cargo needs a rustc as well");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}
