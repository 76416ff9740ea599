//! One connection without a server: on the thread of its caller, which has nothing else to do.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use super::log::Log;
use super::turn::TurnContext;
use crate::handler::connection_io::SharedIo;
use crate::handler::{Address, ServerHandle, ServerInfo, ShutdownReport, Stats, Stop};
use crate::sync::{Arc, AtomicBool, Ordering};

/// Runs everything, and lets it take its time.
pub(crate) struct StandaloneContext {
    server: Arc<NoServer>,
}

/// What its handler finds in place of a server: something to be told that it is to end.
#[derive(Default)]
pub(crate) struct NoServer {
    is_stopping: AtomicBool,
    log: Option<Log>,
}

impl NoServer {
    pub(super) fn new(log: Log) -> Self {
        Self { is_stopping: AtomicBool::new(false), log: Some(log) }
    }

    pub(super) fn log(&self) -> Option<&Log> {
        self.log.as_ref()
    }

    /// What `self.server()` is, for settings that say nothing.
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
            #[cfg(feature = "proxy")]
            proxies: None,
            handle: ServerHandle { server: self.clone() },
        }
    }
}

/// There is nothing to wait for, so it has ended when somebody asks.
impl Stop for NoServer {
    fn stop(&self, _grace: Option<Duration>) {
        self.is_stopping.store(true, Ordering::SeqCst);
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
    fn may_run(&mut self, _command: &str, _path: &str) -> bool {
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
