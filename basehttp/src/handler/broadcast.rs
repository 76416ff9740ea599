//! One message to many responses that go on.

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

/// Sends messages to all clients that have subscribed, from any thread. Clones are the same.
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
/// - **Order.** Messages of several threads come to all clients in the same order. A message is encoded once.
/// - **A client that comes back** gets what it has missed, out of a bounded [history](BroadcastBuilder::history). Between that and what
///   is sent meanwhile nothing is lost, and nothing comes twice. An id that is not in the history, of an earlier run of the program for
///   example, gets all of it. A client that comes for the first time gets what is sent from then on.
/// - **A client that goes** leaves no trace, and no line in the log. One that has vanished is found by
///   [heartbeats](BroadcastBuilder::heartbeat).
/// - **A slow client** holds nobody up. What waits for it is bounded by [`write_high_water`](crate::ServerBuilder::write_high_water); it
///   is then [dropped, or misses messages](BroadcastBuilder::slow_clients).
/// - **No thread** belongs to a client, and a new one does not wait for a message that is on its way to ten thousand others.
///
/// [`add`](Self::add) takes other streams, as those of a camera, to which [`send_bytes`](Self::send_bytes) sends. When the last clone is
/// dropped, or by [`close`](Self::close), all responses end properly.
#[doc(alias("publish", "pubsub"))]
#[derive(Clone)]
pub struct Broadcast(Arc<Shared>);

struct Shared {
    settings: BroadcastBuilder,
    /// Before the numbers of messages, so that an id of an earlier run is not one of this.
    prefix: String,
    /// Clients whose responses have not ended.
    members: AtomicUsize,
    /// Clients in one of the lists.
    listed: AtomicUsize,
    /// Locked for a moment, also while a connection is.
    state: Mutex<State>,
    /// Locked while a message goes to all, and before `state`. Connections are locked while this is.
    delivery: Mutex<Delivery>,
}

#[derive(Default)]
struct State {
    history: History,
    /// Who gets the next message too.
    joiners: Vec<Arc<Client>>,
    is_closed: bool,
}

#[derive(Default)]
struct Delivery {
    clients: Vec<Arc<Client>>,
    /// Of the last message that was given an id.
    number: u64,
}

struct Client {
    stream: Stream,
    takes: Kind,
    /// The log has told that it is slow.
    was_told: AtomicBool,
}

/// What a client has subscribed to: bytes between the lines of events would be no events.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Events,
    Bytes,
}

/// What has to wait until nothing of the broadcast is locked: the end of a response may be the last of a handler, and a notice may have
/// somebody else go on.
#[derive(Default)]
struct Aftermath {
    to_notify: Vec<Arc<Client>>,
    slow: Vec<Arc<Client>>,
    slow_to_drop: Vec<Arc<Client>>,
    gone: Vec<Arc<Client>>,
}

/// Dropped when the response of a client has ended, whatever has ended it.
struct Departure(Weak<Shared>);

impl BroadcastBuilder {
    /// Makes the broadcast.
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
    /// One with the default settings.
    #[must_use]
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// One with settings of its own.
    pub fn builder() -> BroadcastBuilder {
        BroadcastBuilder::DEFAULT
    }

    /// Adds a client, as the last thing that its method does: whatever the method waits for after that, a message to all waits for too. It gets
    /// what it has missed since its [`last_event_id`](EventStream::last_event_id), and all events from now on. Where
    /// it has gone already that is no error; after [`close`](Self::close) its response ends at once.
    ///
    /// # Errors
    /// [`QuotaExceeded`](io::ErrorKind::QuotaExceeded) if there are [`max_clients`](BroadcastBuilder::max_clients). The response has begun,
    /// and is cut where the method returns the error: a browser tries again some seconds later. To answer otherwise, ask [`is_full`](Self::is_full) first.
    pub fn subscribe(&self, events: EventStream) -> io::Result<()> {
        let shared = &self.0;
        let departure = shared.admit()?;
        events.heartbeat(shared.settings.heartbeat);
        let (stream, last) = events.into_parts();
        shared.join(stream, Kind::Events, departure, last.as_deref());
        Ok(())
    }

    /// Adds a client that gets what [`send_bytes`](Self::send_bytes) sends from now on, and no events; as the last thing that its method does. Its response ends by itself, without
    /// a line in the log, when its client goes and when the server is shut down.
    ///
    /// # Errors
    /// As [`subscribe`](Self::subscribe).
    pub fn add(&self, stream: Stream) -> io::Result<()> {
        let departure = self.0.admit()?;
        stream.0.end_with_client();
        self.0.join(stream, Kind::Bytes, departure, None);
        Ok(())
    }

    /// Sends an event to all who have subscribed, and says how many have got it. It does not wait for any of them. Where the event has no
    /// id, it gets one.
    ///
    /// # Errors
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) if the event cannot be sent as it is. Nobody has got it then.
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
            // Who joins from now on finds the event in the history, and who has joined gets it here.
            delivery.clients.append(&mut state.joiners);
        }
        let policy = shared.settings.slow_clients.unwrap_or(SlowClients::Drop);
        Ok(shared.deliver(delivery, &message, Kind::Events, policy))
    }

    /// Sends bytes to all clients that were [added](Self::add), and says how many have got them. They are handed over: a picture is in
    /// memory once, however many get it. It waits for nobody.
    pub fn send_bytes(&self, bytes: impl Into<Payload>) -> usize {
        let message = bytes.into();
        let mut delivery = lock(&self.0.delivery);
        delivery.clients.append(&mut lock(&self.0.state).joiners);
        let policy = self.0.settings.slow_clients.unwrap_or(SlowClients::Skip);
        self.0.deliver(delivery, &message, Kind::Bytes, policy)
    }

    /// How many clients there are. One that goes is missing here as soon as its connection has told that.
    pub fn len(&self) -> usize {
        self.0.members.load(Ordering::Relaxed)
    }

    /// Whether there is no client.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether there are so many clients that the next one is refused.
    pub fn is_full(&self) -> bool {
        self.len() >= self.0.settings.max_clients
    }

    /// Ends the responses of all clients properly, and of those that still come. Browsers come back after that: a handler that answers
    /// them with 204 where [`is_closed`](Self::is_closed) has them give up.
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

    /// Whether it was closed.
    pub fn is_closed(&self) -> bool {
        lock(&self.0.state).is_closed
    }
}

impl Shared {
    /// Counts a client, if there may be one more.
    fn admit(self: &Arc<Self>) -> io::Result<Departure> {
        let most = self.settings.max_clients;
        let more = |count: usize| (count < most).then_some(count + 1);
        self.members.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).map_err(|_| {
            let text = format!(
                "the broadcast has {most} clients, which is all it may have: raise max_clients of its builder, \
                 or ask is_full() before the response begins"
            );
            io::Error::new(io::ErrorKind::QuotaExceeded, text)
        })?;
        Ok(Departure(Arc::downgrade(self)))
    }

    /// Adds a client, and sends it what it has missed. Its connection is locked from the look at the history until that is sent: what is
    /// sent to all meanwhile comes behind it.
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
            // It must not go on with a gap.
            Err(_) => client.stream.0.give_up(HandleEnd::Aborted),
        }
    }

    /// Sends a message to the clients that want it.
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

    /// A client has gone.
    fn depart(&self) {
        self.members.fetch_sub(1, Ordering::Relaxed);
        self.forget_gone();
    }

    /// Looks through the lists, where many in them have gone.
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

/// So many clients that have gone may always be in the lists.
const FEW: usize = 16;

impl Aftermath {
    fn settle(self) {
        for client in self.to_notify {
            client.stream.0.notify();
        }
        for client in self.slow {
            client.stream.0.warn(
                "the client takes what is sent to all too slowly, so it misses messages (write_high_water)",
            );
        }
        for client in self.slow_to_drop {
            client.stream.0.warn(
                "the client takes what is sent to all too slowly, so its connection ends (write_high_water)",
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

/// It goes to any thread.
const _: fn() = || {
    fn goes_anywhere<T: Send + Sync>() {}
    goes_anywhere::<Broadcast>();
};

#[cfg(test)]
mod tests;
