//! Ctrl-C, and the end that a service manager wants.

use std::io::{self, Write as _};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread;

use basehttp::ServerHandle;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag::{register, register_conditional_default};

/// Has the first SIGINT or SIGTERM end the server when the running requests are done, and the second one at once.
///
/// # Errors
/// The system's.
pub(crate) fn watch(handle: ServerHandle) -> io::Result<()> {
    let told = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        // In this order: the second one finds the flag that the first one has set, and does what it would do if nobody
        // watched. No thread is needed for that, whatever the others wait for.
        register_conditional_default(signal, told.clone())?;
        register(signal, told.clone())?;
    }
    let wait = waiter(told)?;
    let watch = move || {
        if wait() {
            handle.shutdown();
            let _ =
                writeln!(io::stderr(), "basehttp: running requests may end; Ctrl-C once more stops at once");
        }
    };
    thread::Builder::new().name("signals".to_owned()).spawn(watch).map(drop)
}

/// What waits for the first signal.
#[cfg(unix)]
fn waiter(_told: Arc<AtomicBool>) -> io::Result<impl FnOnce() -> bool + Send + 'static> {
    let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM])?;
    Ok(move || signals.forever().next().is_some())
}

/// Without a way to wait for one, it is looked ten times a second.
#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "as on unix")]
fn waiter(told: Arc<AtomicBool>) -> io::Result<impl FnOnce() -> bool + Send + 'static> {
    use std::sync::atomic::Ordering;
    use std::time::Duration;

    Ok(move || {
        while !told.load(Ordering::SeqCst) {
            thread::sleep(Duration::from_millis(100));
        }
        true
    })
}
