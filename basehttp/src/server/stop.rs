//! The server as its handles see it.

use std::time::Duration;

use super::log::Log;
use super::shutdown::Shutdown;
use super::wakers::Wakers;
use crate::handler::{ShutdownReport, Stats, Stop};
use crate::sync::Arc;

pub(super) struct Control {
    pub(super) shutdown: Arc<Shutdown>,
    pub(super) wakers: Arc<Wakers>,
    pub(super) log: Arc<Log>,
}

impl Stop for Control {
    fn stop(&self, grace: Option<Duration>) {
        self.shutdown.stop(grace);
        self.wakers.wake_all();
    }

    fn expect_no_requests(&self) {
        self.shutdown.expect_no_requests();
    }

    fn write_log(&self) {
        self.log.flush();
    }

    fn is_stopping(&self) -> bool {
        self.shutdown.is_stopping()
    }

    fn wait(&self) -> ShutdownReport {
        self.shutdown.wait()
    }

    fn report(&self) -> Option<ShutdownReport> {
        self.shutdown.report()
    }

    fn stats(&self) -> Stats {
        self.shutdown.stats()
    }
}
