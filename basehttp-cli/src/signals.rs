//! Ctrl-C, and SIGTERM from a service manager.

use std::io::{self, Write as _};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread;

use basehttp::ServerHandle;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag::{register, register_conditional_default};

/// Makes the first SIGINT or SIGTERM end the server after the running requests, and the second one immediately.
///
/// # Errors
/// Those of the system.
pub(crate) fn watch(handle: ServerHandle) -> io::Result<()> {
    let told = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        // The order matters: the second signal finds the flag that the first one set, and has its default effect. That needs
        // no thread, so it works whatever the threads wait for.
        register_conditional_default(signal, told.clone())?;
        register(signal, told.clone())?;
    }
    let wait = waiter(told)?;
    let watch = move || {
        if wait() {
            handle.shutdown();
            let _ = writeln!(
                io::stderr(),
                "basehttp: waiting for running requests; press Ctrl-C again to stop immediately"
            );
        }
    };
    thread::Builder::new().name("signals".to_owned()).spawn(watch).map(drop)
}

/// Returns a function that waits for the first signal.
#[cfg(unix)]
fn waiter(_told: Arc<AtomicBool>) -> io::Result<impl FnOnce() -> bool + Send + 'static> {
    let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM])?;
    Ok(move || signals.forever().next().is_some())
}

/// Checks ten times a second, since there is no way to wait for a signal here.
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
