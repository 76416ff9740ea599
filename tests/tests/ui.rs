//! What `#[http_handler]` accepts, and the messages with which it and the compiler refuse the rest. One mistake per file.
//!
//! After a change of messages: `TRYBUILD=overwrite cargo test -p basehttp-tests --test ui`, then read the difference.

use std::env;
use std::process::Command;

use basehttp_tests::left_out;

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
        left_out(&format!("ui/fail, whose messages are those of {PINNED}x, and this is {compiler}"));
    }
}

fn compiler() -> String {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("--version").output().expect("cargo needs a rustc as well");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}
