//! One message to many open responses.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::time::Duration;

use super::broadcast_history::History;
use super::broadcast_settings::{BroadcastBuilder, SlowClients};
use super::connection_io::{HandleEnd, Piece};
use super::event::Event;
use super::event_stream::EventStream;
use super::payload::Payload;
use super::stream::Stream;
use crate::sync::{Arc, AtomicBool, AtomicUsize, Mutex, MutexGuard, Ordering, TryLockError, Weak, lock};

/// Sends messages to all subscribed clients, from any thread. Clones refer to the same broadcast.
///
/// ```
/// use std::io;
/// use basehttp::prelude::*;
/// use basehttp::{Broadcast, Event};
///
/// struct News { base: BaseHTTPRequestHandler, news: Broadcast }
///
/// #[http_handler]
/// impl News {
///     const protocol_version: &str = "HTTP/1.1";
///
///     fn do_GET(&self) -> io::Result<()> {
///         self.news.subscribe(self.event_stream()?)
///     }
///
///     fn do_POST(&self) -> io::Result<()> {
///         let text = String::from_utf8_lossy(&self.read_body(4096)?).into_owned();
///         let count = self.news.send(&Event::new(text))?;
///         self.send_response(200);
///         self.end_headers()?;
///         write!(self.wfile, "{count} have it")
///     }
/// }
///
/// let news = Broadcast::new();
/// let factory = move |base| News { base, news: news.clone() };
/// // A program calls `HTTPServer::bind("127.0.0.1:8000", factory)?.serve_forever()`.
/// # let post = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi";
/// # assert_eq!(basehttp::testing::respond(factory, post)[0].text(), "0 have it");
/// ```
///
/// - **Order.** All clients get messages from several threads in the same order. A message is encoded once.
/// - **A client that returns** gets what it missed, from a bounded [history](BroadcastBuilder::history). No message is lost
///   between the history and live delivery, and none arrives twice. If its id is not in the history, because it is from an
///   earlier run of the program for example, the client gets the whole history. A new client gets only messages sent from
///   then on.
/// - **A client that leaves** leaves no trace and no log line. [Heartbeats](BroadcastBuilder::heartbeat) find clients that
///   have vanished.
/// - **A slow client** delays no other. Its unsent output is bounded by
///   [`write_high_water`](crate::ServerBuilder::write_high_water); beyond that it is [dropped or misses
///   messages](BroadcastBuilder::slow_clients).
/// - **No thread** is tied to a client, and a new client does not wait while a message is delivered to ten thousand others.
///
/// [`add`](Self::add) takes other streams, such as a camera's, to which [`send_bytes`](Self::send_bytes) sends.
/// [`close`](Self::close), or dropping the last clone, completes all responses.
#[doc(alias("publish", "pubsub"))]
#[derive(Clone)]
pub struct Broadcast(Arc<Shared>);

struct Shared {
    settings: BroadcastBuilder,
    /// Precedes message numbers, so that ids of an earlier run are not ids of this one.
    prefix: String,
    /// Clients whose responses have not ended.
    members: AtomicUsize,
    /// Clients in one of the lists.
    listed: AtomicUsize,
    /// Locked briefly, also while a connection is locked.
    state: Mutex<State>,
    /// Locked while a message is delivered to all, and before `state`. Connections are locked while it is held.
    delivery: Mutex<Delivery>,
}

#[derive(Default)]
struct State {
    history: History,
    /// Clients that joined since the last message. They get the next one too.
    joiners: Vec<Arc<Client>>,
    is_closed: bool,
}

#[derive(Default)]
struct Delivery {
    clients: Vec<Arc<Client>>,
    /// The number of the last message that was given an id.
    number: u64,
}

struct Client {
    stream: Stream,
    takes: Kind,
    /// The log has reported that it is slow.
    was_told: AtomicBool,
}

/// What a client has subscribed to: raw bytes between events would corrupt the event stream.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Events,
    Bytes,
}

/// Work that waits until no lock of the broadcast is held: ending a response may drop the last reference to a handler, and a
/// notice may wake another thread.
#[derive(Default)]
struct Aftermath {
    to_notify: Vec<Arc<Client>>,
    slow: Vec<Arc<Client>>,
    slow_to_drop: Vec<Arc<Client>>,
    gone: Vec<Arc<Client>>,
}

/// Dropped when a client's response has ended, for any reason.
struct Departure(Weak<Shared>);

impl BroadcastBuilder {
    /// Builds the broadcast.
    #[must_use]
    pub fn build(self) -> Broadcast {
        Broadcast(Arc::new(Shared {
            settings: self,
            prefix: format!("{:012x}", RandomState::new().hash_one("broadcast") & 0xffff_ffff_ffff),
            members: AtomicUsize::new(0),
            listed: AtomicUsize::new(0),
            state: Mutex::default(),
            delivery: Mutex::default(),
        }))
    }
}

impl Broadcast {
    /// A broadcast with the default settings.
    #[must_use]
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// A builder for a broadcast with other settings.
    pub fn builder() -> BroadcastBuilder {
        BroadcastBuilder::DEFAULT
    }

    /// Adds a client. It gets what it has missed since its [`last_event_id`](EventStream::last_event_id), and all events from
    /// now on. Make this the last call of the method: if the method blocks after it, so do messages to all. A client that
    /// has already gone is not an error. After [`close`](Self::close), the response ends at once.
    ///
    /// # Errors
    /// [`QuotaExceeded`](io::ErrorKind::QuotaExceeded) if there are already [`max_clients`](BroadcastBuilder::max_clients).
    /// The response has begun by then, and is cut if the method returns the error: a browser retries some seconds later. To
    /// answer in another way, call [`is_full`](Self::is_full) first.
    pub fn subscribe(&self, events: EventStream) -> io::Result<()> {
        let shared = &self.0;
        let departure = shared.admit()?;
        events.heartbeat(shared.settings.heartbeat);
        let (stream, last) = events.into_parts();
        shared.join(stream, Kind::Events, departure, last.as_deref());
        Ok(())
    }

    /// Adds a client that gets what [`send_bytes`](Self::send_bytes) sends from now on, and no events. Make this the last
    /// call of the method. The response ends without a log line when the client goes or the server shuts down.
    ///
    /// # Errors
    /// As for [`subscribe`](Self::subscribe).
    pub fn add(&self, stream: Stream) -> io::Result<()> {
        let departure = self.0.admit()?;
        stream.0.end_with_client();
        self.0.join(stream, Kind::Bytes, departure, None);
        Ok(())
    }

    /// Sends an event to all subscribers without waiting, and returns how many got it. If the event has no id, it gets one.
    ///
    /// # Errors
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) if the event cannot be encoded. Then no client gets it.
    pub fn send(&self, event: &Event) -> io::Result<usize> {
        let shared = &self.0;
        let mut delivery = lock(&shared.delivery);
        let keeps = shared.settings.history_events > 0;
        let assigned =
            (keeps && event.own_id().is_none()).then(|| format!("{}-{}", shared.prefix, delivery.number + 1));
        let message = Payload::from(event.encode(assigned.as_deref())?);
        delivery.number += u64::from(assigned.is_some());
        {
            let mut state = lock(&shared.state);
            if state.is_closed {
                return Ok(0);
            }
            if keeps {
                let id = assigned.or_else(|| event.own_id().map(str::to_owned)).unwrap_or_default();
                let BroadcastBuilder { history_events, history_bytes, .. } = shared.settings;
                state.history.keep(id, message.clone(), history_events, history_bytes);
            }
            // Clients that join from now on find the event in the history; those that joined before get it here.
            delivery.clients.append(&mut state.joiners);
        }
        let policy = shared.settings.slow_clients.unwrap_or(SlowClients::Drop);
        Ok(shared.deliver(delivery, &message, Kind::Events, policy))
    }

    /// Sends bytes to all clients that were [added](Self::add), without waiting, and returns how many got them. The bytes are
    /// shared, so a picture is in memory once for any number of clients.
    pub fn send_bytes(&self, bytes: impl Into<Payload>) -> usize {
        let message = bytes.into();
        let mut delivery = lock(&self.0.delivery);
        delivery.clients.append(&mut lock(&self.0.state).joiners);
        let policy = self.0.settings.slow_clients.unwrap_or(SlowClients::Skip);
        self.0.deliver(delivery, &message, Kind::Bytes, policy)
    }

    /// How many clients there are. A client that goes is no longer counted once its connection has noticed.
    pub fn len(&self) -> usize {
        self.0.members.load(Ordering::Relaxed)
    }

    /// Whether there are no clients.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the limit of clients is reached, so that the next one is refused.
    pub fn is_full(&self) -> bool {
        self.len() >= self.0.settings.max_clients
    }

    /// Completes the responses of all clients, and of those that come later. Browsers reconnect after that; they give up if
    /// the handler answers 204 when [`is_closed`](Self::is_closed).
    pub fn close(&self) {
        let mut delivery = lock(&self.0.delivery);
        let mut clients = std::mem::take(&mut delivery.clients);
        let mut state = lock(&self.0.state);
        state.is_closed = true;
        clients.append(&mut state.joiners);
        let history = std::mem::take(&mut state.history);
        drop(state);
        drop(delivery);
        self.0.listed.fetch_sub(clients.len(), Ordering::Relaxed);
        drop((clients, history));
    }

    /// Whether the broadcast was closed.
    pub fn is_closed(&self) -> bool {
        lock(&self.0.state).is_closed
    }
}

impl Shared {
    /// Counts a client, unless the limit is reached.
    fn admit(self: &Arc<Self>) -> io::Result<Departure> {
        let most = self.settings.max_clients;
        let more = |count: usize| (count < most).then_some(count + 1);
        self.members.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).map_err(|_| {
            let text = format!(
                "the broadcast already has {most} clients: raise max_clients of its builder, \
                 or ask is_full() before the response begins"
            );
            io::Error::new(io::ErrorKind::QuotaExceeded, text)
        })?;
        Ok(Departure(Arc::downgrade(self)))
    }

    /// Adds a client and sends it what it has missed. Its connection stays locked from the look at the history until that is
    /// sent, so messages sent to all meanwhile come after it.
    fn join(&self, stream: Stream, takes: Kind, departure: Departure, last: Option<&str>) {
        stream.0.follow(departure);
        let client = Arc::new(Client { stream, takes, was_told: AtomicBool::new(false) });
        let sent = client.stream.0.send_found(|| {
            let mut state = lock(&self.state);
            if state.is_closed {
                return "".into();
            }
            self.listed.fetch_add(1, Ordering::Relaxed);
            state.joiners.push(client.clone());
            last.map_or_else(|| "".into(), |last| state.history.since(last))
        });
        match sent {
            Ok(sent) if sent.needs_notice => client.stream.0.notify(),
            Ok(_) => {}
            // The client must not continue with a gap.
            Err(_) => client.stream.0.give_up(HandleEnd::Aborted),
        }
    }

    /// Sends a message to the clients that subscribed to its kind.
    fn deliver(
        &self,
        mut delivery: MutexGuard<'_, Delivery>,
        message: &Payload,
        kind: Kind,
        policy: SlowClients,
    ) -> usize {
        let mut aftermath = Aftermath::default();
        let mut count = 0;
        let before = delivery.clients.len();
        delivery.clients.retain(|client| {
            if client.takes != kind {
                return true;
            }
            match client.stream.0.send_quietly(Piece::Payload(message), Duration::ZERO) {
                Ok(sent) => {
                    count += 1;
                    if sent.needs_notice {
                        aftermath.to_notify.push(client.clone());
                    }
                    true
                }
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => {
                    aftermath.gone.push(client.clone());
                    false
                }
                Err(_) if policy == SlowClients::Drop => {
                    aftermath.slow_to_drop.push(client.clone());
                    false
                }
                Err(_) => {
                    if !client.was_told.swap(true, Ordering::Relaxed) {
                        aftermath.slow.push(client.clone());
                    }
                    true
                }
            }
        });
        self.listed.fetch_sub(before - delivery.clients.len(), Ordering::Relaxed);
        drop(delivery);
        aftermath.settle();
        self.forget_gone();
        count
    }

    /// Called when a client has gone.
    fn depart(&self) {
        self.members.fetch_sub(1, Ordering::Relaxed);
        self.forget_gone();
    }

    /// Removes clients that have gone, once there are many in the lists.
    fn forget_gone(&self) {
        if self.listed.load(Ordering::Relaxed) <= 2 * self.members.load(Ordering::Relaxed) + FEW {
            return;
        }
        let mut delivery = match self.delivery.try_lock() {
            Ok(delivery) => delivery,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return,
        };
        delivery.clients.append(&mut lock(&self.state).joiners);
        let (here, gone): (Vec<_>, Vec<_>) =
            std::mem::take(&mut delivery.clients).into_iter().partition(|client| !client.stream.is_gone());
        delivery.clients = here;
        self.listed.fetch_sub(gone.len(), Ordering::Relaxed);
        drop(delivery);
        drop(gone);
    }
}

/// This many departed clients may always remain in the lists.
const FEW: usize = 16;

impl Aftermath {
    fn settle(self) {
        for client in self.to_notify {
            client.stream.0.notify();
        }
        for client in self.slow {
            client.stream.0.warn(
                "the client reads what is broadcast too slowly, so it misses messages (write_high_water)",
            );
        }
        for client in self.slow_to_drop {
            client.stream.0.warn(
                "the client reads what is broadcast too slowly, so its connection ends (write_high_water)",
            );
            client.stream.0.give_up(HandleEnd::Aborted);
        }
        drop(self.gone);
    }
}

impl Drop for Departure {
    fn drop(&mut self) {
        if let Some(shared) = self.0.upgrade() {
            shared.depart();
        }
    }
}

impl Default for Broadcast {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Broadcast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Broadcast").field("len", &self.len()).finish_non_exhaustive()
    }
}

/// It is `Send` and `Sync`.
const _: fn() = || {
    fn goes_anywhere<T: Send + Sync>() {}
    goes_anywhere::<Broadcast>();
};

#[cfg(test)]
mod tests;
