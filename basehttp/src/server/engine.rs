//! What the threads of a server share, and the threads themselves.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use mio::Token;

use super::caught::caught;
use super::config::VerifyRequest;
use super::crew::{Call, Crew, Lane, Task};
use super::driver;
use super::inbox::Inbox;
use super::listener::Stream;
use super::log::{Log, Repeated};
use super::poller::Core;
use super::predictor::Predictor;
use super::refusal::Refusal;
use super::session::{Parts, Session};
use super::settings::Settings;
use super::shift::Shift;
use super::shutdown::Shutdown;
use super::table::{Connection, NEVER, Place, READ, READ_CLOSED, WRITE};
use super::timers::Timers;
#[cfg(feature = "tls")]
use super::tls::TlsSocket;
use super::transport::Socket;
use super::watchdog::{QUIET_TICKS, TICK, Watchdog};
use super::worker::Worker;
use crate::handler::exchange::Bounds;
use crate::handler::wire::{Want, Wire};
use crate::handler::{Address, ServerInfo, Stop as _};

/// Makes the session of a connection; the type of the handler is erased, so that a server can be named in a signature.
pub(super) type Open = dyn Fn(Parts) -> Box<dyn Session + Send> + Send + Sync;

pub(super) struct Engine {
    pub(super) shift: Shift<Connection, Core>,
    pub(super) crew: Crew<Connection>,
    pub(super) watchdog: Watchdog,
    /// Tokens of connections that are over.
    pub(super) freed: Inbox<Token>,
    pub(super) timers: Timers,
    /// Rounds are so costly that a second driver is worth its waking.
    pub(super) is_heavy: AtomicBool,
    /// There are no threads, and who was refused for that.
    at_bound: Repeated,
    pub(super) refused: Repeated,
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
        core: Core,
        settings: Settings,
        verify_request: Option<Box<VerifyRequest>>,
        log: Log,
        open: Box<Open>,
        info: Arc<ServerInfo>,
        shutdown: Arc<Shutdown>,
    ) -> Self {
        Self {
            shift: Shift::new(Box::new(core), settings.permits()),
            crew: Crew::new(settings.max_threads, settings.permits()),
            watchdog: Watchdog::new(),
            freed: Inbox::default(),
            timers: Timers::default(),
            is_heavy: AtomicBool::new(false),
            at_bound: Repeated::default(),
            refused: Repeated::default(),
            predictor: Predictor::new(),
            log,
            bounds: Arc::new(settings.bounds.clone()),
            settings,
            verify_request,
            open,
            info,
            shutdown,
            started: Instant::now(),
            single: AtomicBool::new(false),
        }
    }

    /// The engine's clock, in milliseconds. It starts at 1: 0 is never a time.
    pub(super) fn now(&self) -> u64 {
        self.time_of(Instant::now())
    }

    pub(super) fn time_of(&self, instant: Instant) -> u64 {
        let elapsed = instant.saturating_duration_since(self.started);
        elapsed.as_secs().saturating_mul(1000).saturating_add(u64::from(elapsed.subsec_millis()) + 1)
    }

    /// Begins: the watchdog, the reserve, and the first driver.
    pub(super) fn start(self: &Arc<Self>) -> io::Result<()> {
        let started =
            self.spawn("basehttp-watchdog", watch).and_then(|()| self.spawn("basehttp-reserve", reserve));
        if started.is_ok() && self.shift.try_permit() {
            self.pass_on();
        }
        started
    }

    fn spawn(self: &Arc<Self>, name: &str, work: fn(&Arc<Self>)) -> io::Result<()> {
        let engine = self.clone();
        thread::Builder::new().name(name.to_owned()).spawn(move || work(&engine)).map(drop)
    }

    /// Gives a permit to another thread.
    pub(super) fn pass_on(self: &Arc<Self>) {
        let call = self.crew.pass_on();
        self.follow(call);
    }

    /// Has a thread of the pool run the handler of a connection.
    pub(super) fn submit(self: &Arc<Self>, connection: Connection, lane: Lane) {
        let has_thread = match self.crew.submit(connection, lane) {
            Ok(call) => self.follow(call),
            Err(connection) => {
                self.end(connection);
                true
            }
        };
        if !has_thread {
            // Who polls has to run it, or has a deadline more.
            self.shutdown.wake_poller();
        }
    }

    fn follow(self: &Arc<Self>, call: Call) -> bool {
        match call {
            Call::Spare => true,
            Call::Line => {
                self.watchdog.rouse();
                true
            }
            Call::Nobody => {
                self.at_bound.tell(&self.log, || {
                    let Settings { max_threads, queue_timeout, .. } = &self.settings;
                    format!(
                        "all {max_threads} threads are in handlers (max_threads); further requests wait for \
                         {queue_timeout:?} at most (queue_timeout)"
                    )
                });
                false
            }
            Call::Hire => match self.spawn("basehttp", work) {
                Ok(()) => true,
                Err(error) => {
                    self.crew.cannot_hire();
                    self.at_bound.tell(&self.log, || format!("no thread can be added: {error}"));
                    false
                }
            },
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.shift.is_closed()
    }

    /// Puts a connection into the queue from outside of the drivers' loop.
    pub(super) fn requeue(&self, connection: Connection) {
        let put = self.shift.put(connection);
        self.follow_put(put);
    }

    /// Puts a connection into the queue that has used up its turn.
    pub(super) fn requeue_tired(&self, connection: Connection) {
        let put = self.shift.put_tired(connection);
        self.follow_put(put);
    }

    fn follow_put(&self, put: Result<bool, Connection>) {
        match put {
            Ok(true) => self.shutdown.wake_poller(),
            Ok(false) => {}
            // Nobody would take it any more.
            Err(connection) => self.end(connection),
        }
    }

    pub(super) fn max_connections(&self) -> usize {
        self.settings.max_connections
    }

    /// Asks the user whether a client is welcome.
    pub(super) fn verify(&self, address: &Address) -> bool {
        // A panic costs this client, and not the server.
        self.verify_request.as_ref().is_none_or(|verify| {
            caught(|| verify(address)).unwrap_or_else(|message| {
                self.log.complain(&format!("verify_request panicked: {message}"));
                false
            })
        })
    }

    /// Makes a connection of a stream. One that is too many has a session that says so.
    pub(super) fn connection(
        self: &Arc<Self>,
        stream: Arc<Stream>,
        place: &Arc<Place>,
        client_address: Address,
        full: bool,
    ) -> Connection {
        self.shutdown.opened();
        if full {
            self.shutdown.counters.refused.add(1);
        }
        #[cfg_attr(
            not(feature = "proxy"),
            expect(unused_mut, reason = "nothing comes before the first request")
        )]
        let mut wire = Socket::new(stream, place.clone(), self.clone());
        #[cfg(feature = "proxy")]
        if let Some(proxies) = &self.settings.proxies {
            wire.preface.is_awaited = proxies.begins_with_header(&client_address);
        }
        let is_asked = !full && self.verify_request.is_some();
        let newcomer = is_asked.then(|| Box::new(client_address.clone()));
        let session: Box<dyn Session + Send> = if full {
            Box::new(Refusal::new(wire))
        } else {
            let (wire, server) = (self.wire(wire), self.info.clone());
            (self.open)(Parts { wire, client_address, server, bounds: self.bounds.clone() })
        };
        Connection { place: place.clone(), session, expired: false, newcomer }
    }

    /// What a connection's handler speaks through.
    fn wire(&self, socket: Socket) -> Box<dyn Wire> {
        match &self.settings.tls {
            None => Box::new(socket),
            #[cfg(feature = "tls")]
            Some(tls) => Box::new(TlsSocket::new(socket, tls.current())),
            #[cfg(not(feature = "tls"))]
            Some(never) => match *never {},
        }
    }

    /// How long a new connection may say nothing.
    pub(super) fn first_patience(&self) -> Duration {
        let bounds = &self.settings.bounds;
        if self.settings.is_tls() { bounds.handshake_timeout } else { bounds.idle_timeout }
    }

    /// Lays a connection down until its client does something. Gives it back if it has already, or if there is no more
    /// waiting.
    pub(super) fn park(
        &self,
        connection: Connection,
        want: Want,
        patience: Duration,
        now: u64,
    ) -> Option<Connection> {
        let place = connection.place.clone();
        // Rounded up: who is given up has had all of its time.
        let patience = u64::try_from(patience.as_nanos().div_ceil(1_000_000)).unwrap_or(NEVER);
        let deadline = now.saturating_add(patience).min(NEVER - 1);
        place.deadline.store(deadline, Ordering::SeqCst);
        let idle = connection.session.ends_with_server();
        if let Some(connection) = place.park(connection, hint_for(want)) {
            return Some(connection);
        }
        if place.schedule(deadline) && self.timers.leave(deadline, place.token.0) {
            self.shutdown.wake_poller();
        }
        // The one who stops the server looks at every place after saying so, and this after laying it down.
        let has_to_end = (idle && self.is_stopping()) || place.is_cut();
        if self.is_closed()
            && let Some(connection) = place.take()
        {
            self.end(connection);
        }
        if has_to_end { place.take() } else { None }
    }

    /// Blocks a thread, in a handler, until its client does something.
    pub(super) fn wait(self: &Arc<Self>, place: &Arc<Place>, hint: u8, timeout: Duration) -> io::Result<()> {
        if self.single.load(Ordering::SeqCst) {
            return self.wait_alone(place, hint, timeout);
        }
        if let Some(worker) = Worker::about_to_wait() {
            // Another thread drives on.
            if self.watchdog.relieve(&worker) {
                self.pass_on();
            }
            let call = worker.take_lane().and_then(|lane| self.crew.leave(lane));
            if call.is_some_and(|call| !self.follow(call)) {
                self.shutdown.wake_poller();
            }
        }
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
        let Some(mut core) = self.shift.take_poller() else { return Ok(()) };
        let polled = core.poll(self, most);
        self.shift.lay_back(core);
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

    /// Drops a connection whose client is not welcome.
    pub(super) fn turn_away(&self, connection: Connection) {
        self.free(connection);
        self.shutdown.turned_away();
    }

    /// Drops a connection that is over, or that nobody goes on with.
    pub(super) fn end(&self, connection: Connection) {
        let end = connection.end();
        self.free(connection);
        self.shutdown.ended(end);
    }

    /// Drops a connection, and leaves its place to the holder of the table.
    fn free(&self, connection: Connection) {
        let token = connection.place.token;
        drop(connection);
        self.freed.push(token);
    }

    /// Sends the threads home.
    pub(super) fn close(&self) {
        self.clear();
        for connection in self.crew.close() {
            self.end(connection);
        }
        self.watchdog.rouse();
        self.shutdown.wake_poller();
        self.log.flush();
    }

    /// Ends the queue, and drops all connections that nobody has. A driver that was polling does it again.
    pub(super) fn clear(&self) {
        let (left, core) = self.shift.close();
        for connection in left {
            self.end(connection);
        }
        if let Some(core) = core {
            for place in core.places() {
                if let Some(connection) = place.take() {
                    self.end(connection);
                }
            }
        }
    }
}

/// A regular thread.
fn work(engine: &Arc<Engine>) {
    let worker = Arc::new(Worker::new());
    let _installed = worker.install();
    engine.shutdown.counters.threads_begun.add(1);
    loop {
        match engine.crew.next_task(worker.take_lane()) {
            Task::Drive => {
                engine.watchdog.grant(&worker);
                driver::drive(engine, &worker);
            }
            Task::Serve(connection, lane) => {
                worker.set_lane(lane);
                driver::serve(engine, &worker, connection);
            }
            Task::End => return engine.shutdown.counters.threads_ended.add(1),
        }
    }
}

/// The thread that never runs a handler.
fn reserve(engine: &Arc<Engine>) {
    let worker = Arc::new(Worker::new());
    let _installed = worker.install();
    while engine.crew.wait_for_need() {
        engine.watchdog.grant(&worker);
        driver::stand_in(engine, &worker);
    }
}

/// The watchdog's thread.
fn watch(engine: &Arc<Engine>) {
    let mut quiet = 0;
    while !engine.is_closed() {
        thread::sleep(TICK);
        let seen = engine.watchdog.look();
        for worker in seen.taken {
            engine.shutdown.counters.permits_lost.add(1);
            engine.pass_on();
            // The handler was expected to be quick, so the replies before its own are still here.
            worker.send_gathered();
        }
        for call in engine.crew.look() {
            if !engine.follow(call) {
                engine.shutdown.wake_poller();
            }
        }
        let has_queue = engine.crew.has_queue();
        if has_queue && engine.crew.is_overdue(engine.settings.queue_timeout) {
            engine.shutdown.wake_poller();
        }
        quiet = if seen.active || has_queue { 0 } else { quiet + 1 };
        if quiet >= QUIET_TICKS {
            quiet = 0;
            engine.watchdog.sleep(|| engine.is_closed() || engine.crew.has_queue());
        }
    }
}
