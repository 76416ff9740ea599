//! The scripted responses of a double, and their timing.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use crate::proto::request_line::Version;
use crate::proto::response::{RequestTraits, Response};
use crate::proto::status::HTTPStatus;

/// A scripted response of a [`TestDouble`](super::TestDouble). [`status`](Self::status), [`raw`](Self::raw) and
/// [`reset`](Self::reset) make one.
#[derive(Clone, Debug)]
#[must_use = "it does nothing until it is given to TestDouble::on"]
pub struct Scripted {
    pub(super) answer: Answer,
    pub(super) delay: Duration,
    pub(super) gate: Option<Gate>,
}

#[derive(Clone, Debug)]
pub(super) enum Answer {
    Response(Scene),
    Raw { bytes: Vec<u8>, reset: bool },
}

/// A response that a server can make, except for its end.
#[derive(Clone, Debug)]
pub(super) struct Scene {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
    /// The connection ends after this number of bytes of the body.
    pub(super) cut: Option<usize>,
    /// After this number of bytes of the body, the response waits for the gate.
    pub(super) stall: Option<(usize, Gate)>,
}

impl Scene {
    /// Whether the head must declare the length, since the body is cut or stalled.
    pub(super) fn tells_length(&self) -> bool {
        self.cut.is_some() || self.stall.is_some()
    }
}

/// Holds responses back until a test opens it, to simulate a slow server for as long as the test needs.
///
/// ```
/// use basehttp::testing::{Gate, Scripted, TestDouble};
///
/// let (double, gate) = (TestDouble::new(), Gate::new());
/// double.on("GET", "/slow", Scripted::status(200).behind(&gate));
/// // Start the client here, and check that it waits.
/// gate.open();
/// ```
#[derive(Clone, Debug, Default)]
pub struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Scripted {
    /// A response with this status, and without a body unless [`body`](Self::body) sets one.
    pub fn status(status: u16) -> Self {
        Self::new(Answer::Response(Scene {
            status,
            headers: Vec::new(),
            body: Vec::new(),
            cut: None,
            stall: None,
        }))
    }

    /// Exactly these bytes, and then the end of the connection. For responses that no server should send: with two lengths, with
    /// invalid chunks, or not HTTP.
    pub fn raw(bytes: impl Into<Vec<u8>>) -> Self {
        Self::new(Answer::Raw { bytes: bytes.into(), reset: false })
    }

    /// No response, but a reset of the connection.
    pub fn reset() -> Self {
        Self::reset_after("")
    }

    /// These bytes, and then a reset of the connection. The client may or may not have read the bytes by then.
    pub fn reset_after(bytes: impl Into<Vec<u8>>) -> Self {
        Self::new(Answer::Raw { bytes: bytes.into(), reset: true })
    }

    fn new(answer: Answer) -> Self {
        Self { answer, delay: Duration::ZERO, gate: None }
    }

    /// Adds a header field to a response. The server does the framing.
    ///
    /// # Panics
    /// For [`raw`](Self::raw) and [`reset`](Self::reset), which have no separate fields or body. [`body`](Self::body),
    /// [`cut`](Self::cut) and [`stalled`](Self::stalled) panic in the same way.
    #[track_caller]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.response().headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets the body of a response. The server adds its length. The response to HEAD has only the length.
    ///
    /// # Panics
    /// As [`header`](Self::header).
    #[track_caller]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.response().body = body.into();
        self
    }

    /// Ends the connection after this number of bytes of the body. The body must be longer, and its `Content-Length` declares the
    /// full length.
    ///
    /// # Panics
    /// As [`header`](Self::header).
    #[track_caller]
    pub fn cut(mut self, bytes: usize) -> Self {
        self.response().cut = Some(bytes);
        self
    }

    /// Sends the head and this number of bytes of the body, and the rest when the gate is open, or after a minute: a server that
    /// stalls in the middle.
    ///
    /// # Panics
    /// As [`header`](Self::header).
    #[track_caller]
    pub fn stalled(mut self, bytes: usize, gate: &Gate) -> Self {
        self.response().stall = Some((bytes, gate.clone()));
        self
    }

    #[track_caller]
    fn response(&mut self) -> &mut Scene {
        match &mut self.answer {
            Answer::Response(scene) => scene,
            Answer::Raw { .. } => panic!("Scripted::raw and Scripted::reset have no separate fields or body"),
        }
    }

    /// Returns the first mistake in the response.
    pub(super) fn check(&self) -> Result<(), String> {
        let Answer::Response(scene) = &self.answer else { return Ok(()) };
        let body = &scene.body;
        if let Some(cut) = scene.cut.filter(|cut| *cut >= body.len()) {
            return Err(format!("cut({cut}) must be less than the body's {} bytes", body.len()));
        }
        let end = scene.cut.unwrap_or(body.len());
        if let Some((at, _)) = scene.stall.as_ref().filter(|(at, _)| *at > end) {
            return Err(format!("stalled({at}) is after the end of the body, {end} bytes"));
        }
        let mut response = Response::new(usize::MAX);
        response.begin(
            RequestTraits { version: Version::Http11, head: false, connect: false, close: false },
            false,
        );
        response.status_line(Version::Http11, HTTPStatus::new(scene.status), "");
        for (name, value) in &scene.headers {
            response.field(name, value);
        }
        let length = body.len().to_string();
        if scene.tells_length() {
            response.field("Content-Length", &length);
        }
        let ended = response.end_head().map(drop);
        let written = ended.and_then(|()| if body.is_empty() { Ok(0) } else { response.write(body) });
        written.and_then(|_| response.finish()).map_err(|mistake| mistake.to_string())
    }

    /// Delays the response by this time. Prefer a gate if the test can open one: see [`behind`](Self::behind).
    pub fn delayed(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Delays the response until the gate is open, for a minute at most.
    pub fn behind(mut self, gate: &Gate) -> Self {
        self.gate = Some(gate.clone());
        self
    }
}

impl Gate {
    /// Makes a closed gate.
    pub fn new() -> Self {
        Self::default()
    }

    /// Opens the gate for all responses that wait, and for all later ones.
    pub fn open(&self) {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.0.1.notify_all();
    }

    /// Waits up to this time, and returns whether the gate is open.
    pub(super) fn wait(&self, time: Duration) -> bool {
        let is_open = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.0.1.wait_timeout_while(is_open, time, |is_open| !*is_open);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}
