//! Handlers panic on purpose; every other panic is a finding, even one that the server would have survived.

use std::panic;
use std::process;
use std::sync::Once;

/// The message of a panic on purpose.
pub const ON_PURPOSE: &str = "on purpose";

/// Ends the process on a panic, except for those on purpose. libFuzzer's own hook has no exceptions.
pub fn expect() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let default = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if info.payload().downcast_ref::<&str>() == Some(&ON_PURPOSE) {
                return;
            }
            default(info);
            process::abort();
        }));
    });
}
