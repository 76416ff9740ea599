//! What a test has a double answer, and when.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use crate::proto::request_line::Version;
use crate::proto::response::{RequestTraits, Response};
use crate::proto::status::HTTPStatus;

/// How a [`TestDouble`](super::TestDouble) answers. Made by [`status`](Self::status), [`raw`](Self::raw) or [`reset`](Self::reset).
#[derive(Clone, Debug)]
#[must_use = "it is nothing until a TestDouble has it"]
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

/// A response that a server could make, if not its end.
#[derive(Clone, Debug)]
pub(super) struct Scene {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
    /// Behind so many bytes of the body the connection ends.
    pub(super) cut: Option<usize>,
    /// Behind so many bytes of the body it goes on when the gate is open.
    pub(super) stall: Option<(usize, Gate)>,
}

impl Scene {
    /// Whether the length has to be told before the body is there.
    pub(super) fn tells_length(&self) -> bool {
        self.cut.is_some() || self.stall.is_some()
    }
}

/// Holds responses back until a test opens it: a server that takes its time, for as long as the test wants.
///
/// ```
/// use basehttp::testing::{Gate, Scripted, TestDouble};
///
/// let (double, gate) = (TestDouble::new(), Gate::new());
/// double.on("GET", "/slow", Scripted::status(200).behind(&gate));
/// // The client is started here, and shows that it waits.
/// gate.open();
/// ```
#[derive(Clone, Debug, Default)]
pub struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Scripted {
    /// A response with this status, and without a body unless [`body`](Self::body) says one.
    pub fn status(status: u16) -> Self {
        Self::new(Answer::Response(Scene {
            status,
            headers: Vec::new(),
            body: Vec::new(),
            cut: None,
            stall: None,
        }))
    }

    /// These bytes, as they are, and then the end of the connection: for responses that no server should give, with two lengths, broken
    /// chunks, or no HTTP at all.
    pub fn raw(bytes: impl Into<Vec<u8>>) -> Self {
        Self::new(Answer::Raw { bytes: bytes.into(), reset: false })
    }

    /// No response, but a reset of the connection.
    pub fn reset() -> Self {
        Self::reset_after("")
    }

    /// A reset of the connection behind these bytes, which the client may have read by then, or not.
    pub fn reset_after(bytes: impl Into<Vec<u8>>) -> Self {
        Self::new(Answer::Raw { bytes: bytes.into(), reset: true })
    }

    fn new(answer: Answer) -> Self {
        Self { answer, delay: Duration::ZERO, gate: None }
    }

    /// Adds a header field to a response. The framing is the server's.
    ///
    /// # Panics
    /// Where [`raw`](Self::raw) or [`reset`](Self::reset) say all there is, as [`body`](Self::body), [`cut`](Self::cut) and
    /// [`stalled`](Self::stalled) do.
    #[track_caller]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.response().headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets the body of a response, whose length the server adds. HEAD gets the length alone.
    ///
    /// # Panics
    /// As [`header`](Self::header).
    #[track_caller]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.response().body = body.into();
        self
    }

    /// Ends the connection behind so many bytes of the body, which has to be longer, as its `Content-Length` says.
    ///
    /// # Panics
    /// As [`header`](Self::header).
    #[track_caller]
    pub fn cut(mut self, bytes: usize) -> Self {
        self.response().cut = Some(bytes);
        self
    }

    /// Sends the head and so many bytes of the body, and the rest when the gate is open, for a minute at most: a server that stops in
    /// the middle.
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
            Answer::Raw { .. } => panic!("raw bytes and resets have no fields and no body of their own"),
        }
    }

    /// What is wrong with it.
    pub(super) fn check(&self) -> Result<(), String> {
        let Answer::Response(scene) = &self.answer else { return Ok(()) };
        let body = &scene.body;
        if let Some(cut) = scene.cut.filter(|cut| *cut >= body.len()) {
            return Err(format!("cut({cut}) cuts nothing off a body of {} bytes", body.len()));
        }
        let end = scene.cut.unwrap_or(body.len());
        if let Some((at, _)) = scene.stall.as_ref().filter(|(at, _)| *at > end) {
            return Err(format!("stalled({at}) is behind the end, {end} bytes"));
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

    /// Waits for so long before it answers. Where a test can, it better opens a gate: see [`behind`](Self::behind).
    pub fn delayed(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Waits for the gate before it answers, for a minute at most.
    pub fn behind(mut self, gate: &Gate) -> Self {
        self.gate = Some(gate.clone());
        self
    }
}

impl Gate {
    /// A closed one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets through what waits, and all that comes later.
    pub fn open(&self) {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.0.1.notify_all();
    }

    /// Whether it is open within this time.
    pub(super) fn wait(&self, time: Duration) -> bool {
        let is_open = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.0.1.wait_timeout_while(is_open, time, |is_open| !*is_open);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}
