//! A server with its sockets: what the scheduler, the pollers and the connections need from it.

use std::io;
use std::thread;
use std::time::{Duration, Instant};

use mio::Token;

use super::assign;
use super::caught::caught;
use super::config::VerifyRequest;
use super::counters::{Counters, Refusals, Refused};
use super::far_socket::{Home, Joining};
use super::listener::Stream;
use super::local::Local;
use super::log::{Log, Repeated};
use super::machine::{Machine, Thread, TurnResult};
use super::mailbox::{Arrival, Mailbox};
use super::poller::{self, Poller};
use super::pool::Lane;
use super::predictor::{Kind, Predictor};
use super::refusal::Refusal;
use super::scheduler::Scheduler;
use super::settings::Settings;
use super::shutdown::Shutdown;
use super::table::{Connection, Place};
use super::threads;
use super::time::{NEVER, Timeline};
#[cfg(feature = "tls")]
use super::tls::TlsSocket;
use super::token::{NOTICE, ROOM, hint_for};
use super::transport::{self, Socket};
use super::turn::{AnyConnection, ConnectionParts};
use super::usage::Usage;
use super::wakers::Wakers;
use super::watchdog::{TICK, TakenPermit};
use crate::handler::connection_io::Bounds;
use crate::handler::wire::{Want, Wire};
use crate::handler::{Address, ServerInfo};
use crate::sync::{Arc, AtomicBool, AtomicUsize, Ordering};

/// Makes a connection. The type of the handler is erased, so that a server can be named in a signature.
pub(super) type Open = dyn Fn(ConnectionParts) -> Box<dyn AnyConnection + Send> + Send + Sync;

/// The user's code that connections need, and the information that it gets about the server.
pub(super) struct Hooked {
    pub(super) verify_request: Option<Box<VerifyRequest>>,
    pub(super) open: Box<Open>,
    pub(super) info: Arc<ServerInfo>,
}

pub(super) struct Engine {
    scheduler: Scheduler<Connection, Poller>,
    /// Work that is left for the polling threads, by shard.
    mailboxes: Box<[Mailbox]>,
    /// The number of open connections by shard: a new one goes to the shard with the fewest.
    open: Box<[AtomicUsize]>,
    wakers: Arc<Wakers>,
    /// In order: no thread can be added; a request was refused for that; connections were refused because there are too
    /// many, or could not be registered.
    at_bound: Repeated,
    refused: Repeated,
    refusals: Arc<Refusals>,
    full: Repeated,
    lost: Repeated,
    pub(super) predictor: Predictor,
    /// The predictor's key for TLS handshakes. No request has this key.
    pub(super) handshake: Kind,
    pub(super) log: Arc<Log>,
    pub(super) settings: Settings,
    /// The bounds from the settings, shared by all connections.
    bounds: Arc<Bounds>,
    hooked: Hooked,
    pub(super) shutdown: Arc<Shutdown>,
    timeline: Timeline,
    /// `handle_request` serves one request per connection, and has no other threads.
    single: AtomicBool,
}

/// How many connections beyond the limit are answered 503 at a time; further ones are closed.
const REFUSALS: usize = 64;

/// How long a thread waits before it checks whether the thread that polls in its place has stopped.
const OTHER_POLLS: Duration = Duration::from_millis(10);

impl Engine {
    pub(super) fn new(
        pollers: Vec<Poller>,
        settings: Settings,
        hooked: Hooked,
        log: Arc<Log>,
        shutdown: Arc<Shutdown>,
        wakers: Arc<Wakers>,
    ) -> Self {
        let shards = pollers.len();
        let predictor = Predictor::new();
        Self {
            scheduler: Scheduler::new(pollers, settings.max_threads, settings.compute_threads()),
            mailboxes: (0..shards).map(|_| Mailbox::default()).collect(),
            open: (0..shards).map(|_| AtomicUsize::new(0)).collect(),
            wakers,
            at_bound: Repeated::default(),
            refused: Repeated::default(),
            refusals: Arc::default(),
            full: Repeated::default(),
            lost: Repeated::default(),
            handshake: predictor.kind("", "handshake"),
            predictor,
            log,
            bounds: Arc::new(settings.bounds.clone()),
            settings,
            hooked,
            shutdown,
            timeline: Timeline::new(),
            single: AtomicBool::new(false),
        }
    }

    /// Starts the watchdog, the reserve and the first driver.
    pub(super) fn start(self: &Arc<Self>) {
        let watch = |engine: &Arc<Self>| {
            let told = |taken: &TakenPermit| {
                engine.shutdown.counters(0).stalls.add(1);
                if let Some(kind) = taken.kind {
                    engine.predictor.suspend(kind);
                }
            };
            threads::watch(engine, || thread::sleep(TICK), told);
        };
        let started = self
            .spawn("basehttp-watchdog", watch)
            .and_then(|()| self.spawn("basehttp-reserve", threads::reserve));
        match started {
            Ok(()) => threads::start(self),
            Err(error) => self.fail(error),
        }
    }

    fn spawn(self: &Arc<Self>, name: &str, work: impl FnOnce(&Arc<Self>) + Send + 'static) -> io::Result<()> {
        let engine = self.clone();
        let mut builder = thread::Builder::new().name(name.to_owned());
        if let Some(bytes) = self.settings.stack_size {
            builder = builder.stack_size(bytes);
        }
        builder.spawn(move || work(&engine)).map(drop)
    }

    /// Makes the shards cut all connections, and waits until they have.
    pub(super) fn cut(&self) {
        self.shutdown.cut();
        self.wakers.wake_all();
        self.shutdown.wait_for_cut();
    }

    /// Asks the user's `verify_request` whether to serve a client.
    pub(super) fn verify(&self, address: &Address) -> bool {
        // A panic affects this client only, not the server.
        self.hooked.verify_request.as_ref().is_none_or(|verify| {
            caught(|| verify(address)).unwrap_or_else(|message| {
                self.log.warn(0, &format!("verify_request panicked: {message}"));
                false
            })
        })
    }

    /// The wire for a connection's handler.
    fn wire(&self, socket: Socket) -> Box<dyn Wire> {
        match &self.settings.tls {
            None => Box::new(socket),
            #[cfg(feature = "tls")]
            Some(tls) => Box::new(TlsSocket::new(socket, tls.current())),
            #[cfg(not(feature = "tls"))]
            Some(never) => match *never {},
        }
    }

    /// How long a new connection may be silent.
    fn first_patience(&self) -> Duration {
        let bounds = &self.settings.bounds;
        if self.settings.is_tls() { bounds.handshake_timeout } else { bounds.idle_timeout }
    }

    /// The time on the engine's clock.
    pub(super) fn time_of(&self, instant: Instant) -> u64 {
        self.timeline.at(instant)
    }

    fn mail(&self, shard: usize) -> &Mailbox {
        let [first, ..] = &*self.mailboxes else { unreachable!("a server has a shard") };
        self.mailboxes.get(shard).unwrap_or(first)
    }

    /// Parks a connection until its client does something. Gives it back if the client already has, or if there is nothing
    /// left to wait for.
    pub(super) fn park(
        &self,
        connection: Connection,
        want: Want,
        patience: Duration,
        now: u64,
    ) -> Option<Connection> {
        let place = connection.place.clone();
        // Rounded up: a connection that times out has had all of its time.
        let patience = u64::try_from(patience.as_nanos().div_ceil(1_000_000)).unwrap_or(NEVER);
        let deadline = now.saturating_add(patience).min(NEVER - 1);
        place.deadline.store(deadline, Ordering::SeqCst);
        let idle = connection.inner.ends_with_server();
        if let Some(connection) = place.park(connection, hint_for(want)) {
            return Some(connection);
        }
        if place.schedule(deadline) && self.mail(place.shard).timers.leave(deadline, place.token.0) {
            self.wakers.wake(place.shard);
        }
        // A thread that stops the server sets the flag and then looks at every place. This thread parks first and then looks
        // at the flag.
        let has_to_end = (idle && self.shutdown.is_stopping()) || place.is_cut();
        if self.scheduler.is_closed()
            && let Some(connection) = place.take()
        {
            self.end(connection);
        }
        if has_to_end { place.take() } else { None }
    }

    /// Blocks the only thread until a client does something. Meanwhile the thread polls.
    pub(super) fn wait_alone(
        self: &Arc<Self>,
        place: &Arc<Place>,
        hint: u8,
        timeout: Duration,
    ) -> io::Result<()> {
        let deadline = Instant::now() + timeout;
        if timeout.is_zero() {
            // A caller that does not wait still gets the news, even about a client for which there was news before.
            assign::poll_once(self, Some(timeout))?;
        }
        while !place.has(hint) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(io::ErrorKind::TimedOut.into());
            }
            if !assign::poll_once(self, Some(left))? {
                // A handle waits beside the thread that serves, which may end before it has come.
                place.wait(hint, left.min(OTHER_POLLS));
            }
        }
        Ok(())
    }

    pub(super) fn set_single(&self, single: bool) {
        self.single.store(single, Ordering::SeqCst);
    }

    /// Drops a connection whose client is rejected.
    pub(super) fn turn_away(&self, connection: Connection) {
        self.free(connection);
        self.shutdown.turned_away();
    }

    /// Closes a connection that was accepted for a shard, before it was opened there.
    fn forget(&self, shard: usize) {
        self.has_one_less(shard);
        self.shutdown.turned_away();
    }

    fn tell_refused(&self) {
        self.refused.tell(&self.log, || {
            let waited = self.settings.queue_timeout;
            format!("a request found no free thread within {waited:?} (queue_timeout) and is answered 503")
        });
    }

    fn has_one_less(&self, shard: usize) {
        if let Some(open) = self.open.get(shard) {
            open.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Drops a connection, and leaves its place to the holder of the table.
    fn free(&self, connection: Connection) {
        let (shard, token) = (connection.place.shard, connection.place.token);
        drop(connection);
        self.has_one_less(shard);
        self.mail(shard).freed.push(token);
    }
}

impl Machine for Engine {
    type Connection = Connection;
    type Poller = Poller;
    type Local = Local;

    const SEARCH: Duration = Duration::from_micros(50);

    fn instant() -> Instant {
        Instant::now()
    }

    fn scheduler(&self) -> &Scheduler<Connection, Poller> {
        &self.scheduler
    }

    fn shard_of(&self, connection: &Connection) -> usize {
        connection.place.shard
    }

    fn turn(
        self: &Arc<Self>,
        thread: &mut Thread<'_, Self>,
        connection: Connection,
    ) -> TurnResult<Connection> {
        thread.turn(connection)
    }

    fn round_begins(local: &mut Local) {
        local.round = Usage::now();
    }

    fn refuse(self: &Arc<Self>, mut connection: Connection) {
        // The client may be one that `verify_request` would reject; answering it is cheap all the same.
        connection.newcomer = None;
        // An answer over TLS would need the handshake, for which there is no thread.
        if connection.inner.is_in_handshake() {
            self.tell_refused();
            return self.end(connection);
        }
        if connection.inner.refuse() {
            self.tell_refused();
            assign::requeue(&**self, connection);
        } else {
            assign::submit(self, connection, Lane::Waits);
        }
    }

    fn queue_timeout(&self) -> Duration {
        self.settings.queue_timeout
    }

    fn poll(
        self: &Arc<Self>,
        shard: usize,
        poller: &mut Poller,
        attended: &mut [(usize, Box<Poller>)],
        most: Option<Duration>,
    ) -> io::Result<()> {
        debug_assert!(attended.is_empty() || shard == 0, "only shard 0 attends others");
        poller.poll(self, attended, most)
    }

    fn wanted(&self, poller: &mut Poller) -> usize {
        // Counting needs several drivers.
        if cfg!(count) {
            return self.settings.compute_threads();
        }
        let shards = 0..self.scheduler.shards.len();
        let handled = shards.map(|shard| self.shutdown.counters(shard).handled.get()).sum();
        poller.control.look(Instant::now(), handled)
    }

    fn has_handled(&self, shard: usize, handlers: u64) {
        self.shutdown.counters(shard).handled.add(handlers);
    }

    fn wake(&self, shard: usize) {
        self.wakers.wake(shard);
    }

    fn hire(self: &Arc<Self>) -> io::Result<()> {
        self.spawn("basehttp", |engine| {
            engine.shutdown.counters(0).threads_begun.add(1);
            threads::work(engine);
            engine.shutdown.counters(0).threads_ended.add(1);
        })
    }

    fn is_at_bound(&self, error: Option<io::Error>) {
        self.at_bound.tell(&self.log, || {
            if let Some(error) = error {
                return format!("no thread can be added: {error}");
            }
            let Settings { max_threads, queue_timeout, .. } = &self.settings;
            format!(
                "all {max_threads} threads are in handlers (max_threads); further requests wait for \
                 {queue_timeout:?} at most (queue_timeout)"
            )
        });
    }

    /// Drops a connection that is over, or that no thread will continue.
    fn end(&self, connection: Connection) {
        let end = connection.end();
        self.free(connection);
        self.shutdown.ended(end);
    }

    fn end_all(&self, shard: usize, poller: &Poller) {
        self.mail(shard).arrivals.empty(|_| self.forget(shard));
        self.mail(shard).joining.empty(|joining| joining.stream.reset_on_close());
        for place in poller.places() {
            if let Some(connection) = place.take() {
                self.end(connection);
            }
        }
    }

    fn fail(&self, error: io::Error) {
        self.shutdown.fail(error);
        self.wakers.wake_all();
    }

    fn has_lines(&self) -> bool {
        self.log.has_lines()
    }

    fn log_may_wait(&self) -> bool {
        self.log.has_sink()
    }

    fn flush_log(&self) {
        self.log.flush();
    }
}

impl poller::Server for Engine {
    fn mailbox(&self, shard: usize) -> &Mailbox {
        self.mail(shard)
    }

    fn time_of(&self, instant: Instant) -> u64 {
        self.timeline.at(instant)
    }

    fn log(&self) -> &Log {
        &self.log
    }

    fn is_stopping(&self) -> bool {
        self.shutdown.is_stopping()
    }

    fn is_cutting(&self) -> bool {
        self.shutdown.is_cutting()
    }

    fn accepted(&self, stream: Stream, address: Address) -> Option<Arrival> {
        let limit = self.settings.max_connections;
        // An answer over TLS would need a handshake.
        let refusals = if self.settings.is_tls() { 0 } else { REFUSALS };
        let before = self.shutdown.open(limit + refusals);
        let is_refused = before.is_none_or(|before| before.saturating_sub(self.refusals.count()) >= limit);
        if is_refused {
            self.full.tell(&self.log, || {
                format!("{limit} connections are open (max_connections); a further one is answered 503")
            });
            self.shutdown.counters(0).refused.add(1);
            before?;
        }
        let lengths = self.open.iter().map(|open| open.load(Ordering::Relaxed));
        let shard = lengths.zip(0..).min().map_or(0, |(_, shard)| shard);
        if let Some(open) = self.open.get(shard) {
            open.fetch_add(1, Ordering::Relaxed);
        }
        let arrival = Arrival { stream, address, refused: is_refused.then(|| self.refusals.add()) };
        if shard == 0 {
            return Some(arrival);
        }
        self.mail(shard).arrivals.push(arrival);
        // Without a driver in that shard, the thread that has the listener looks there before it sleeps.
        if self.scheduler.shard(shard).in_use() > 0 {
            self.wakers.wake(shard);
        }
        None
    }

    fn begin(
        self: &Arc<Self>,
        stream: Arc<Stream>,
        place: &Arc<Place>,
        client_address: Address,
        refused: Option<Refused>,
    ) -> Option<Connection> {
        #[cfg_attr(
            not(feature = "proxy"),
            expect(unused_mut, reason = "nothing comes before the first request")
        )]
        let mut wire = Socket::new(stream, place.clone(), self.clone());
        #[cfg(feature = "proxy")]
        if let Some(proxies) = &self.settings.proxies {
            wire.preface.is_awaited = proxies.begins_with_header(&client_address);
        }
        let is_asked = refused.is_none() && self.hooked.verify_request.is_some();
        let newcomer = is_asked.then(|| Box::new(client_address.clone()));
        let inner: Box<dyn AnyConnection + Send> = if let Some(refused) = refused {
            Box::new(Refusal::new(wire, refused))
        } else {
            let (wire, server) = (self.wire(wire), self.hooked.info.clone());
            (self.hooked.open)(ConnectionParts { wire, client_address, server, bounds: self.bounds.clone() })
        };
        let connection =
            Connection { place: place.clone(), inner, expired: false, newcomer, has_signed: false };
        // Usually nothing has arrived yet. A silent client needs no handler, and no thread to make one.
        if connection.newcomer.is_some() || connection.inner.speaks_first() {
            return Some(connection);
        }
        self.park(connection, Want::Input, self.first_patience(), self.timeline.now())
    }

    fn lost(&self, shard: usize, error: &io::Error) {
        self.lost.tell(&self.log, || format!("cannot serve a new connection, which is closed: {error}"));
        self.forget(shard);
    }

    fn ready(&self, shard: usize, connections: &mut Vec<Connection>) {
        self.scheduler.shard(shard).extend(connections);
        // After the end no thread takes them.
        connections.drain(..).for_each(|connection| self.end(connection));
    }

    fn listener_closed(&self) {
        self.shutdown.listener_closed();
    }

    fn shard_is_cut(&self) {
        self.shutdown.shard_is_cut();
    }
}

impl Home for Engine {
    fn join(&self, shard: usize, joining: Joining) {
        self.mail(shard).joining.push(joining);
        self.wakers.wake(shard);
        // After the end no thread takes it.
        if self.scheduler.is_closed() {
            self.mail(shard).joining.empty(|joining| joining.stream.reset_on_close());
        }
    }

    fn leave(&self, shard: usize, token: Token) {
        self.mail(shard).freed.push(token);
    }
}

impl transport::Server for Engine {
    fn wait(self: Arc<Self>, place: &Arc<Place>, hint: u8, timeout: Duration) -> io::Result<()> {
        if self.single.load(Ordering::SeqCst) {
            return self.wait_alone(place, hint, timeout);
        }
        assign::about_to_wait(&self);
        if !place.wait(hint, timeout) {
            return Err(io::ErrorKind::TimedOut.into());
        }
        if place.is_cut() { Err(io::ErrorKind::ConnectionAborted.into()) } else { Ok(()) }
    }

    fn notify(self: Arc<Self>, place: &Arc<Place>) {
        let Some(connection) = place.wake(NOTICE) else {
            // The only thread may be polling for it.
            if self.single.load(Ordering::SeqCst) {
                self.wakers.wake(0);
            }
            return;
        };
        match self.scheduler.shard(place.shard).put(connection) {
            Ok(true) => self.wakers.wake(place.shard),
            Ok(false) => {}
            // After the end no thread takes it. Dropping it runs user code, which may need a lock that the caller holds.
            Err(connection) => {
                let _ = self.spawn("basehttp-end", |engine| engine.end(connection));
            }
        }
    }

    fn free_room(&self, place: &Arc<Place>) {
        place.wake_waiting(ROOM);
        // The thread that waits for it may be polling.
        if self.single.load(Ordering::SeqCst) {
            self.wakers.wake(0);
        }
    }

    fn counters(&self, shard: usize) -> &Counters {
        self.shutdown.counters(shard)
    }

    fn is_last_request(&self) -> bool {
        self.single.load(Ordering::SeqCst) || self.shutdown.is_stopping()
    }

    fn is_stopping(&self) -> bool {
        self.shutdown.is_stopping()
    }

    fn log(&self) -> &Log {
        &self.log
    }
}
