//! The log: one line per request, in a format that other programs can read.
//!
//! The library writes Python's format. The others are written here, by a separate thread, so that a reader of the log that
//! stops reading does not stop the server.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, TrySendError, sync_channel};
use std::thread;
use std::time::Duration;

use serde_json::{Map, Value, json};
use tz::{DateTime, TimeZone, UtcDateTime};

use crate::args::LogForm;
use crate::names::is_unseen;

/// Accepts the lines of the log.
pub(crate) struct Log {
    form: LogForm,
    lines: SyncSender<Message>,
    /// The number of lines dropped because the queue was full.
    lost: AtomicU64,
}

enum Message {
    Line(String),
    /// Everything before this has to be written; then the sender is notified.
    End(SyncSender<()>),
}

/// What the log says about an answered request.
#[derive(Debug)]
pub(crate) struct Request<'a> {
    pub(crate) client: &'a str,
    /// The authenticated user.
    pub(crate) user: Option<&'a str>,
    pub(crate) line: &'a str,
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) version: &'a str,
    pub(crate) referer: Option<&'a str>,
    pub(crate) user_agent: Option<&'a str>,
    pub(crate) status: u16,
    /// The declared length of the response's body.
    pub(crate) size: Option<u64>,
    /// Why it was refused. Empty if it was not.
    pub(crate) reason: &'a str,
}

/// Lines in the queue; about 10 MiB if all have the maximum length.
const MOST: usize = 4096;

/// The number of characters of a field that are logged, since the client decides how long it is.
const SHOWN: usize = 1000;

impl Log {
    /// Starts the thread that writes the lines.
    pub(crate) fn new(form: LogForm) -> io::Result<Self> {
        let (lines, taken) = sync_channel(MOST);
        if !matches!(form, LogForm::Python | LogForm::None) {
            thread::Builder::new().name("log".to_owned()).spawn(move || write(&taken))?;
        }
        Ok(Self { form, lines, lost: AtomicU64::new(0) })
    }

    /// Whether the library writes the log.
    pub(crate) fn is_python(&self) -> bool {
        self.form == LogForm::Python
    }

    /// Whether lines that are not about a request are JSON too.
    pub(crate) fn is_json(&self) -> bool {
        self.form == LogForm::Json
    }

    /// Logs a request.
    pub(crate) fn request(&self, request: &Request<'_>) {
        match self.form {
            LogForm::Python | LogForm::None => {}
            LogForm::Common => self.push(common(request, &local_now())),
            LogForm::Combined => self.push(combined(request, &local_now())),
            LogForm::Json => self.push(as_json(request, &rfc_3339())),
        }
    }

    /// Logs anything else, as JSON.
    pub(crate) fn message(&self, client: &str, message: &str) {
        let fields = json!({ "time": rfc_3339(), "client": client, "message": shortened(message) });
        self.push(escaped_json(&fields));
    }

    fn push(&self, mut line: String) {
        line.push('\n');
        if let Err(TrySendError::Full(_)) = self.lines.try_send(Message::Line(line)) {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits until all lines are written, for at most a second, and reports lost lines.
    pub(crate) fn close(&self) {
        const PATIENCE: Duration = Duration::from_secs(1);
        let (done, end) = sync_channel(1);
        let is_written = match self.lines.try_send(Message::End(done)) {
            Ok(()) => end.recv_timeout(PATIENCE) != Err(RecvTimeoutError::Timeout),
            // Standard error is not being read, so waiting is useless.
            Err(TrySendError::Full(_)) => false,
            // This format has no thread, so there is nothing to write.
            Err(TrySendError::Disconnected(_)) => true,
        };
        let lost = self.lost.load(Ordering::Relaxed);
        if is_written && lost > 0 {
            let _ = writeln!(
                io::stderr(),
                "basehttp: {lost} log lines were lost: standard error was read too slowly"
            );
        }
    }
}

/// The time as RFC 3339 defines it, with milliseconds.
fn rfc_3339() -> String {
    let text = UtcDateTime::now().map_or_else(|_| "-".to_owned(), |now| now.to_string());
    // `tz` writes nanoseconds.
    match text.split_once('.') {
        Some((seconds, rest)) => format!("{seconds}.{}Z", rest.get(..3).unwrap_or("000")),
        None => text,
    }
}

/// The time zone of this machine, as in the library's lines, for the formats with local time.
static ZONE: LazyLock<TimeZone> = LazyLock::new(|| {
    let zone = match std::env::var("TZ") {
        Ok(zone) => TimeZone::from_posix_tz(&zone),
        Err(_) => TimeZone::local(),
    };
    zone.unwrap_or_else(|_| TimeZone::utc())
});

/// The time in the Common Log Format.
fn local_now() -> String {
    DateTime::now(ZONE.as_ref()).map_or_else(|_| "-".to_owned(), |now| common_time(&now))
}

/// `22/Nov/2026:05:50:05 +0000`
fn common_time(time: &DateTime) -> String {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let month = MONTHS.get(usize::from(time.month()) - 1).unwrap_or(&"-");
    let offset = time.local_time_type().ut_offset();
    let (sign, minutes) = (if offset < 0 { '-' } else { '+' }, offset.unsigned_abs() / 60);
    let date = format!("{:02}/{month}/{:04}", time.month_day(), time.year());
    let hour = format!("{:02}:{:02}:{:02}", time.hour(), time.minute(), time.second());
    format!("{date}:{hour} {sign}{:02}{:02}", minutes / 60, minutes % 60)
}

/// Writes all available lines with one call.
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
            // If standard error fails, there is no place to report it.
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
fn common(request: &Request<'_>, time: &str) -> String {
    let user = request.user.filter(|user| !user.is_empty()).map_or_else(|| "-".to_owned(), word);
    let size = request.size.map_or_else(|| "-".to_owned(), |size| size.to_string());
    let Request { client, line, status, .. } = request;
    let client = word(client);
    format!("{client} - {user} [{time}] \"{}\" {status} {size}", quotable(line))
}

/// The Combined Log Format of Apache and nginx.
fn combined(request: &Request<'_>, time: &str) -> String {
    let or_dash = |value: Option<&str>| value.map_or_else(|| "-".to_owned(), quotable);
    let common = common(request, time);
    format!("{common} \"{}\" \"{}\"", or_dash(request.referer), or_dash(request.user_agent))
}

fn as_json(request: &Request<'_>, time: &str) -> String {
    let mut fields = Map::new();
    let mut add = |name: &str, value: Value| fields.insert(name.to_owned(), value);
    add("time", time.into());
    add("client", request.client.into());
    if let Some(user) = request.user {
        add("user", user.into());
    }
    // A malformed request line has no parts.
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
    escaped_json(&Value::Object(fields))
}

/// JSON that cannot control a terminal: also escapes what JSON allows but could mislead a terminal or a reader.
fn escaped_json(value: &Value) -> String {
    let json = value.to_string();
    if !json.contains(is_misleading) {
        return json;
    }
    let mut out = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        if is_misleading(c) {
            // These occur only in strings. A character beyond 16 bits becomes a surrogate pair.
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    out
}

/// Whether a character could mislead a terminal or a reader of the line: a control character, or one that reverses the text or
/// is invisible.
fn is_misleading(c: char) -> bool {
    matches!(c, '\0'..='\x1f' | '\x7f'..='\u{9f}') || is_unseen(c)
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// Escapes text for use between double quotes, so that a client cannot end them, add a line or control a terminal.
fn quotable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in shortened(text).chars() {
        match c {
            // Writing to a `String` cannot fail.
            '"' | '\\' | '\0'..='\u{ff}' if c == '"' || c == '\\' || is_misleading(c) => {
                let _ = write!(out, "\\x{:02x}", u32::from(c));
            }
            c if is_misleading(c) => out.extend(c.escape_unicode().filter(|c| !matches!(c, '{' | '}'))),
            c => out.push(c),
        }
    }
    out
}

/// Escapes text for use without quotes.
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
        let now = "22/Nov/2026:05:50:05 +0000";
        let line = "127.0.0.1 - ann_b [22/Nov/2026:05:50:05 +0000] \"GET /a\\x22b\\x5c HTTP/1.1\" 200 17";
        assert_eq!(common(&request(), now), line);
        let wanted = format!("{line} \"-\" \"x\\x0d\\x0a127.0.0.1 - - \\x1b[2J\"");
        assert_eq!(combined(&request(), now), wanted);
        let json = as_json(&request(), "2026-11-22T05:50:05.000Z");
        assert!(!json.contains(['\n', '\u{1b}']), "{json}");
        let read: Value = serde_json::from_str(&json).unwrap();
        assert_eq!((&read["path"], &read["size"]), (&json!("/a\"b\\"), &json!(17)));
        assert_eq!(read["time"], "2026-11-22T05:50:05.000Z");
        assert_eq!(read["user_agent"], "x\r\n127.0.0.1 - - \u{1b}[2J");
    }

    #[test]
    fn what_misleads_is_escaped_in_every_form() {
        let text = "\u{7f}\u{9b}2J\u{202e}\u{200b}\u{e0041}\u{e9}";
        let request =
            Request { user: Some(text), path: text, line: text, user_agent: Some(text), ..request() };
        let escaped = "\\x7f\\x9b2J\\u202e\\u200b\\ue0041\u{e9}";
        let line = combined(&request, "now");
        assert_eq!(line, format!("127.0.0.1 - {escaped} [now] \"{escaped}\" 200 17 \"-\" \"{escaped}\""));
        let json = as_json(&request, "now");
        assert!(!json.contains(is_misleading), "{json:?}");
        let read: Value = serde_json::from_str(&json).unwrap();
        assert!(read["user"] == text && read["path"] == text && read["user_agent"] == text, "{json}");
        let message = escaped_json(&json!({ "message": text }));
        assert_eq!(serde_json::from_str::<Value>(&message).unwrap()["message"], text);
    }

    #[test]
    fn times() {
        let zone = TimeZone::from_posix_tz("<-0330>3:30").unwrap();
        let time = DateTime::from_timespec(1_795_326_605, 0, zone.as_ref()).unwrap();
        assert_eq!(common_time(&time), "22/Nov/2026:02:20:05 -0330");
        let now = rfc_3339();
        assert!(
            now.starts_with("20") && now.len() == "2026-11-22T05:50:05.000Z".len() && now.ends_with('Z'),
            "{now}"
        );
    }

    #[test]
    fn what_a_client_sends_is_cut() {
        let long = "\u{e9}".repeat(SHOWN + 1);
        assert_eq!(quotable(&long).chars().count(), SHOWN + 3);
    }
}
