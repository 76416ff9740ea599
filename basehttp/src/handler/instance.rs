//! The instance variables of a handler, except its header fields: the connection and the current request, independent of the class
//! that collects the fields.

use std::cell::{Cell, OnceCell};
use std::io;
use std::time::{Duration, SystemTime};

use super::address::{Address, Peer};
use super::class::ClassVariables;
use super::clock::Clock;
use super::connection_io::{BodyProgress, Bounds, ConnectionIo, IoGuard, NextHead, SharedIo};
use super::failure::{HandlerError, HandlerFailure};
#[cfg(feature = "proxy")]
use super::proxies::Forwarded;
use super::request::{NO_REQUEST, Request};
use super::route::Resolution;
use super::server_info::ServerInfo;
use super::wire::Wire;
use crate::proto::connection::{Event, Phase};
use crate::proto::fault::Fault;
use crate::proto::framing::{Body, Persistence};
use crate::proto::request_line::Version;
use crate::proto::response::RequestTraits;
use crate::proto::status::HTTPStatus;
use crate::sync::Arc;

pub(crate) struct InstanceVariables {
    shared: SharedIo,
    class: &'static ClassVariables,
    pub(super) peer: Peer,
    /// What trusted proxies report about the client of the current request.
    #[cfg(feature = "proxy")]
    pub(super) forwarded: Option<Box<Forwarded>>,
    /// The client's name, once it has been looked up.
    client_name: OnceCell<Option<String>>,
    server: Arc<ServerInfo>,
    /// `None` while the connection rests.
    request: Option<Box<Request>>,
    /// Whether the connection has given back all that it does not need while it waits.
    rests: bool,
    phase: Cell<Phase>,
    /// What answers the current request, once it has been looked for.
    resolution: Cell<Option<Resolution>>,
    clock: Clock,
}

impl InstanceVariables {
    pub(crate) fn new(
        wire: Box<dyn Wire>,
        bounds: Arc<Bounds>,
        client_address: Address,
        server: Arc<ServerInfo>,
        class: &'static ClassVariables,
    ) -> Self {
        let clock = bounds.clock.clone();
        Self {
            shared: SharedIo::new(wire, bounds),
            class,
            peer: Peer::from(client_address),
            #[cfg(feature = "proxy")]
            forwarded: None,
            client_name: OnceCell::new(),
            server,
            request: None,
            rests: true,
            phase: Cell::new(Phase::Done),
            resolution: Cell::new(None),
            clock,
        }
    }

    /// The client's address, which trusted proxies may report.
    pub(crate) fn client_address(&self) -> &Address {
        #[cfg(feature = "proxy")]
        if let Some(forwarded) = &self.forwarded {
            return &forwarded.client;
        }
        &self.peer.address
    }

    /// The scheme of the client's URL, which trusted proxies may report.
    #[cfg(any(feature = "proxy", feature = "tracing"))]
    pub(crate) fn scheme(&self) -> &'static str {
        let is_https = self.peer.is_https || self.server.is_tls();
        // A proxy that forwards the client's TLS unopened sees no TLS, and reports none.
        #[cfg(feature = "proxy")]
        let is_https = self.forwarded.as_ref().and_then(|forwarded| forwarded.is_https).unwrap_or(is_https);
        if is_https { "https" } else { "http" }
    }

    /// The address from which the connection came, or the one in its PROXY header.
    pub(crate) fn peer_address(&self) -> &Address {
        &self.peer.address
    }

    pub(crate) fn peer_mut(&mut self) -> &mut Peer {
        &mut self.peer
    }

    /// The client's name, if the server looks names up. The look-up runs once for each connection.
    pub(super) fn client_name(&self) -> Option<&str> {
        let name_of = self.server.name_of?;
        // Behind a proxy, each request would need its own look-up.
        #[cfg(feature = "proxy")]
        if self.forwarded.is_some() {
            return None;
        }
        let address = self.peer.address.ip()?;
        self.client_name.get_or_init(|| name_of(address)).as_deref()
    }

    #[inline]
    pub(crate) fn class(&self) -> &'static ClassVariables {
        self.class
    }

    pub(crate) fn server(&self) -> &Arc<ServerInfo> {
        &self.server
    }

    #[inline]
    pub(crate) fn io(&self) -> IoGuard<'_> {
        self.shared.lock()
    }

    pub(crate) fn shared(&self) -> &SharedIo {
        &self.shared
    }

    #[inline]
    pub(crate) fn phase(&self) -> Phase {
        self.phase.get()
    }

    /// Changes the phase of the connection by an event.
    #[inline]
    pub(crate) fn happens(&self, event: Event) {
        let mut phase = self.phase.get();
        phase.happens(event);
        self.phase.set(phase);
    }

    #[inline]
    pub(crate) fn request(&self) -> &Request {
        self.request.as_deref().unwrap_or(&NO_REQUEST)
    }

    /// What answers the current request, if that is known.
    #[inline]
    pub(super) fn resolution(&self) -> Option<Resolution> {
        self.resolution.get()
    }

    #[inline]
    pub(super) fn set_resolution(&self, resolution: Resolution) {
        self.resolution.set(Some(resolution));
    }

    /// The current request, mutably. What answers it is looked for again, since it may depend on the change.
    pub(crate) fn request_mut(&mut self) -> &mut Request {
        self.resolution.set(None);
        self.request.get_or_insert_with(SharedIo::new_request)
    }

    /// Why the server refuses the current request, if it does.
    pub(crate) fn fault(&self) -> Option<Fault> {
        let request = self.request();
        request.fault.or_else(|| if request.has_body { self.io().body_fault() } else { None })
    }

    /// Clears a request that had not arrived: what the factory and `setup` may have set in it does not apply to the first request.
    pub(crate) fn clear_request(&mut self) {
        if let (Phase::Done | Phase::Idle, Some(request)) = (self.phase(), &mut self.request) {
            request.clear();
        }
    }

    /// The time, for `Date` and log lines.
    pub(crate) fn now(&self) -> SystemTime {
        self.clock.now()
    }

    /// Sets how long one read, and one write, may wait for the client: in the current request, or, between requests, in all.
    pub(crate) fn set_timeouts(&self, read: Option<Duration>, write: Option<Duration>) {
        let is_before = self.phase().is_between();
        self.io().set_timeouts(read, write, is_before);
    }

    /// Makes the response a 413 if the handler returns this error.
    pub(crate) fn body_too_large(&self, limit: u64) -> io::Error {
        self.io().refuse_body(HTTPStatus::CONTENT_TOO_LARGE);
        let text = format!("the request's body has more than {limit} bytes");
        io::Error::new(io::ErrorKind::FileTooLarge, text)
    }

    /// Reports a failure to the server's hook.
    pub(super) fn report(&self, failure: &HandlerFailure<'_>) {
        let requestline = self.request().line().to_owned();
        self.server.report(&HandlerError::new(self.client_address().clone(), requestline, failure));
    }

    /// Reads what has arrived of a small body, or of the beginning of a long one. Unless that is all of it, the handler is called
    /// later. `None` if the server has cut the connection: no handler begins with a request whose rest will never arrive.
    pub(crate) fn gather(&self) -> Option<BodyProgress> {
        // A client that waits for `100 Continue` sends nothing before the handler asks for it.
        if self.request().expects_continue {
            return Some(BodyProgress::All);
        }
        let mut io = self.io();
        let taken = io.gather();
        if io.is_gone() && io.is_cut() { None } else { Some(taken) }
    }

    /// Begins a turn. A connection that rests gets its buffers only when it needs them.
    pub(crate) fn begin_turn(&mut self) {
        if !std::mem::take(&mut self.rests) {
            self.shared.begin_turn(self.request.as_deref_mut());
        }
    }

    /// Ends a turn: what the connection does not need while it waits goes back to the thread.
    pub(crate) fn end_turn(&mut self) {
        if let (Phase::Done, Some(request)) = (self.phase(), &mut self.request) {
            // The request is answered. If it were kept, it would be shrunk to its content, and the next request would have to grow
            // it again.
            request.clear();
        }
        self.rests = self.shared.end_turn(&mut self.request, self.phase.get());
    }

    /// Reads what has arrived of the first request, before there is a handler: a client that sends nothing needs none.
    pub(crate) fn look_for_input(&self) -> (NextHead, IoGuard<'_>) {
        let mut io = self.io();
        if self.phase() == Phase::Done {
            self.happens(Event::Next);
            io.await_next();
        }
        (io.look_for_input(), io)
    }

    /// Makes the next request the current one, if it has arrived; the caller then reports that event. Otherwise the caller uses
    /// the lock on the connection for what else there is to do.
    pub(super) fn next_request(&mut self) -> (NextHead, Phase, IoGuard<'_>) {
        let is_next = self.phase() == Phase::Done;
        if is_next {
            #[cfg(feature = "proxy")]
            {
                self.forwarded = None;
            }
            self.happens(Event::Next);
        }
        self.resolution.set(None);
        let (mut io, request) = self.shared.lock_with(&mut self.request);
        if is_next {
            request.clear();
            io.await_next();
        }
        let mut phase = self.phase.get();
        let next = io.next_head(request, &mut phase);
        match next {
            NextHead::Request => {
                let ClassVariables { protocol, default_request_version, .. } = *self.class;
                begin(request, &mut io, default_request_version, protocol, Some(&self.server));
                #[cfg(feature = "proxy")]
                if let Some(proxies) = &self.server.proxies {
                    self.forwarded = proxies.forwarded(&self.peer.address, request).map(Box::new);
                }
            }
            NextHead::End => {
                io.response.end();
                phase.happens(Event::End);
            }
            NextHead::Later | NextHead::Enough => {}
        }
        self.phase.set(phase);
        (next, phase, io)
    }

    /// Makes a request from an incomplete head, so that it can be answered.
    pub(crate) fn give_up_head(&mut self) {
        self.resolution.set(None);
        let (mut io, request) = self.shared.lock_with(&mut self.request);
        io.give_up_head(request);
        begin(request, &mut io, "HTTP/1.0", Version::Http10, None);
        drop(io);
        self.happens(Event::Request { gathers: false });
    }
}

/// Makes the head that was taken the current request, if the server admits it. Without a server the head is not whole: it says nothing
/// about its body.
fn begin(
    request: &mut Request,
    io: &mut ConnectionIo,
    default_request_version: &'static str,
    protocol: Version,
    server: Option<&ServerInfo>,
) {
    let whole = server.is_some();
    request.read_line(default_request_version);
    if let (Some(server), None) = (server, request.fault) {
        request.fault = server.admit(request).err();
    }
    let body = match request.fault {
        Some(_) => Body::None,
        None if !whole => Body::None,
        None => request.body().unwrap_or_else(|fault| {
            request.fault = Some(fault);
            Body::None
        }),
    };
    request.has_body = !matches!(body, Body::None | Body::Length(0));
    if request.fault.is_none() {
        request.judge();
    }
    let version = match request.fault {
        // Stricter than Python, which answers a malformed request line without a status line, so that the client does not
        // see that it is an error.
        Some(_) if request.version_text().is_empty() || request.head.request_line.simple => Version::Http10,
        _ => request.version(),
    };
    let persistence = request.persistence();
    let persistent = match persistence {
        Persistence::Close => false,
        Persistence::KeepAlive => version != Version::Http09,
        Persistence::Unsaid => version == Version::Http11,
    };
    let speaks_1_1 = protocol == Version::Http11;
    let traits = RequestTraits {
        version,
        head: request.command() == "HEAD",
        connect: request.command() == "CONNECT",
        close: !whole
            || persistence == Persistence::Close
            || version == Version::Http09
            || request.fault.is_some(),
    };
    if request.fault.is_some() {
        io.expect_more();
    }
    io.begin(traits, !(persistent && speaks_1_1), persistent, body);
    if request.expects_continue && speaks_1_1 && version == Version::Http11 {
        io.continue_on_read();
    }
}
