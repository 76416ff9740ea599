//! Ctrl-C, and the end that a service manager wants.

use std::io;
#[cfg(unix)]
use std::io::Write as _;

use basehttp::ServerHandle;

/// Has the first SIGINT or SIGTERM end the server when the running requests are done, and the second one at once.
///
/// # Errors
/// The system's.
#[cfg(unix)]
pub(crate) fn watch(handle: ServerHandle) -> io::Result<()> {
    use signal_hook::consts::{SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;
    use signal_hook::low_level::emulate_default_handler;

    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    let watch = move || {
        for signal in &mut signals {
            if handle.is_shut_down() {
                // With the exit code that says so, as if nobody had watched.
                let _ = emulate_default_handler(signal);
                std::process::exit(128 + signal);
            }
            let _ =
                writeln!(io::stderr(), "basehttp: running requests may end; Ctrl-C once more stops at once");
            handle.shutdown();
        }
    };
    std::thread::Builder::new().name("signals".to_owned()).spawn(watch).map(drop)
}

/// Has the first Ctrl-C end the server when the running requests are done, and the second one at once.
///
/// # Errors
/// The system's.
#[cfg(not(unix))]
pub(crate) fn watch(handle: ServerHandle) -> io::Result<()> {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;

    use signal_hook::consts::{SIGINT, SIGTERM};
    use signal_hook::flag::{register, register_conditional_default};

    let told = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        // In this order: the second one finds the flag that the first one has set.
        register_conditional_default(signal, told.clone())?;
        register(signal, told.clone())?;
    }
    let watch = move || {
        while !told.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(100));
        }
        handle.shutdown();
    };
    std::thread::Builder::new().name("signals".to_owned()).spawn(watch).map(drop)
}
