//! Checks a port from Python: sends the same requests to the Python handler and to its port, and prints the differences
//! between their responses.
//!
//! ```text
//! python3 my_server.py 8001 &
//! cargo run --bin my_port &
//! cargo run --example compare -- [--undocumented] 127.0.0.1:8001 127.0.0.1:8002 [FOLDER]
//! ```
//!
//! Each file in FOLDER contains the bytes that a client sends on one connection. Without FOLDER, a few requests are sent
//! that any handler can answer. Versions, codes, messages, fields and bodies are compared. The framing (`Content-Length`,
//! `Transfer-Encoding`, `Connection`), `Date` and `Server` are not, since the server decides them. `--undocumented` skips the
//! deliberate differences that the guide to porting describes: the responses to malformed request lines and to HEAD, and the
//! field `Allow`. The exit code is 0 if nothing differs, 1 if something does, and 2 if the comparison failed.

use std::collections::BTreeSet;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;
use std::{env, fs};

const CORPUS: &[(&str, &str)] = &[
    ("GET, HTTP/1.0", "GET / HTTP/1.0\r\n\r\n"),
    ("GET, HTTP/1.1", "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"),
    ("GET with a query", "GET /?a=1&b=%20 HTTP/1.0\r\n\r\n"),
    ("GET of a missing path", "GET /there/is/no/such/page HTTP/1.0\r\n\r\n"),
    ("HEAD", "HEAD / HTTP/1.0\r\n\r\n"),
    (
        "POST of a form",
        "POST / HTTP/1.0\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 7\r\n\r\na=1&b=2",
    ),
    ("POST of nothing", "POST / HTTP/1.0\r\nContent-Length: 0\r\n\r\n"),
    ("PUT", "PUT /x HTTP/1.0\r\nContent-Length: 4\r\n\r\nbody"),
    ("DELETE", "DELETE /x HTTP/1.0\r\n\r\n"),
    ("OPTIONS", "OPTIONS / HTTP/1.0\r\n\r\n"),
    ("an unknown method", "SPAMSPAM / HTTP/1.0\r\n\r\n"),
    ("a malformed request line", "GET\r\n\r\n"),
    ("a version from the future", "GET / HTTP/9.9\r\n\r\n"),
    (
        "two requests",
        "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    ),
];

/// Fields that the server decides, not the handler.
const LEFT_OUT: [&str; 5] = ["connection", "content-length", "date", "server", "transfer-encoding"];

const PATIENCE: Duration = Duration::from_secs(10);
const MOST: u64 = 16 * 1024 * 1024;

fn main() -> ExitCode {
    let (switches, arguments): (Vec<String>, Vec<String>) =
        env::args().skip(1).partition(|argument| argument.starts_with("--"));
    let all = match switches.as_slice() {
        [] => true,
        [switch] if switch == "--undocumented" => false,
        _ => return usage(),
    };
    let (Some(python), Some(port)) = (arguments.first(), arguments.get(1)) else {
        return usage();
    };
    match compare(python, port, arguments.get(2).map(Path::new), all) {
        Ok(0) => {
            println!("no differences");
            ExitCode::SUCCESS
        }
        Ok(count) => {
            println!("{count} requests are answered differently");
            ExitCode::from(1)
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

fn usage() -> ExitCode {
    eprintln!(
        "usage: compare [--undocumented] PYTHON RUST [FOLDER]\nPYTHON and RUST are the servers, as HOST:PORT"
    );
    ExitCode::from(2)
}

/// The number of requests with different responses, or, without `all`, with undocumented differences.
fn compare(python: &str, port: &str, folder: Option<&Path>, all: bool) -> io::Result<usize> {
    let mut differing = 0;
    for (name, request) in corpus(folder)? {
        if !all && is_documented(&request) {
            continue;
        }
        let (theirs, ours) = (ask(python, &request)?, ask(port, &request)?);
        let mut differences = differences(&theirs, &ours);
        differences.retain(|difference| all || !difference.starts_with("only here: allow:"));
        if !differences.is_empty() {
            differing += 1;
            println!("{name}");
            for difference in differences {
                println!("    {difference}");
            }
        }
    }
    Ok(differing)
}

/// Whether the response to a request differs on purpose: HEAD without a `do_HEAD`, and a request line that is malformed or
/// has another version.
fn is_documented(request: &[u8]) -> bool {
    let line = request.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = String::from_utf8_lossy(line).into_owned();
    let words: Vec<&str> = line.split_whitespace().collect();
    let [method, _, version] = words.as_slice() else { return true };
    *method == "HEAD" || !matches!(*version, "HTTP/1.0" | "HTTP/1.1")
}

fn corpus(folder: Option<&Path>) -> io::Result<Vec<(String, Vec<u8>)>> {
    let Some(folder) = folder else {
        return Ok(CORPUS
            .iter()
            .map(|(name, request)| ((*name).to_owned(), request.as_bytes().to_vec()))
            .collect());
    };
    let mut paths = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    let files = paths.iter().filter(|path| path.is_file());
    files.map(|path| Ok((path.display().to_string(), fs::read(path)?))).collect()
}

/// Sends these bytes to a server, and returns all that it answers.
fn ask(server: &str, request: &[u8]) -> io::Result<Vec<u8>> {
    let named = |error: io::Error| io::Error::new(error.kind(), format!("{server}: {error}"));
    let mut stream = TcpStream::connect(server).map_err(named)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut answer = Vec::new();
    // A server may refuse a request and close before it has read all of it: an error here matters only without an answer.
    let sent = stream.write_all(request).and_then(|()| stream.shutdown(Shutdown::Write));
    match stream.take(MOST).read_to_end(&mut answer) {
        Err(error) if answer.is_empty() => Err(named(sent.err().unwrap_or(error))),
        _ => Ok(answer),
    }
}

/// The head of a response, and its body without chunks.
struct Answer {
    status_line: String,
    fields: BTreeSet<String>,
    body: Vec<u8>,
}

fn differences(theirs: &[u8], ours: &[u8]) -> Vec<String> {
    let (mut theirs, mut ours) = (take_apart(theirs), take_apart(ours));
    let mut found = Vec::new();
    if theirs.len() != ours.len() {
        found.push(format!("responses: {} in Python, {} here", theirs.len(), ours.len()));
    }
    for (theirs, ours) in theirs.drain(..).zip(ours.drain(..)) {
        if theirs.status_line != ours.status_line {
            found.push(format!(
                "status line: {:?} in Python, {:?} here",
                theirs.status_line, ours.status_line
            ));
        }
        found.extend(theirs.fields.difference(&ours.fields).map(|field| format!("only in Python: {field}")));
        found.extend(ours.fields.difference(&theirs.fields).map(|field| format!("only here: {field}")));
        if theirs.body != ours.body {
            let at = theirs.body.iter().zip(&ours.body).take_while(|(a, b)| a == b).count();
            let (a, b) = (theirs.body.len(), ours.body.len());
            found.push(format!("body: {a} bytes in Python, {b} here, different from byte {at} on"));
        }
    }
    found
}

fn take_apart(mut bytes: &[u8]) -> Vec<Answer> {
    let mut answers = Vec::new();
    loop {
        // An additional line end after a body is not another response.
        while let [b'\r' | b'\n', rest @ ..] = bytes
            && !answers.is_empty()
        {
            bytes = rest;
        }
        if bytes.is_empty() {
            break;
        }
        let head_end = bytes.windows(4).position(|window| window == b"\r\n\r\n");
        let (Some(end), true) = (head_end, bytes.starts_with(b"HTTP/")) else {
            // An HTTP/0.9 response is only a body.
            answers.push(Answer {
                status_line: String::new(),
                fields: BTreeSet::new(),
                body: bytes.to_vec(),
            });
            break;
        };
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        bytes = &bytes[end + 4..];
        let mut lines = head.split("\r\n");
        let status_line = lines.next().unwrap_or_default().to_owned();
        let (mut fields, mut length, mut chunked) = (BTreeSet::new(), None, false);
        for line in lines {
            let (name, value) = line.split_once(':').unwrap_or((line, ""));
            let (name, value) = (name.to_ascii_lowercase(), value.trim());
            match name.as_str() {
                "content-length" => length = value.parse::<usize>().ok(),
                "transfer-encoding" => chunked = true,
                _ => {}
            }
            if !LEFT_OUT.contains(&name.as_str()) {
                fields.insert(format!("{name}: {value}"));
            }
        }
        let body = if chunked {
            take_chunks(&mut bytes)
        } else {
            // A response to HEAD has a length but no body. Another response, or nothing, follows.
            let is_left_out = bytes.starts_with(b"HTTP/") || bytes.is_empty();
            let length = length.filter(|_| !is_left_out).unwrap_or(if is_left_out { 0 } else { bytes.len() });
            let (body, rest) = bytes.split_at(length.min(bytes.len()));
            bytes = rest;
            body.to_vec()
        };
        answers.push(Answer { status_line, fields, body });
    }
    answers
}

/// The chunks of a body, as far as they are complete.
fn take_chunks(bytes: &mut &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(line_end) = bytes.windows(2).position(|window| window == b"\r\n") {
        let line = String::from_utf8_lossy(&bytes[..line_end]).into_owned();
        let size = usize::from_str_radix(line.split(';').next().unwrap_or_default().trim(), 16).unwrap_or(0);
        *bytes = &bytes[line_end + 2..];
        if size == 0 || size > bytes.len() {
            // Trailers, if there are any, and the empty line.
            let end = bytes.windows(2).position(|window| window == b"\r\n").map_or(bytes.len(), |at| at + 2);
            *bytes = &bytes[end..];
            break;
        }
        body.extend_from_slice(&bytes[..size]);
        *bytes = bytes.get(size + 2..).unwrap_or_default();
    }
    body
}
