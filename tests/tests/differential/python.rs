//! Python's `http.server` and `http.client` on the same bytes: requests as both understand them, and our responses as Python
//! reads them.

use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use basehttp::Fault;
use basehttp::prelude::*;
use basehttp::testing::run as run_in_memory;
use proptest::prelude::*;

use crate::grammar;
use crate::table::{Row, Verdict, run};

const ROWS: &[Row] = &[
    Row {
        name: "stricter-request-line",
        why: "one blank between three words; Python splits at any run of what Unicode calls white space",
        rfc: "9112 3",
        example: b"GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
    },
    Row {
        name: "stricter-target",
        why: "a target has a form, which its method can have; Python hands on any word",
        rfc: "9112 3.2",
        example: b"GET a:80 HTTP/1.1\r\nHost: a\r\n\r\n",
    },
    Row {
        name: "stricter-version",
        why: "one digit, a point, one digit, after a name in upper case; Python takes numbers",
        rfc: "9112 2.3",
        example: b"GET / HTTP/1.10\r\nHost: a\r\n\r\n",
    },
    Row {
        name: "stricter-fields",
        why: "what is no field line is refused; Python drops it, ends the fields there, or folds it",
        rfc: "9112 5",
        example: b"GET / HTTP/1.1\r\nHost: a\r\nX : y\r\n\r\n",
    },
    Row {
        name: "stricter-bare-cr",
        why: "Python takes a CR alone for a byte of a value, or for the end of a line",
        rfc: "9112 2.2",
        example: b"GET / HTTP/1.1\r\nHost: a\r\nX: a\rY: b\r\n\r\n",
    },
    Row {
        name: "stricter-host",
        why: "HTTP/1.1 has one Host, and a good one; Python does not look",
        rfc: "9112 3.2",
        example: b"GET / HTTP/1.1\r\n\r\n",
    },
    Row {
        name: "stricter-framing",
        why: "Content-Length and Transfer-Encoding leave one reading; Python looks at neither",
        rfc: "9112 6.3",
        example: b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
    },
    Row {
        name: "stricter-expect",
        why: "an expectation that is not known is refused; Python does not look",
        rfc: "9110 10.1.1",
        example: b"POST / HTTP/1.1\r\nHost: a\r\nExpect: x\r\n\r\n",
    },
    Row {
        name: "stricter-end",
        why: "a head that is not all there is refused; Python takes the end of the input for the end of the head",
        rfc: "9112 8",
        example: b"GET / HTTP/1.1\r\nHost: a\r\n",
    },
    Row {
        name: "another-status",
        why: "both refuse it; what Python does not look at is refused first here, or Python stumbles over it later",
        rfc: "none",
        example: b"SPAM / HTTP/1.1\r\nX(: y\r\n\r\n",
    },
    Row {
        name: "empty-lines-before",
        why: "empty lines before the request line are skipped; Python closes the connection without a word",
        rfc: "9112 2.2",
        example: b"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
    },
    Row {
        name: "unicode-blank-in-target",
        why: "the target is what stands between two blanks; Python's split() has 0x85 and 0xA0 for blanks too",
        rfc: "9112 3",
        example: b"GET /\xa0x HTTP/1.1\r\nHost: a\r\n\r\n",
    },
    Row {
        name: "simple-request-without-fields",
        why: "a request of HTTP/0.9 is one line; Python reads fields behind it",
        rfc: "1945 5",
        example: b"GET /\r\nHost: a\r\n\r\n",
    },
    Row {
        name: "fields-in-http09",
        why: "HTTP/0.9 has no fields, so a request that names it and has some is refused; Python answers it without a head",
        rfc: "9110 2.5",
        example: b"GET / HTTP/0.9\r\nA: b\r\n\r\n",
    },
    Row {
        name: "hundred-fields",
        why: "100 fields are taken; Python counts the empty line as one",
        rfc: "6585 5",
        example: &HUNDRED_FIELDS,
    },
    Row {
        name: "blanks-after-value",
        why: "they are no part of the value; Python keeps them",
        rfc: "9112 5.1",
        example: b"GET / HTTP/1.1\r\nHost: a\r\nX: y \r\n\r\n",
    },
];

const HUNDRED_FIELDS: [u8; 16 + 9 + 99 * 6 + 2] = {
    let mut bytes = [0; 16 + 9 + 99 * 6 + 2];
    let (start, field) = (b"GET / HTTP/1.1\r\nHost: a\r\n", b"X: y\r\n");
    let mut at = 0;
    while at < bytes.len() {
        bytes[at] = if at < 25 { start[at] } else { field[(at - 25) % 6] };
        at += 1;
    }
    bytes[at - 2] = b'\r';
    bytes[at - 1] = b'\n';
    bytes
};

/// A Python process that runs `peer.py`.
struct Peer {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Peer {
    /// `None` if Python is not installed.
    fn new() -> Option<Self> {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/differential/peer.py");
        let mut command = Command::new("python3");
        command.args(["-I", script]).stdin(Stdio::piped()).stdout(Stdio::piped());
        match command.spawn() {
            Ok(mut child) => {
                let input = child.stdin.take().expect("a pipe");
                let output = BufReader::new(child.stdout.take().expect("a pipe"));
                Some(Self { child, input, output })
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                basehttp_tests::left_out("what is compared with Python: there is no python3");
                None
            }
            Err(error) => panic!("python3: {error}"),
        }
    }

    fn ask(&mut self, words: &str, bytes: &[u8]) -> String {
        let hex = bytes.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
        writeln!(self.input, "{words} {hex}").expect("Python listens");
        let mut answer = String::new();
        self.output.read_line(&mut answer).expect("Python answers");
        assert!(answer.ends_with('\n'), "Python is gone: {answer:?}");
        answer.trim_end().to_owned()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn unhex(text: &str) -> String {
    let pairs = text.as_bytes().chunks(2);
    let byte =
        |pair: &[u8]| std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok());
    pairs.map(|pair| char::from(byte(pair).unwrap_or_else(|| panic!("no hex: {text:?}")))).collect()
}

fn field(text: &str) -> (String, String) {
    let (name, value) = text.split_once('=').unwrap_or_else(|| panic!("no field: {text:?}"));
    (unhex(name), unhex(value))
}

/// A request as a handler sees it; its strings are latin-1.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    command: String,
    path: String,
    version: String,
    fields: Vec<(String, String)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Outcome {
    Seen(Seen),
    Refused(u16),
    Nothing,
}

/// Records what it sees.
struct Watcher {
    base: BaseHTTPRequestHandler,
    seen: Arc<Mutex<Vec<Seen>>>,
    fault: Arc<Mutex<Option<Fault>>>,
}

#[http_handler]
impl Watcher {
    const protocol_version: &str = "HTTP/1.1";

    fn do_GET(&self) {
        let text = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        let seen = Seen {
            command: self.command().to_owned(),
            path: self.path().to_owned(),
            version: self.request_version().to_owned(),
            fields: self.headers().iter().map(text).collect(),
        };
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).push(seen);
        self.set_close_connection(true);
        self.send_response(200);
        let _ = self.end_headers();
    }

    fn do_POST(&self) {
        self.do_GET();
    }

    fn log_error(&self, _message: std::fmt::Arguments<'_>) {
        *self.fault.lock().unwrap_or_else(PoisonError::into_inner) = self.fault();
    }

    fn log_message(&self, _message: std::fmt::Arguments<'_>) {}
}

/// The result of the first request.
fn ours(input: &[u8]) -> (Outcome, Option<Fault>) {
    let (seen, fault) = (Arc::default(), Arc::default());
    let run =
        run_in_memory(|base| Watcher { base, seen: Arc::clone(&seen), fault: Arc::clone(&fault) }, [input]);
    let first = seen.lock().unwrap_or_else(PoisonError::into_inner).first().cloned();
    let outcome = match (first, run.responses.first()) {
        (Some(seen), _) => Outcome::Seen(seen),
        (None, Some(response)) if response.status > 0 => Outcome::Refused(response.status),
        // A refusal for which HTTP/0.9 has no head.
        (None, Some(_)) => Outcome::Refused(400),
        (None, None) => Outcome::Nothing,
    };
    let fault = *fault.lock().unwrap_or_else(PoisonError::into_inner);
    (outcome, fault)
}

fn theirs(peer: &mut Peer, input: &[u8]) -> Outcome {
    let answer = peer.ask("request", input);
    let words: Vec<_> = answer.split(' ').collect();
    match words[..] {
        ["ok", command, path, version, ref fields @ ..] => Outcome::Seen(Seen {
            command: unhex(command),
            path: unhex(path),
            version: unhex(version),
            fields: fields.iter().map(|text| field(text)).collect(),
        }),
        ["error", code] => Outcome::Refused(code.parse().expect("a status")),
        ["nothing"] => Outcome::Nothing,
        _ => panic!("what Python says: {answer:?}"),
    }
}

fn compare(peer: &mut Peer, input: &[u8]) -> Result<Verdict, String> {
    let ((mine, fault), other) = (ours(input), theirs(peer, input));
    let unnamed = || Err(format!("we say {mine:?} ({fault:?}), Python says {other:?}"));
    let skipped = input.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    let line = input[skipped..].split(|byte| *byte == b'\n').next().unwrap_or_default();
    let unicode_blank = line.iter().any(|byte| matches!(byte, 0x85 | 0xa0));
    match (&mine, &other) {
        (Outcome::Seen(mine), Outcome::Seen(other)) => {
            let trimmed = |(name, value): &(String, String)| {
                (name.clone(), value.trim_end_matches([' ', '\t']).to_owned())
            };
            let fields: Vec<_> = other.fields.iter().map(trimmed).collect();
            if mine == other {
                Ok(Verdict::Accepted)
            } else if *mine == (Seen { fields, ..other.clone() }) {
                Ok(Verdict::Named("blanks-after-value"))
            } else if is_simple(mine, line) && *mine == (Seen { fields: Vec::new(), ..other.clone() }) {
                Ok(Verdict::Named("simple-request-without-fields"))
            } else if unicode_blank {
                Ok(Verdict::Named("unicode-blank-in-target"))
            } else {
                unnamed()
            }
        }
        (Outcome::Refused(mine), Outcome::Refused(other)) if mine == other => Ok(Verdict::Refused),
        (Outcome::Nothing, Outcome::Nothing) => Ok(Verdict::Refused),
        (_, Outcome::Nothing) if skipped > 0 => Ok(Verdict::Named("empty-lines-before")),
        (Outcome::Refused(_), Outcome::Refused(_)) => Ok(Verdict::Named("another-status")),
        (Outcome::Seen(_), Outcome::Refused(_)) if unicode_blank => {
            Ok(Verdict::Named("unicode-blank-in-target"))
        }
        (Outcome::Seen(seen), Outcome::Refused(431)) if is_simple(seen, line) => {
            Ok(Verdict::Named("simple-request-without-fields"))
        }
        (Outcome::Seen(seen), Outcome::Refused(431)) if seen.fields.len() == 100 => {
            Ok(Verdict::Named("hundred-fields"))
        }
        (Outcome::Refused(_), Outcome::Seen(_) | Outcome::Nothing) => match fault {
            Some(fault) => row_of(fault).map_or_else(unnamed, |name| Ok(Verdict::Named(name))),
            None => unnamed(),
        },
        _ => unnamed(),
    }
}

/// Whether the line has no version.
fn is_simple(seen: &Seen, line: &[u8]) -> bool {
    seen.version == "HTTP/0.9" && !line.windows(9).any(|word| word == b" HTTP/0.9")
}

/// The table row for what Python accepts and we do not.
fn row_of(fault: Fault) -> Option<&'static str> {
    Some(match fault {
        Fault::BadRequestLine | Fault::BadSimpleRequest => "stricter-request-line",
        Fault::BadTarget => "stricter-target",
        Fault::BadVersion => "stricter-version",
        Fault::UnsupportedVersion => "fields-in-http09",
        Fault::MissingColon
        | Fault::BadFieldName
        | Fault::BlankBeforeColon
        | Fault::ObsFold
        | Fault::BadFieldValue => "stricter-fields",
        Fault::BareCr => "stricter-bare-cr",
        Fault::MissingHost | Fault::DuplicateHost | Fault::BadHost => "stricter-host",
        Fault::BadContentLength
        | Fault::DuplicateContentLength
        | Fault::LengthWithTransferEncoding
        | Fault::TransferEncodingInHttp10
        | Fault::ChunkedNotLast
        | Fault::ChunkedTwice
        | Fault::BadTransferEncoding
        | Fault::UnknownTransferCoding => "stricter-framing",
        Fault::BadExpectation => "stricter-expect",
        Fault::IncompleteHead => "stricter-end",
        _ => return None,
    })
}

#[test]
fn requests_as_python_has_them() {
    let Some(peer) = Peer::new() else { return };
    let peer = Mutex::new(peer);
    let compare = |input: &[u8]| compare(&mut peer.lock().unwrap_or_else(PoisonError::into_inner), input);
    run("requests, beside Python's http.server", "python", 1_000, ROWS, grammar::head(), compare);
}

/// Responses as their target says: `/204`, or `/200/70000/flush` for a body of that length, flushed in between.
struct Replier {
    base: BaseHTTPRequestHandler,
}

#[http_handler]
impl Replier {
    const protocol_version: &str = "HTTP/1.1";

    fn do_GET(&self) -> io::Result<()> {
        let mut words = self.path().split('/').skip(1);
        let status: u16 = words.next().and_then(|word| word.parse().ok()).unwrap_or(200);
        let length: usize = words.next().and_then(|word| word.parse().ok()).unwrap_or(0);
        let flushes = words.next() == Some("flush");
        self.send_response((status, "Very \u{e4}"));
        self.send_header("X-Odd", "a, \"b\"  \u{ff}");
        self.send_header("X-Empty", "");
        self.end_headers()?;
        for piece in vec![b'x'; length].chunks(20_000) {
            self.wfile.write_all(piece)?;
            if flushes {
                self.wfile.flush()?;
            }
        }
        Ok(())
    }

    fn log_message(&self, _message: std::fmt::Arguments<'_>) {}
}

/// A few requests on one connection.
fn conversation() -> impl Strategy<Value = Vec<(&'static str, String)>> {
    let method = prop::sample::select(vec!["GET", "GET", "HEAD", "SPAM"]);
    let status = prop::sample::select(vec![200, 204, 205, 304, 404, 500]);
    let length = prop::sample::select(vec![0, 1, 5, 1000, 65536, 70_000]);
    let version = prop::sample::select(vec!["HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.0"]);
    let request = (method, status, length, any::<bool>(), version, any::<bool>());
    let request = request.prop_map(|(method, status, length, flush, version, keeps)| {
        let length = if matches!(status, 204 | 205 | 304) { 0 } else { length };
        let flush = if flush { "/flush" } else { "" };
        let connection = if keeps { "Connection: keep-alive\r\n" } else { "" };
        let text = format!("{method} /{status}/{length}{flush} {version}\r\nHost: a\r\n{connection}\r\n");
        (method, text)
    });
    prop::collection::vec(request, 1..5)
}

/// Python and our own reader read the same from our responses, and Python leaves no bytes over.
#[test]
fn our_responses_as_python_reads_them() {
    let Some(peer) = Peer::new() else { return };
    let peer = Mutex::new(peer);
    let responses = std::sync::atomic::AtomicUsize::new(0);
    proptest!(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() }, |(requests in conversation())| {
        let input: String = requests.iter().map(|(_, text)| &**text).collect();
        let run = run_in_memory(|base| Replier { base }, [&input]);
        let methods: Vec<_> = requests.iter().map(|(method, _)| *method).take(run.responses.len()).collect();
        let mut peer = peer.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = peer.ask(&format!("responses {}", methods.join(",")), &run.output);
        let mut found: Vec<_> = answer.split(' ').collect();
        prop_assert_eq!(found.pop(), Some("rest,"), "{}", answer);
        prop_assert_eq!(found.len(), run.responses.len(), "{}", answer);
        for (text, response) in found.iter().zip(&run.responses) {
            let words: Vec<_> = text.split(',').collect();
            prop_assert!(words.len() > 3 && words[0] != "broken", "{}", words.last().map_or(String::new(), |word| unhex(word)));
            let version = if response.version == "HTTP/1.1" { "11" } else { "10" };
            prop_assert_eq!((words[0], words[1]), (version, &*response.status.to_string()));
            prop_assert_eq!(unhex(words[2]), &*response.reason);
            prop_assert_eq!(unhex(words[3]).len(), response.body.len());
            let fields: Vec<_> = words[4..].iter().map(|word| field(word)).collect();
            let ours: Vec<_> = response.headers.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
            prop_assert_eq!(fields, ours);
            responses.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        }
    });
    let _ = writeln!(io::stderr(), "our responses, read by Python's http.client: {}", responses.into_inner());
}
