//! The poller with all that only its holder touches: the table, the listener, the deadlines. It lies in the engine's slot
//! except while somebody polls.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use mio::event::Event;
use mio::{Events, Poll, Token};

use super::engine::Engine;
use super::listener::{Listener, Stream};
use super::log::Repeated;
use super::table::{Connection, NEVER, Place, READ, READ_CLOSED, Table, WRITE};
use crate::handler::wire::Want;

pub(super) const LISTENER: Token = Token(usize::MAX);
pub(super) const WAKER: Token = Token(usize::MAX - 1);

pub(super) struct Core {
    poll: Poll,
    events: Events,
    table: Table,
    /// None after the server was shut down.
    listener: Option<Listener>,
    accept: Accept,
    /// That it failed, and that there are too many.
    failed: Repeated,
    full: Repeated,
    /// Since when there was no success.
    failing_since: Option<Instant>,
    /// A descriptor in reserve: where there are none left, it is given up to take a connection, and to refuse it.
    spare: Option<File>,
    /// When to look at whose deadline.
    timers: BinaryHeap<Reverse<(u64, usize)>>,
    /// What is ready, on its way into the queue.
    ready: Vec<Connection>,
}

/// What the listener has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Accept {
    Nothing,
    /// Connections that were not taken yet: the poller does not tell of them again.
    Pending,
    /// As before, and the last try failed.
    Failing,
}

/// macOS refuses to sleep for years. To look at the clock once a day harms nobody.
const LONGEST_SLEEP: Duration = Duration::from_secs(86_400);

/// So many timers more than connections are no reason to look through them.
const SPARE_TIMERS: usize = 1024;

/// How many events and how many new connections are taken at a time.
const EVENTS: usize = 256;
const ACCEPTS: usize = 64;

/// How long clients are left waiting for a descriptor.
const SHED_AFTER: Duration = Duration::from_secs(2);

/// How soon a failed `accept` is tried again. Mostly it failed for lack of descriptors, and no event tells when there
/// are some.
const ACCEPT_RETRY: Duration = Duration::from_millis(50);

impl Core {
    pub(super) fn new(poll: Poll, mut listener: Listener) -> io::Result<Self> {
        listener.register(poll.registry(), LISTENER)?;
        Ok(Self {
            poll,
            events: Events::with_capacity(EVENTS),
            table: Table::default(),
            listener: Some(listener),
            accept: Accept::Pending,
            failed: Repeated::default(),
            full: Repeated::default(),
            failing_since: None,
            spare: spare(),
            timers: BinaryHeap::new(),
            ready: Vec::new(),
        })
    }

    /// Polls once, for `most` at the longest, and puts what is ready into the queue.
    pub(super) fn poll(&mut self, engine: &Arc<Engine>, most: Option<Duration>) -> io::Result<()> {
        self.take_news(engine);
        let now = engine.now();
        let mut timeout = self.timeout(now, most);
        if timeout != Some(Duration::ZERO) {
            let wake = timeout.map_or(NEVER, |timeout| now + millis(timeout));
            engine.timers.fall_asleep(wake);
            if self.take_news(engine) {
                timeout = self.timeout(now, most);
            }
        }
        match self.poll.poll(&mut self.events, timeout) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
            _ => {}
        }
        if timeout != Some(Duration::ZERO) {
            engine.timers.wake_up();
        }
        for event in &self.events {
            match event.token() {
                LISTENER => self.accept = Accept::Pending,
                WAKER => {}
                token => {
                    self.ready.extend(self.table.get(token).and_then(|place| place.wake(hints(event))));
                }
            }
        }
        self.take_news(engine);
        self.take_connections(engine);
        self.expire(engine);
        if engine.is_stopping() {
            self.stop(engine);
        }
        if engine.shutdown.is_cutting() {
            self.cut(engine);
        }
        engine.shift.extend(&mut self.ready);
        // Nobody takes them after the end.
        self.ready.drain(..).for_each(|connection| engine.end(connection));
        Ok(())
    }

    /// What the holders of connections have left for the holder of the table. True if there was something.
    fn take_news(&mut self, engine: &Engine) -> bool {
        let before = (self.table.len(), self.timers.len());
        engine.freed.empty(|token| self.table.remove(token));
        engine.timers.take(|timer| self.timers.push(Reverse(timer)));
        if (self.table.len(), self.timers.len()) == before {
            return false;
        }
        // There may be a descriptor again.
        if self.table.len() < before.0 && self.accept == Accept::Failing {
            self.accept = Accept::Pending;
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
        let retry = match self.accept {
            Accept::Nothing => None,
            Accept::Pending => Some(Duration::ZERO).filter(|_| self.listener.is_some()),
            Accept::Failing => Some(ACCEPT_RETRY).filter(|_| self.listener.is_some()),
        };
        [most, next.map(|next| next.min(LONGEST_SLEEP)), retry].into_iter().flatten().min()
    }

    fn take_connections(&mut self, engine: &Arc<Engine>) {
        if self.accept == Accept::Nothing {
            return;
        }
        for _ in 0..ACCEPTS {
            let Some(listener) = &self.listener else { return };
            match listener.accept() {
                Ok((stream, address)) => {
                    self.accept = Accept::Pending;
                    self.failing_since = None;
                    let opened = self.open(engine, stream, address);
                    // Mostly nothing has come yet. A client that says nothing needs no handler, and no thread to make it.
                    let ready = opened.and_then(|connection| {
                        if connection.newcomer.is_some() || connection.session.speaks_first() {
                            return Some(connection);
                        }
                        engine.park(connection, Want::Input, engine.first_patience(), engine.now())
                    });
                    self.ready.extend(ready);
                }
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock => {
                        self.accept = Accept::Nothing;
                        return;
                    }
                    // The client went away while it was queued.
                    io::ErrorKind::Interrupted | io::ErrorKind::ConnectionAborted => {}
                    _ => return self.accept_failed(engine, &error),
                },
            }
        }
    }

    /// Mostly there is no descriptor left, and soon there will be one. When that takes long, clients are told, with the
    /// spare one, by a closed connection, rather than left waiting in the queue of the system.
    fn accept_failed(&mut self, engine: &Engine, error: &io::Error) {
        self.failed.tell(&engine.log, || format!("cannot take connections, trying on: {error}"));
        self.accept = Accept::Failing;
        let failing_since = *self.failing_since.get_or_insert_with(Instant::now);
        let sheds = failing_since.elapsed() >= SHED_AFTER && self.spare.take().is_some();
        if let (true, Some(listener)) = (sheds, &self.listener) {
            drop(listener.accept());
        }
        self.spare = self.spare.take().or_else(spare);
    }

    fn open(
        &mut self,
        engine: &Arc<Engine>,
        mut stream: Stream,
        address: crate::handler::Address,
    ) -> Option<Connection> {
        let full = self.table.len() >= engine.max_connections();
        if full {
            self.full.tell(&engine.log, || {
                let most = engine.max_connections();
                format!("{most} connections are open (max_connections); a further one is answered 503")
            });
        }
        // It would take a handshake to tell a client of TLS.
        if self.table.len() >= engine.max_connections() + REFUSALS || (full && engine.settings.is_tls()) {
            engine.shutdown.counters.refused.add(1);
            return None;
        }
        // The token has to be known before the stream is registered, and the place before it is shared.
        let token = self.table.next_token();
        stream.register(self.poll.registry(), token).ok()?;
        let stream = Arc::new(stream);
        let place = self.table.insert(Arc::downgrade(&stream));
        Some(engine.connection(stream, &place, address, full))
    }

    /// Gives the connections whose time is over into the queue. They are tried once more there: only after that are
    /// they late.
    fn expire(&mut self, engine: &Engine) {
        let now = engine.now();
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
            // Where somebody has it, that one lays it down with a new deadline.
            if let Some(mut connection) = place.take() {
                // What has come may be among the events that were not taken yet, so it reads for real.
                place.hint(READ);
                // It may have been away and back since its deadline was read.
                connection.expired = place.deadline.load(Ordering::SeqCst) <= now;
                self.ready.push(connection);
            }
        }
    }

    /// Stops listening, once, and gives every connection that waits the turn in which it may end.
    fn stop(&mut self, engine: &Arc<Engine>) {
        if self.listener.is_none() {
            return;
        }
        // What the system has queued was promised to somebody.
        self.accept = Accept::Pending;
        while self.accept == Accept::Pending {
            let before = self.table.len();
            self.take_connections(engine);
            if self.table.len() == before {
                break;
            }
        }
        self.listener = None;
        for place in self.table.places() {
            match place.take() {
                Some(connection) => self.ready.push(connection),
                // An override of `handle` that waits for its next request looks for it once more, and for the shutdown.
                None => place.nudge(),
            }
        }
        engine.shutdown.listener_closed();
    }

    /// Ends all connections, whoever has them.
    fn cut(&mut self, engine: &Engine) {
        for place in self.table.places() {
            place.cut();
            self.ready.extend(place.take());
        }
        engine.shutdown.all_cut();
    }

    pub(super) fn places(&self) -> impl Iterator<Item = &Arc<Place>> {
        self.table.places()
    }
}

/// How many connections beyond the most are told so at a time; others are closed.
const REFUSALS: usize = 64;

fn hints(event: &Event) -> u8 {
    let mut hints = 0;
    if event.is_readable() {
        hints |= READ;
    }
    if event.is_writable() {
        hints |= WRITE;
    }
    // An error is found by a read or a write.
    if event.is_read_closed() || event.is_error() {
        hints |= READ | READ_CLOSED;
    }
    if event.is_write_closed() || event.is_error() {
        hints |= WRITE;
    }
    hints
}

fn spare() -> Option<File> {
    let name = if cfg!(windows) { "NUL" } else { "/dev/null" };
    File::open(name).ok()
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(NEVER)
}
