//! How much processor time the current thread has used.

use std::ffi::c_long;
use std::time::Duration;

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Usage {
    pub(super) cpu: Duration,
    /// How often the thread has given up the processor voluntarily.
    switches: c_long,
}

impl Usage {
    /// Whether the system reports usage by thread.
    pub(super) const IS_TOLD: bool = cfg!(target_os = "linux");

    #[cfg(target_os = "linux")]
    pub(super) fn now() -> Self {
        use nix::sys::resource::{UsageWho, getrusage};
        use nix::sys::time::{TimeVal, TimeValLike as _};

        let Ok(usage) = getrusage(UsageWho::RUSAGE_THREAD) else { return Self::default() };
        let time = |time: TimeVal| Duration::from_micros(u64::try_from(time.num_microseconds()).unwrap_or(0));
        Self {
            cpu: time(usage.user_time()) + time(usage.system_time()),
            switches: usage.voluntary_context_switches(),
        }
    }

    /// Other systems do not report it by thread.
    #[cfg(not(target_os = "linux"))]
    pub(super) fn now() -> Self {
        Self::default()
    }

    /// Whether the thread has blocked. True where the system does not report it: the wall clock was checked before this is
    /// called.
    pub(super) fn has_waited_since(&self, earlier: &Self) -> bool {
        !Self::IS_TOLD || self.switches > earlier.switches
    }
}
