//! Accepts new connections from the listeners.

use std::fs::File;
use std::io;
use std::time::{Duration, Instant};

use mio::Registry;

use super::listener::{Listener, Stream};
use super::log::{Log, Repeated};
use super::token::listener_token;
use crate::handler::Address;

pub(super) struct Acceptor {
    sources: Vec<Source>,
    /// The next listener to be asked.
    next: usize,
    /// A reserved descriptor. When none are left, it is given up to accept a connection and close it.
    spare: Option<File>,
}

/// A listener and its state.
struct Source {
    listener: Listener,
    state: Accept,
    failed: Repeated,
    /// The time of the first failure since the last success.
    failing_since: Option<Instant>,
}

/// What the listener has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Accept {
    Nothing,
    /// Connections that were not accepted yet; the poller does not report them again.
    Pending,
    /// As before, and the last attempt failed.
    Failing,
}

/// How many new connections are accepted at a time, from all listeners together.
const ACCEPTS: usize = 64;

/// How long that may take. Opening the connections takes as long again.
const ACCEPT_TIME: Duration = Duration::from_micros(100);

/// How long clients are left waiting for a descriptor.
const SHED_AFTER: Duration = Duration::from_secs(2);

/// How soon a failed `accept` is tried again. Usually it failed for lack of descriptors, and no event reports when there are
/// some.
const ACCEPT_RETRY: Duration = Duration::from_millis(50);

impl Acceptor {
    pub(super) fn new(listeners: Vec<Listener>, registry: &Registry) -> io::Result<Self> {
        let mut sources = Vec::with_capacity(listeners.len());
        for (number, mut listener) in listeners.into_iter().enumerate() {
            listener.register(registry, listener_token(number))?;
            let state = Accept::Pending;
            sources.push(Source { listener, state, failed: Repeated::default(), failing_since: None });
        }
        Ok(Self { sources, next: 0, spare: open_spare() })
    }

    /// This listener has connections, or may have some.
    pub(super) fn is_ready(&mut self, number: usize) {
        if let Some(source) = self.sources.get_mut(number) {
            source.state = Accept::Pending;
        }
    }

    /// All listeners may have some.
    pub(super) fn all_are_ready(&mut self) {
        self.sources.iter_mut().for_each(|source| source.state = Accept::Pending);
    }

    /// A descriptor has become free.
    pub(super) fn has_room(&mut self) {
        let failing = self.sources.iter_mut().filter(|source| source.state == Accept::Failing);
        failing.for_each(|source| source.state = Accept::Pending);
    }

    /// Whether there may be connections that were not accepted yet, and can be.
    pub(super) fn is_pending(&self) -> bool {
        self.sources.iter().any(|source| source.state == Accept::Pending)
    }

    /// How long the poller may sleep before the next attempt.
    pub(super) fn patience(&self) -> Option<Duration> {
        let patience = |source: &Source| match source.state {
            Accept::Nothing => None,
            Accept::Pending => Some(Duration::ZERO),
            Accept::Failing => Some(ACCEPT_RETRY),
        };
        self.sources.iter().filter_map(patience).min()
    }

    /// Accepts connections, up to a limit: one from each listener in turn, so that none of them delays another.
    pub(super) fn accept(&mut self, log: &Log, mut take: impl FnMut(Stream, Address)) {
        // Each listener that has failed is tried once more.
        self.has_room();
        if !self.is_pending() {
            return;
        }
        let (mut taken, began) = (0, Instant::now());
        for _ in 0..ACCEPTS {
            if taken > 0 && began.elapsed() >= ACCEPT_TIME {
                break;
            }
            let Some(source) = next_pending(&mut self.sources, &mut self.next) else { break };
            match source.listener.accept() {
                Ok((stream, address)) => {
                    source.failing_since = None;
                    taken += 1;
                    take(stream, address);
                }
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock => {
                        source.state = Accept::Nothing;
                        // No client is left waiting.
                        source.failing_since = None;
                    }
                    // The client went away while it was queued, which Windows calls a reset.
                    io::ErrorKind::Interrupted
                    | io::ErrorKind::ConnectionAborted
                    | io::ErrorKind::ConnectionReset => {}
                    _ => source.has_failed(log, &error, &mut self.spare),
                },
            }
        }
    }
}

/// The next listener that may have connections. The search continues after it the next time.
fn next_pending<'a>(sources: &'a mut [Source], next: &mut usize) -> Option<&'a mut Source> {
    let is_pending = |place: &usize| sources.get(*place).is_some_and(|it| it.state == Accept::Pending);
    let place = (*next..sources.len()).chain(0..*next).find(is_pending)?;
    *next = place + 1;
    sources.get_mut(place)
}

impl Source {
    /// Usually there is no descriptor left, and soon there will be one. If that takes long, a client's connection is
    /// accepted with the spare descriptor and closed, rather than left waiting in the system's queue.
    fn has_failed(&mut self, log: &Log, error: &io::Error, spare: &mut Option<File>) {
        let listener = &self.listener;
        self.failed.tell(log, || {
            let place = listener.address().map_or_else(|_| String::new(), |address| format!(" at {address}"));
            format!("cannot accept connections{place}, retrying: {error}")
        });
        self.state = Accept::Failing;
        let failing_since = *self.failing_since.get_or_insert_with(Instant::now);
        let sheds = failing_since.elapsed() >= SHED_AFTER && spare.take().is_some();
        if sheds {
            drop(self.listener.accept());
        }
        *spare = spare.take().or_else(open_spare);
    }
}

fn open_spare() -> Option<File> {
    let name = if cfg!(windows) { "NUL" } else { "/dev/null" };
    File::open(name).ok()
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use std::net::{SocketAddr, TcpListener, TcpStream};

    use mio::Poll;

    use super::*;
    use crate::handler::facts::Facts as _;
    use crate::server::listener::IntoListener as _;

    fn acceptor(count: usize) -> (Acceptor, Vec<SocketAddr>) {
        let poll = Poll::new().unwrap();
        let listeners: Vec<_> = (0..count).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        let addresses = listeners.iter().map(|listener| listener.local_addr().unwrap()).collect();
        let listeners = listeners.into_iter().map(|listener| listener.into_listener().unwrap());
        (Acceptor::new(listeners.collect(), poll.registry()).unwrap(), addresses)
    }

    /// Accepts until there is nothing left. Returns the addresses at which the connections arrived.
    fn accepted(acceptor: &mut Acceptor) -> Vec<Address> {
        let log = Log::new(None, 1);
        let mut taken = Vec::new();
        while acceptor.is_pending() {
            acceptor.accept(&log, |stream, _| taken.push(stream.local_address().unwrap()));
        }
        taken
    }

    #[test]
    fn each_listener_has_its_turn() {
        let (mut acceptor, addresses) = acceptor(3);
        let [crowded, few, empty] = addresses[..] else { panic!("three") };
        let clients = [crowded; 100].into_iter().chain([few; 2]);
        let clients: Vec<_> = clients.map(|address| TcpStream::connect(address).unwrap()).collect();
        let taken = accepted(&mut acceptor);
        assert_eq!(taken.len(), clients.len());
        let [crowded, few] = [crowded, few].map(Address::from);
        assert_eq!(taken[..5], [&crowded, &few, &crowded, &few, &crowded].map(Address::clone));
        assert_eq!(acceptor.patience(), None);
        // Only the listener that the poller has reported is asked.
        let late = TcpStream::connect(empty).unwrap();
        acceptor.is_ready(0);
        assert!(accepted(&mut acceptor).is_empty());
        acceptor.is_ready(2);
        assert_eq!(accepted(&mut acceptor), [late.peer_addr().unwrap().into()]);
    }

    #[test]
    fn a_listener_that_fails_holds_up_no_other() {
        let (mut acceptor, addresses) = acceptor(2);
        acceptor.sources[0].state = Accept::Failing;
        acceptor.sources[1].state = Accept::Nothing;
        assert_eq!((acceptor.patience(), acceptor.is_pending()), (Some(ACCEPT_RETRY), false));
        acceptor.is_ready(1);
        assert_eq!(acceptor.patience(), Some(Duration::ZERO));
        let clients: Vec<_> = addresses.iter().map(|address| TcpStream::connect(address).unwrap()).collect();
        // It is tried again in every round.
        assert_eq!(accepted(&mut acceptor).len(), clients.len());
        assert_eq!(acceptor.patience(), None);
    }
}
