//! What the current thread has used of the processor.

use std::time::Duration;

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Usage {
    pub(super) cpu: Duration,
    /// How often the thread gave the processor up by itself.
    switches: i64,
}

impl Usage {
    /// Whether the system tells it for a thread.
    pub(super) const IS_TOLD: bool = cfg!(target_os = "linux");

    #[cfg(target_os = "linux")]
    pub(super) fn now() -> Self {
        use nix::sys::resource::{UsageWho, getrusage};

        let Ok(usage) = getrusage(UsageWho::RUSAGE_THREAD) else { return Self::default() };
        let time = |time: nix::sys::time::TimeVal| {
            let micros = time.tv_sec().saturating_mul(1_000_000).saturating_add(time.tv_usec());
            Duration::from_micros(u64::try_from(micros).unwrap_or(0))
        };
        Self {
            cpu: time(usage.user_time()) + time(usage.system_time()),
            switches: usage.voluntary_context_switches(),
        }
    }

    /// Elsewhere a system does not tell it for a thread.
    #[cfg(not(target_os = "linux"))]
    pub(super) fn now() -> Self {
        Self::default()
    }

    /// Whether the thread has waited for something. Where the system does not tell, it has: the wall clock has decided
    /// before this is asked.
    pub(super) fn has_waited_since(&self, earlier: &Self) -> bool {
        !Self::IS_TOLD || self.switches > earlier.switches
    }
}
