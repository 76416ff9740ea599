//! One connection without a server: on its caller's thread, which has nothing else to do.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use super::log::Log;
use super::turn::TurnContext;
use crate::handler::connection_io::SharedIo;
use crate::handler::resolution::RequestKind;
use crate::handler::{Address, ServerHandle, ServerInfo, ShutdownReport, Stats, Stop};
use crate::sync::{Arc, AtomicBool, Condvar, Mutex, Ordering, PoisonError, lock};

/// Runs all code on this thread; it may block.
pub(crate) struct StandaloneContext {
    server: Arc<NoServer>,
}

/// What its handler gets in place of a server. It can be told to stop.
#[derive(Default)]
pub(crate) struct NoServer {
    is_stopping: AtomicBool,
    log: Option<Log>,
    notices: Arc<Notices>,
}

/// Notices from handles on the connection's response, for the one thread that waits for it, and for those that wait for
/// room.
#[derive(Default)]
pub(crate) struct Notices {
    told: Mutex<Told>,
    changed: Condvar,
}

#[derive(Default)]
struct Told {
    notice: bool,
    room: bool,
}

impl Notices {
    fn tell(&self, tell: impl FnOnce(&mut Told)) {
        tell(&mut lock(&self.told));
        self.changed.notify_all();
    }

    pub(crate) fn notify(&self) {
        self.tell(|told| told.notice = true);
    }

    pub(crate) fn clear_notice(&self) {
        lock(&self.told).notice = false;
    }

    /// Waits at most `timeout` for a notice. False if none has come.
    pub(crate) fn wait(&self, timeout: Duration) -> bool {
        self.wait_until(timeout, |told| told.notice)
    }

    pub(crate) fn free_room(&self) {
        self.tell(|told| told.room = true);
    }

    pub(crate) fn clear_room(&self) {
        lock(&self.told).room = false;
    }

    /// Waits at most `timeout` for room.
    pub(crate) fn wait_for_room(&self, timeout: Duration) -> bool {
        self.wait_until(timeout, |told| told.room)
    }

    fn wait_until(&self, timeout: Duration, is_there: impl Fn(&Told) -> bool) -> bool {
        let deadline = Instant::now() + timeout;
        let mut told = lock(&self.told);
        while !is_there(&told) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            told = self.changed.wait_timeout(told, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }
}

impl NoServer {
    pub(super) fn new(log: Log) -> Self {
        Self { log: Some(log), ..Self::default() }
    }

    pub(crate) fn notices(&self) -> &Arc<Notices> {
        &self.notices
    }

    pub(super) fn log(&self) -> Option<&Log> {
        self.log.as_ref()
    }

    /// The value of `self.server()`, for default settings.
    pub(crate) fn info(self: &Arc<Self>) -> ServerInfo {
        let address = Address::Tcp((Ipv4Addr::LOCALHOST, 80).into());
        ServerInfo {
            addresses: Box::new([address.clone()]),
            address,
            name: "localhost".to_owned(),
            handle_error: None,
            name_of: None,
            is_tls: false,
            host_policy: None,
            cross_origin: None,
            #[cfg(feature = "proxy")]
            proxies: None,
            handle: ServerHandle { server: self.clone() },
        }
    }
}

/// There is nothing to wait for, so once it is told to stop it has ended.
impl Stop for NoServer {
    fn stop(&self, _grace: Option<Duration>) {
        self.is_stopping.store(true, Ordering::SeqCst);
        self.notices.notify();
    }

    fn write_log(&self) {
        if let Some(log) = &self.log {
            log.flush();
        }
    }

    fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::SeqCst)
    }

    fn wait(&self) -> ShutdownReport {
        ShutdownReport::default()
    }

    fn report(&self) -> Option<ShutdownReport> {
        self.is_stopping().then(ShutdownReport::default)
    }

    fn stats(&self) -> Stats {
        Stats::default()
    }
}

impl StandaloneContext {
    pub(crate) fn new(server: Arc<NoServer>) -> Self {
        Self { server }
    }
}

impl TurnContext for StandaloneContext {
    fn may_run(&mut self, _kind: RequestKind<'_>) -> bool {
        true
    }

    fn expects_quickness(&self) -> bool {
        true
    }

    fn admits_all(&self) -> bool {
        true
    }

    fn takes_connection(&mut self) {}

    fn runs_user_code(&self) -> bool {
        true
    }

    fn is_at_bound(&self) -> bool {
        false
    }

    fn is_stopping(&self) -> bool {
        self.server.is_stopping()
    }

    fn expects_requests(&self) -> bool {
        !self.server.is_stopping()
    }

    fn before_sending(&self) {
        self.server.write_log();
    }

    fn has_lines(&self) -> bool {
        self.server.log.as_ref().is_some_and(Log::has_lines)
    }

    fn has_buffered(&mut self, _io: &SharedIo) {}

    fn turn_is_over(&self) -> bool {
        false
    }

    fn last_look(&self) -> Instant {
        Instant::now()
    }

    fn enter(&mut self) {}

    fn leave(&mut self) {}
}
