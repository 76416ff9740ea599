//! The soak, for a short time, and a check that it finds leaks. The long one is run by hand: see `src/bin/soak`.
#![cfg(target_os = "linux")]

use std::process::Command;

/// Whether it passed, and its output.
fn soak(arguments: &[&str]) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_soak")).args(arguments).output().expect("the program runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    println!("{said}{}", String::from_utf8_lossy(&output.stderr));
    (output.status.success(), said)
}

#[test]
fn a_short_soak() {
    // A busy machine may need long for the connections that are open at the end.
    let (passed, _) = soak(&["0.2", "--round", "10", "--seed", "1", "--patience", "120", "--grace", "8"]);
    assert!(passed);
}

/// It continues until there is enough to see the leak.
#[test]
fn memory_that_is_lost_is_found() {
    let (passed, said) = soak(&["10", "--round", "12", "--seed", "2", "--lose", "memory"]);
    assert!(!passed && said.contains("FAILED: memory grows"), "{said}");
}

#[test]
fn threads_descriptors_and_processes_that_are_lost_are_found() {
    let lost = ["--lose", "threads", "--lose", "descriptors", "--lose", "processes"];
    let (passed, said) = soak(&[&["10", "--seed", "3", "--round", "10"][..], &lost].concat());
    assert!(!passed, "{said}");
    for what in ["threads", "descriptors", "processes"] {
        assert!(said.contains(&format!("{what} without a client")), "{said}");
    }
}
