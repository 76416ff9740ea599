//! Faults, each against a server in its own process, in three rounds or more. After each round the server must have what it
//! had before: threads, descriptors, memory; and it must serve a normal client. At the end a table of all faults is printed.
//!
//! Arguments are parts of names: `cargo test -p basehttp-tests --test faults -- reset`. `FAULT_ROUNDS=50` in the environment
//! sets the number of rounds. Linux only.

#[cfg(target_os = "linux")]
#[path = "faults/bad_input.rs"]
mod bad_input;
#[cfg(target_os = "linux")]
#[path = "faults/clock.rs"]
mod clock;
#[cfg(target_os = "linux")]
#[path = "faults/crowd.rs"]
mod crowd;
#[cfg(target_os = "linux")]
#[path = "faults/exhaustion.rs"]
mod exhaustion;
#[cfg(target_os = "linux")]
#[path = "faults/half_close.rs"]
mod half_close;
#[cfg(target_os = "linux")]
#[path = "faults/handler.rs"]
mod handler;
#[cfg(target_os = "linux")]
#[path = "faults/injected.rs"]
mod injected;
#[cfg(target_os = "linux")]
#[path = "faults/log.rs"]
mod log;
#[cfg(target_os = "linux")]
#[path = "faults/reset.rs"]
mod reset;
#[cfg(target_os = "linux")]
#[path = "faults/scene.rs"]
mod scene;
#[cfg(target_os = "linux")]
#[path = "faults/signals.rs"]
mod signals;
#[cfg(target_os = "linux")]
#[path = "faults/slow.rs"]
mod slow;
#[cfg(target_os = "linux")]
#[path = "faults/table.rs"]
mod table;

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    // The slow ones come first.
    let families = [
        crowd::FAULTS,
        slow::FAULTS,
        signals::FAULTS,
        injected::FAULTS,
        exhaustion::FAULTS,
        log::FAULTS,
        clock::FAULTS,
        reset::FAULTS,
        half_close::FAULTS,
        handler::FAULTS,
        bad_input::FAULTS,
    ];
    table::run(&families.concat())
}

#[cfg(not(target_os = "linux"))]
fn main() {}
