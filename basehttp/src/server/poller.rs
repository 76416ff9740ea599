//! The poller of a shard, with everything that only its holder touches: the table, the deadlines, the listeners. It is in
//! the shard's slot unless a thread is polling.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::time::{Duration, Instant};

use mio::event::Event;
use mio::{Events, Poll, Token};

use super::acceptor::Acceptor;
use super::control::Control;
use super::counters::Refused;
use super::far_socket::Joining;
use super::listener::Stream;
use super::log::Log;
use super::mailbox::{Arrival, Mailbox};
use super::table::{Connection, Place, Table};
use super::time::{NEVER, millis};
use super::token::{GONE, NOTICE, READ, READ_CLOSED, SHARDS, URGENT, WAKER, WRITE, listener_number};
use crate::handler::Address;
use crate::sync::{Arc, Ordering};

/// What the poller needs from the server.
pub(super) trait Server {
    fn mailbox(&self, shard: usize) -> &Mailbox;

    /// An instant on the engine's clock.
    fn time_of(&self, instant: Instant) -> u64;

    fn log(&self) -> &Log;

    fn is_stopping(&self) -> bool;

    fn is_cutting(&self) -> bool;

    /// A stream was accepted. It is given to another shard, whose poller finds it in its mailbox, or is returned to be
    /// opened here.
    fn accepted(&self, stream: Stream, address: Address) -> Option<Arrival>;

    /// Makes a connection from a stream, and parks it until its client sends something. Returns it if it has something to do
    /// already.
    fn begin(
        self: &Arc<Self>,
        stream: Arc<Stream>,
        place: &Arc<Place>,
        address: Address,
        refused: Option<Refused>,
    ) -> Option<Connection>;

    /// An accepted stream could not be registered.
    fn lost(&self, shard: usize, error: &io::Error);

    /// Puts ready connections into the queue of a shard.
    fn ready(&self, shard: usize, connections: &mut Vec<Connection>);

    /// All listeners are closed, and the connections that the system had queued were taken.
    fn listener_closed(&self);

    /// All connections of a shard are cut.
    fn shard_is_cut(&self);
}

pub(super) struct Poller {
    shard: usize,
    poll: Poll,
    events: Events,
    table: Table,
    /// In shard 0, until the server is shut down.
    acceptor: Option<Acceptor>,
    /// When to look at which connection's deadline.
    timers: BinaryHeap<Reverse<(u64, usize)>>,
    /// Ready connections on their way into the queue.
    ready: Vec<Connection>,
    /// When this poller noticed that the server is stopping.
    stopping_since: Option<Instant>,
    has_cut: bool,
    /// In shard 0: the pollers of other shards.
    others: Box<[Other]>,
    pub(super) control: Control,
}

/// The poller of another shard, as the one of shard 0 sees it.
#[derive(Clone, Copy, Default)]
struct Other {
    /// Its events are reported here as well.
    is_attended: bool,
    /// It may have events.
    has_events: bool,
    descriptor: RawDescriptor,
}

/// macOS refuses to sleep for years. Waking up once a day is harmless.
const LONGEST_SLEEP: Duration = Duration::from_secs(86_400);

/// The timers are purged only if they exceed twice the number of connections by more than this.
const SPARE_TIMERS: usize = 1024;

/// How often another shard is polled whose events the system cannot report here, for lack of memory.
const UNTOLD: Duration = Duration::from_millis(10);

/// How many events are taken at a time.
const EVENTS: usize = 256;

impl Poller {
    /// Makes the poller of one shard. Only the first one gets the acceptor.
    pub(super) fn new(
        shard: usize,
        poll: Poll,
        acceptor: Option<Acceptor>,
        shards: usize,
        compute_threads: usize,
    ) -> Self {
        Self {
            shard,
            poll,
            events: Events::with_capacity(EVENTS),
            table: Table::new(shard),
            acceptor,
            timers: BinaryHeap::new(),
            ready: Vec::new(),
            stopping_since: None,
            has_cut: false,
            others: if shard == 0 { vec![Other::default(); shards].into() } else { Box::default() },
            control: Control::new(compute_threads),
        }
    }

    /// Polls once, for `most` at the longest, here and in the attended shards, and puts ready connections into their queues.
    pub(super) fn poll<S: Server>(
        &mut self,
        server: &Arc<S>,
        attended: &mut [(usize, Box<Self>)],
        most: Option<Duration>,
    ) -> io::Result<()> {
        let is_told = self.attend(attended);
        // If the system does not report the other shards' events here, they are polled now and then.
        let most = if is_told { most } else { Some(most.map_or(UNTOLD, |most| most.min(UNTOLD))) };
        let began = Instant::now();
        let mut timeout = self.prepare(&**server, began, most);
        for (_, poller) in &mut *attended {
            let other = poller.prepare(&**server, began, most);
            timeout = [timeout, other].into_iter().flatten().min();
        }
        if is_told && self.others.iter().any(|other| other.has_events) {
            timeout = Some(Duration::ZERO);
        }
        let mut now = began;
        if timeout == Some(Duration::ZERO) {
            self.wait(timeout)?;
        } else {
            let told = self.wait(timeout);
            now = Instant::now();
            self.control.slept(now - began);
            told?;
        }
        for event in &self.events {
            let place = SHARDS.wrapping_sub(event.token().0);
            if let Some(other) = self.others.get_mut(place) {
                other.has_events = true;
            }
        }
        // Shard 0 first: the connections that it accepts for the others reach them in the same round.
        self.harvest(server, now);
        for (shard, poller) in &mut *attended {
            let Some(other) = self.others.get_mut(*shard) else { continue };
            if std::mem::take(&mut other.has_events) {
                let is_complete = poller.wait(Some(Duration::ZERO))?;
                // The system reports only once that there are events.
                other.has_events = !is_complete || poller.events.iter().count() >= EVENTS;
            } else {
                poller.events.clear();
            }
            poller.harvest(server, now);
        }
        Ok(())
    }

    /// Makes the events of these shards, and of no others, be reported here. False if the system cannot.
    fn attend(&mut self, attended: &[(usize, Box<Self>)]) -> bool {
        let mut is_told = true;
        for shard in 1..self.others.len() {
            let inner = attended.iter().find(|(other, _)| *other == shard);
            let Some(other) = self.others.get_mut(shard) else { continue };
            match inner {
                Some((_, inner)) if !other.is_attended => {
                    let descriptor = descriptor(&inner.poll);
                    let is_attended = nest(&self.poll, descriptor, shard).is_ok();
                    *other = Other { is_attended, has_events: true, descriptor };
                    is_told &= is_attended;
                }
                None => {
                    if other.is_attended {
                        unnest(&self.poll, other.descriptor);
                    }
                    *other = Other::default();
                }
                _ => {}
            }
        }
        is_told
    }

    /// Takes what other threads have left, and returns how long the sleep may last. From now on a thread that needs a
    /// shorter sleep wakes it.
    fn prepare(&mut self, server: &impl Server, now: Instant, most: Option<Duration>) -> Option<Duration> {
        self.take_mail(server);
        let now = server.time_of(now);
        let timeout = self.timeout(now, most);
        if timeout == Some(Duration::ZERO) {
            return timeout;
        }
        let wake = timeout.map_or(NEVER, |timeout| now.saturating_add(millis(timeout)));
        server.mailbox(self.shard).timers.fall_asleep(wake);
        let timeout = if self.take_mail(server) { self.timeout(now, most) } else { timeout };
        if server.mailbox(self.shard).arrivals.has_some() { Some(Duration::ZERO) } else { timeout }
    }

    /// Waits for events. False if it was interrupted, so that there may be some.
    fn wait(&mut self, timeout: Option<Duration>) -> io::Result<bool> {
        match self.poll.poll(&mut self.events, timeout) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Puts connections that have events, or whose deadlines have passed, into the queue.
    fn harvest<S: Server>(&mut self, server: &Arc<S>, now: Instant) {
        server.mailbox(self.shard).timers.wake_up();
        for event in &self.events {
            let token = event.token();
            if let Some(number) = listener_number(token) {
                self.acceptor.iter_mut().for_each(|acceptor| acceptor.is_ready(number));
            } else if token != WAKER {
                self.ready.extend(self.table.get(token).and_then(|place| place.wake(hints(event))));
            }
        }
        self.take_mail(&**server);
        self.accept(server);
        self.open_arrivals(server);
        self.open_joining(&**server);
        self.expire(&**server, now);
        if server.is_stopping() {
            self.stop(&**server);
        }
        if server.is_cutting() {
            self.cut(&**server);
        }
        server.ready(self.shard, &mut self.ready);
    }

    /// Takes what the holders of connections have left for the holder of the table. True if there was something.
    fn take_mail(&mut self, server: &impl Server) -> bool {
        let mailbox = server.mailbox(self.shard);
        let before = (self.table.len(), self.timers.len());
        mailbox.freed.empty(|token| self.table.remove(token));
        mailbox.timers.take(|timer| self.timers.push(Reverse(timer)));
        if (self.table.len(), self.timers.len()) == before {
            return false;
        }
        // A descriptor may have become free.
        if self.table.len() < before.0 {
            self.acceptor.iter_mut().for_each(Acceptor::has_room);
        }
        // Connections that are over leave their timers behind.
        if self.timers.len() > 2 * self.table.len() + SPARE_TIMERS {
            let table = &self.table;
            self.timers.retain(|Reverse((time, token))| {
                table.get(Token(*token)).is_some_and(|place| place.is_scheduled(*time))
            });
        }
        true
    }

    fn timeout(&self, now: u64, most: Option<Duration>) -> Option<Duration> {
        let next =
            self.timers.peek().map(|Reverse((time, _))| Duration::from_millis(time.saturating_sub(now)));
        let retry = self.acceptor.as_ref().and_then(Acceptor::patience);
        [most, next, retry].into_iter().flatten().min().map(|time| time.min(LONGEST_SLEEP))
    }

    /// Accepts new connections.
    fn accept<S: Server>(&mut self, server: &Arc<S>) {
        let Some(acceptor) = &mut self.acceptor else { return };
        let mut own = Vec::new();
        acceptor.accept(server.log(), |stream, address| {
            own.extend(server.accepted(stream, address));
        });
        for arrival in own {
            self.open(server, arrival);
        }
    }

    fn open_arrivals<S: Server>(&mut self, server: &Arc<S>) {
        let mut arrivals = Vec::new();
        server.mailbox(self.shard).arrivals.empty(|arrival| arrivals.push(arrival));
        for arrival in arrivals {
            self.open(server, arrival);
        }
    }

    fn open<S: Server>(&mut self, server: &Arc<S>, arrival: Arrival) {
        let Arrival { mut stream, address, refused } = arrival;
        // The token must be known before the stream is registered, and the place before the stream is shared.
        let token = self.table.next_token();
        if let Err(error) = stream.register(self.poll.registry(), token) {
            return server.lost(self.shard, &error);
        }
        let stream = Arc::new(stream);
        let place = self.table.insert(Arc::downgrade(&stream));
        self.ready.extend(server.begin(stream, &place, address, refused));
    }

    /// Registers the sockets with which connections are joined.
    fn open_joining(&mut self, server: &impl Server) {
        let mut joining = Vec::new();
        server.mailbox(self.shard).joining.empty(|socket| joining.push(socket));
        for Joining { mut stream, link } in joining {
            if link.is_given_up() {
                stream.reset_on_close();
                continue;
            }
            let token = self.table.next_token();
            let registered = if self.table.has_room() {
                stream.register(self.poll.registry(), token)
            } else {
                Err(io::ErrorKind::OutOfMemory.into())
            };
            if registered.is_err() {
                // An orderly end would look like an answer.
                stream.reset_on_close();
            }
            let opened = registered.map(|()| {
                let stream = Arc::new(stream);
                let place = self.table.insert_beside(Arc::downgrade(&stream), Some(link.near().clone()));
                (stream, place)
            });
            match link.arrived(opened) {
                Ok(connection) => self.ready.extend(connection),
                Err(place) => self.table.remove(place.token),
            }
        }
    }

    /// Puts connections whose deadlines have passed into the queue. They are tried once more there, and are late only after
    /// that.
    fn expire(&mut self, server: &impl Server, now: Instant) {
        if self.timers.is_empty() {
            return;
        }
        let now = server.time_of(now);
        while let Some(Reverse((time, token))) = self.timers.peek().copied() {
            if time > now {
                break;
            }
            self.timers.pop();
            let Some(place) = self.table.get(Token(token)) else { continue };
            // Another timer stands for it.
            if !place.unschedule(time) {
                continue;
            }
            let deadline = place.deadline.load(Ordering::SeqCst);
            if deadline > now {
                if deadline != NEVER && place.schedule(deadline) {
                    self.timers.push(Reverse((deadline, token)));
                }
                continue;
            }
            // If a thread has it, that thread parks it with a new deadline.
            if let Some(mut connection) = place.take() {
                // Its input may be among events that were not taken yet, so it really tries to read.
                place.hint(READ);
                // It may have been away and back since its deadline was read.
                connection.expired = place.deadline.load(Ordering::SeqCst) <= now;
                self.ready.push(connection);
            }
        }
    }

    /// Gives each waiting connection, once, a turn in which it may end. Stops listening.
    fn stop(&mut self, server: &impl Server) {
        if let Some(since) = self.stopping_since {
            let is_taken = |acceptor: &Acceptor| !acceptor.is_pending() || since.elapsed() >= STOPPING;
            if self.acceptor.take_if(|acceptor| is_taken(acceptor)).is_some() {
                server.listener_closed();
            }
            return;
        }
        self.stopping_since = Some(Instant::now());
        // The connections that the system has queued were accepted for the clients already: the next polls take them.
        self.acceptor.iter_mut().for_each(Acceptor::all_are_ready);
        for place in self.table.places() {
            match place.take() {
                Some(connection) => self.ready.push(connection),
                // An override of `handle` that waits for its next request checks for it once more, and for the shutdown.
                None => place.wake_waiting(READ | NOTICE),
            }
        }
    }

    /// Ends all connections, whichever thread has them.
    fn cut(&mut self, server: &impl Server) {
        for place in self.table.places() {
            place.cut();
            self.ready.extend(place.take());
        }
        if !std::mem::replace(&mut self.has_cut, true) {
            server.shard_is_cut();
        }
    }

    pub(super) fn places(&self) -> impl Iterator<Item = &Arc<Place>> {
        self.table.places()
    }
}

/// How long a stopping server takes connections that the system has queued. Without a limit, new ones could keep it busy.
const STOPPING: Duration = Duration::from_secs(1);

fn hints(event: &Event) -> u8 {
    let mut hints = 0;
    if event.is_readable() {
        hints |= READ;
    }
    if event.is_writable() {
        hints |= WRITE;
    }
    if event.is_priority() {
        hints |= READ | URGENT;
    }
    // An error is found by a read or a write.
    if event.is_read_closed() || event.is_error() {
        hints |= READ | READ_CLOSED;
    }
    if event.is_write_closed() || event.is_error() {
        hints |= WRITE | GONE;
    }
    hints
}

/// Makes the outer poller report when the inner one has events: a set of descriptors is a descriptor as well.
#[cfg(unix)]
fn nest(outer: &Poll, inner: RawDescriptor, shard: usize) -> io::Result<()> {
    let token = Token(SHARDS - shard);
    outer.registry().register(&mut mio::unix::SourceFd(&inner), token, mio::Interest::READABLE)
}

#[cfg(unix)]
fn unnest(outer: &Poll, inner: RawDescriptor) {
    // It fails if it is not registered, which is the desired state.
    let _ = outer.registry().deregister(&mut mio::unix::SourceFd(&inner));
}

#[cfg(unix)]
fn descriptor(poll: &Poll) -> RawDescriptor {
    std::os::fd::AsRawFd::as_raw_fd(poll)
}

#[cfg(unix)]
type RawDescriptor = std::os::fd::RawFd;

/// Other systems have one shard.
#[cfg(not(unix))]
fn nest(_outer: &Poll, _inner: RawDescriptor, _shard: usize) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(not(unix))]
fn unnest(_outer: &Poll, _inner: RawDescriptor) {}

#[cfg(not(unix))]
fn descriptor(_poll: &Poll) -> RawDescriptor {}

#[cfg(not(unix))]
type RawDescriptor = ();
