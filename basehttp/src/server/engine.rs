//! What the threads of a server share: the slot with the poller, the queues, the crew.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use mio::{Poll, Token};

use super::config::{Settings, VerifyRequest};
use super::connection::caught;
use super::crew::Crew;
use super::listener::{Listener, Stream};
use super::log::Log;
use super::poller::Core;
use super::predictor::Predictor;
use super::queue::{Inbox, Ready};
use super::refusal::Refusal;
use super::session::{Parts, Session};
use super::shutdown::Shutdown;
use super::table::{Connection, NEVER, Place, READ, READ_CLOSED, WRITE};
use super::transport::Socket;
use super::worker::Worker;
use crate::handler::exchange::Bounds;
use crate::handler::wire::Want;
use crate::handler::{Address, ServerInfo, Stop as _};

/// Makes the session of a connection; the type of the handler is erased, so that a server can be named in a signature.
pub(super) type Open = dyn Fn(Parts) -> Box<dyn Session + Send> + Send + Sync;

pub(super) struct Engine {
    /// The poller, unless somebody polls.
    core: Mutex<Option<Box<Core>>>,
    pub(super) ready: Ready,
    /// Tokens of connections that are over.
    pub(super) freed: Inbox<Token>,
    /// Deadlines that the poller does not know yet: when, and whose.
    pub(super) timers: Inbox<(u64, usize)>,
    /// Until when the poller sleeps, on the engine's clock; 0 while it is awake.
    pub(super) sleeps_until: AtomicU64,
    pub(super) crew: Crew,
    pub(super) predictor: Predictor,
    pub(super) log: Log,
    pub(super) settings: Settings,
    /// Those of the settings, for all connections.
    bounds: Arc<Bounds>,
    verify_request: Option<Box<VerifyRequest>>,
    open: Box<Open>,
    info: Arc<ServerInfo>,
    pub(super) shutdown: Arc<Shutdown>,
    started: Instant,
    /// `handle_request` wants one request of each connection, and has no crew.
    single: AtomicBool,
}

/// What the poller tells when there may be what is wanted.
pub(super) fn hint_for(want: Want) -> u8 {
    match want {
        Want::Input => READ | READ_CLOSED,
        Want::Room => WRITE,
    }
}

impl Engine {
    pub(super) fn new(
        poll: Poll,
        listener: Listener,
        settings: Settings,
        verify_request: Option<Box<VerifyRequest>>,
        open: Box<Open>,
        info: Arc<ServerInfo>,
        shutdown: Arc<Shutdown>,
    ) -> io::Result<Self> {
        Ok(Self {
            core: Mutex::new(Some(Box::new(Core::new(poll, listener)?))),
            ready: Ready::default(),
            freed: Inbox::default(),
            timers: Inbox::default(),
            sleeps_until: AtomicU64::new(0),
            crew: Crew::new(settings.max_threads, settings.permits()),
            predictor: Predictor::new(),
            log: Log::default(),
            bounds: Arc::new(settings.bounds),
            settings,
            verify_request,
            open,
            info,
            shutdown,
            started: Instant::now(),
            single: AtomicBool::new(false),
        })
    }

    /// The engine's clock, in milliseconds. It starts at 1: 0 is never a time.
    pub(super) fn now(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(NEVER - 1).saturating_add(1)
    }

    pub(super) fn core(&self) -> MutexGuard<'_, Option<Box<Core>>> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a connection into the queue from outside of the drivers' loop.
    pub(super) fn requeue(&self, connection: Connection) {
        // Nobody would take it any more, and in the queue it would hold on to the engine.
        if self.crew.is_closed() {
            return;
        }
        self.ready.push(connection);
        // A driver looks at the queue after it has taken the poller, so it has seen this one unless the poller is out.
        if self.core().is_none() {
            self.shutdown.wake_poller();
        }
    }

    pub(super) fn max_connections(&self) -> usize {
        self.settings.max_connections
    }

    pub(super) fn verify(&self, address: &Address) -> bool {
        // A panic costs this client, and not the server.
        self.verify_request.as_ref().is_none_or(|verify| caught(|| verify(address)).unwrap_or(false))
    }

    /// Makes a connection of a stream. One that is too many has a session that says so.
    pub(super) fn connection(
        self: &Arc<Self>,
        stream: Arc<Stream>,
        place: &Arc<Place>,
        client_address: Address,
        full: bool,
    ) -> Connection {
        let wire = Socket::new(stream, place.clone(), self.clone());
        let session: Box<dyn Session + Send> = if full {
            Box::new(Refusal::new(wire))
        } else {
            let server = self.info.clone();
            (self.open)(Parts { wire: Box::new(wire), client_address, server, bounds: self.bounds.clone() })
        };
        Connection { place: place.clone(), session, expired: false }
    }

    /// Lays a connection down until its client does something. Gives it back if it has already, or if there is no more
    /// waiting.
    pub(super) fn park(&self, connection: Connection, want: Want, patience: Duration) -> Option<Connection> {
        let place = connection.place.clone();
        let deadline =
            self.now().saturating_add(u64::try_from(patience.as_millis()).unwrap_or(NEVER)).min(NEVER - 1);
        place.deadline.store(deadline, Ordering::SeqCst);
        let idle = connection.session.is_idle();
        if let Some(connection) = place.park(connection, hint_for(want)) {
            return Some(connection);
        }
        if place.schedule(deadline) {
            self.timers.push((deadline, place.token.0));
            if self.sleeps_until.load(Ordering::SeqCst) > deadline {
                self.shutdown.wake_poller();
            }
        }
        // The one who stops the server looks at every place after saying so, and this after laying it down.
        let has_to_end = (idle && self.is_stopping()) || place.is_cut();
        if self.crew.is_closed() {
            drop(place.take());
        }
        if has_to_end { place.take() } else { None }
    }

    /// Blocks a thread, in a handler, until its client does something.
    pub(super) fn wait(self: &Arc<Self>, place: &Arc<Place>, hint: u8, timeout: Duration) -> io::Result<()> {
        if self.single.load(Ordering::SeqCst) {
            return self.wait_alone(place, hint, timeout);
        }
        Worker::hand_over(self);
        if !place.wait(hint, timeout) {
            return Err(io::ErrorKind::TimedOut.into());
        }
        if place.is_cut() { Err(io::ErrorKind::ConnectionAborted.into()) } else { Ok(()) }
    }

    /// As [`wait`](Self::wait) where no other thread polls.
    pub(super) fn wait_alone(
        self: &Arc<Self>,
        place: &Arc<Place>,
        hint: u8,
        timeout: Duration,
    ) -> io::Result<()> {
        let deadline = Instant::now() + timeout;
        while !place.has(hint) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(io::ErrorKind::TimedOut.into());
            }
            self.poll_once(Some(left))?;
        }
        Ok(())
    }

    /// Polls if nobody else does.
    pub(super) fn poll_once(self: &Arc<Self>, most: Option<Duration>) -> io::Result<()> {
        let Some(mut core) = self.core().take() else { return Ok(()) };
        let polled = core.poll(self, most);
        *self.core() = Some(core);
        polled
    }

    pub(super) fn set_single(&self, single: bool) {
        self.single.store(single, Ordering::SeqCst);
    }

    pub(super) fn is_last_request(&self) -> bool {
        self.single.load(Ordering::SeqCst) || self.is_stopping()
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.shutdown.is_stopping()
    }

    /// Ends all connections, whoever has them.
    pub(super) fn cut_all(self: &Arc<Self>) {
        // Whoever polls wakes up, lays the poller down, and finds it gone for a moment.
        let deadline = Instant::now() + Duration::from_secs(1);
        let core = loop {
            self.shutdown.wake_poller();
            match self.core().take() {
                Some(core) => break core,
                None if Instant::now() > deadline => return,
                None => std::thread::yield_now(),
            }
        };
        let places: Vec<_> = core.places().cloned().collect();
        *self.core() = Some(core);
        // A driver that has found the poller gone may have left.
        if self.crew.try_permit() {
            self.crew.pass_on(self);
        }
        for place in places {
            place.cut();
            if let Some(connection) = place.take() {
                self.ready.push(connection);
            }
        }
        self.shutdown.wake_poller();
    }

    /// Drops all connections that nobody has.
    pub(super) fn clear(&self) {
        let core = self.core().take();
        if let Some(core) = &core {
            for place in core.places() {
                drop(place.take());
            }
        }
        drop(core);
        while let Some(connection) = self.ready.pop() {
            drop(connection);
        }
    }
}
