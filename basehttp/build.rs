//! Names the compiler for `sys_version`, as Python's `sys.version` names the interpreter.

use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output =
        Command::new(rustc).arg("--version").output().map(|output| output.stdout).unwrap_or_default();
    // "rustc 1.95.0 (59807616e 2026-04-14)"
    let text = String::from_utf8_lossy(&output);
    let version =
        text.split_whitespace().nth(1).filter(|word| word.starts_with(|c: char| c.is_ascii_digit()));
    println!("cargo::rustc-env=BASEHTTP_RUSTC_VERSION={}", version.unwrap_or("stable"));
}
