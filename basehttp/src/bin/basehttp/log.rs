//! The log: a line for each request, in a form that other programs read.
//!
//! Python's form is the library's, which writes it. The others are written here, by a thread of their own: a reader that has
//! stopped to read must not stop the server.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, TrySendError, sync_channel};
use std::thread;
use std::time::Duration;

use jiff::{Timestamp, Zoned};
use serde_json::{Map, Value, json};

use crate::args::LogForm;

/// Where lines go.
pub(crate) struct Log {
    form: LogForm,
    lines: SyncSender<Message>,
    /// Those that nobody has taken.
    lost: AtomicU64,
}

enum Message {
    Line(String),
    /// Everything before this is to be written, and the end told.
    End(SyncSender<()>),
}

/// What is known of a request when it is answered.
#[derive(Debug)]
pub(crate) struct Request<'a> {
    pub(crate) client: &'a str,
    /// The name that came with the right password.
    pub(crate) user: Option<&'a str>,
    pub(crate) line: &'a str,
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) version: &'a str,
    pub(crate) referer: Option<&'a str>,
    pub(crate) user_agent: Option<&'a str>,
    pub(crate) status: u16,
    /// Of the reply's body, where it was declared.
    pub(crate) size: Option<u64>,
    /// Why it was refused, or what else there is to say.
    pub(crate) reason: &'a str,
}

/// Lines that wait; with the longest, as memory, about 10 MiB.
const MOST: usize = 4096;

/// Characters of a field that are logged: a client decides how long it is.
const SHOWN: usize = 1000;

impl Log {
    /// Starts the thread that writes.
    pub(crate) fn new(form: LogForm) -> io::Result<Self> {
        let (lines, taken) = sync_channel(MOST);
        if !matches!(form, LogForm::Python | LogForm::None) {
            thread::Builder::new().name("log".to_owned()).spawn(move || write(&taken))?;
        }
        Ok(Self { form, lines, lost: AtomicU64::new(0) })
    }

    /// Whether the library's lines are wanted.
    pub(crate) fn is_python(&self) -> bool {
        self.form == LogForm::Python
    }

    /// Whether what is no request is a line of JSON, too.
    pub(crate) fn is_json(&self) -> bool {
        self.form == LogForm::Json
    }

    /// Tells of a request.
    pub(crate) fn request(&self, request: &Request<'_>) {
        match self.form {
            LogForm::Python | LogForm::None => {}
            LogForm::Common => self.push(common(request, &Zoned::now())),
            LogForm::Combined => self.push(combined(request, &Zoned::now())),
            LogForm::Json => self.push(as_json(request, Timestamp::now())),
        }
    }

    /// Tells of something else, as JSON.
    pub(crate) fn message(&self, client: &str, message: &str) {
        let time = Timestamp::now().strftime(RFC_3339).to_string();
        self.push(json!({ "time": time, "client": client, "message": shortened(message) }).to_string());
    }

    fn push(&self, mut line: String) {
        line.push('\n');
        if let Err(TrySendError::Full(_)) = self.lines.try_send(Message::Line(line)) {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Has what was told written, if somebody takes it.
    pub(crate) fn close(&self) {
        const PATIENCE: Duration = Duration::from_secs(1);
        let (done, end) = sync_channel(1);
        let is_written = self.lines.try_send(Message::End(done)).is_err()
            || end.recv_timeout(PATIENCE) != Err(RecvTimeoutError::Timeout);
        let lost = self.lost.load(Ordering::Relaxed);
        if is_written && lost > 0 {
            let _ = writeln!(io::stderr(), "basehttp: {lost} lines of the log are lost: nobody took them");
        }
    }
}

/// RFC 3339, with milliseconds.
const RFC_3339: &str = "%Y-%m-%dT%H:%M:%S.%3fZ";

/// Writes what there is in one go.
fn write(lines: &Receiver<Message>) {
    const AT_ONCE: usize = 64 * 1024;
    let mut text = String::new();
    let mut next = lines.recv();
    while let Ok(message) = next {
        let end = match message {
            Message::Line(line) => {
                text.push_str(&line);
                None
            }
            Message::End(done) => Some(done),
        };
        let more = lines.try_recv();
        if end.is_some() || more.is_err() || text.len() > AT_ONCE {
            // Where nobody can take it there is nobody to tell.
            let _ = io::stderr().write_all(text.as_bytes());
            text.clear();
        }
        if let Some(done) = end {
            let _ = done.send(());
        }
        next = match more {
            Ok(message) => Ok(message),
            Err(TryRecvError::Empty) => lines.recv(),
            Err(TryRecvError::Disconnected) => return,
        };
    }
}

/// The Common Log Format: client, identity (never known), user, time, request, status and bytes.
fn common(request: &Request<'_>, now: &Zoned) -> String {
    let user = request.user.filter(|user| !user.is_empty()).map_or_else(|| "-".to_owned(), word);
    let time = now.strftime("%d/%b/%Y:%H:%M:%S %z");
    let size = request.size.map_or_else(|| "-".to_owned(), |size| size.to_string());
    let Request { client, line, status, .. } = request;
    format!("{client} - {user} [{time}] \"{}\" {status} {size}", quotable(line))
}

/// As Apache and nginx have it.
fn combined(request: &Request<'_>, now: &Zoned) -> String {
    let or_dash = |value: Option<&str>| value.map_or_else(|| "-".to_owned(), quotable);
    let common = common(request, now);
    format!("{common} \"{}\" \"{}\"", or_dash(request.referer), or_dash(request.user_agent))
}

fn as_json(request: &Request<'_>, now: Timestamp) -> String {
    let mut fields = Map::new();
    let mut add = |name: &str, value: Value| fields.insert(name.to_owned(), value);
    add("time", now.strftime(RFC_3339).to_string().into());
    add("client", request.client.into());
    if let Some(user) = request.user {
        add("user", user.into());
    }
    // A request line that is none has no parts.
    if request.method.is_empty() {
        add("request", shortened(request.line).into());
    } else {
        add("method", shortened(request.method).into());
        add("path", shortened(request.path).into());
        add("protocol", request.version.into());
    }
    add("status", request.status.into());
    add("size", request.size.into());
    for (name, value) in [("referer", request.referer), ("user_agent", request.user_agent)] {
        if let Some(value) = value {
            add(name, shortened(value).into());
        }
    }
    if !request.reason.is_empty() {
        add("reason", shortened(request.reason).into());
    }
    Value::Object(fields).to_string()
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// Text between double quotes: no client ends them, adds a line or steers a terminal.
fn quotable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in shortened(text).chars() {
        match c {
            '"' | '\\' | '\0'..='\x1f' | '\x7f'..='\u{9f}' => {
                // A `String` takes everything.
                let _ = write!(out, "\\x{:02x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out
}

/// The same without quotes around it.
fn word(text: &str) -> String {
    quotable(text).replace(|c: char| c.is_whitespace() || c == '[', "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> Request<'static> {
        Request {
            client: "127.0.0.1",
            user: Some("ann b"),
            line: "GET /a\"b\\ HTTP/1.1",
            method: "GET",
            path: "/a\"b\\",
            version: "HTTP/1.1",
            referer: None,
            user_agent: Some("x\r\n127.0.0.1 - - \u{1b}[2J"),
            status: 200,
            size: Some(17),
            reason: "",
        }
    }

    #[test]
    fn no_client_forges_a_line() {
        let now: Zoned = "2026-11-22T05:50:05+00:00[UTC]".parse().unwrap();
        let line = "127.0.0.1 - ann_b [22/Nov/2026:05:50:05 +0000] \"GET /a\\x22b\\x5c HTTP/1.1\" 200 17";
        assert_eq!(common(&request(), &now), line);
        let wanted = format!("{line} \"-\" \"x\\x0d\\x0a127.0.0.1 - - \\x1b[2J\"");
        assert_eq!(combined(&request(), &now), wanted);
        let json = as_json(&request(), now.timestamp());
        assert!(!json.contains(['\n', '\u{1b}']), "{json}");
        let read: Value = serde_json::from_str(&json).unwrap();
        assert_eq!((&read["path"], &read["size"]), (&json!("/a\"b\\"), &json!(17)));
        assert_eq!(read["time"], "2026-11-22T05:50:05.000Z");
        assert_eq!(read["user_agent"], "x\r\n127.0.0.1 - - \u{1b}[2J");
    }

    #[test]
    fn what_a_client_sends_is_cut() {
        let long = "\u{e9}".repeat(SHOWN + 1);
        assert_eq!(quotable(&long).chars().count(), SHOWN + 3);
    }
}
