//! Request vectors: what a client sends, byte for byte, and what the result must be. `vectors/README.md` has the format.

use std::fs;
use std::path::{Path, PathBuf};

/// One vector.
#[derive(Clone, Debug, Default)]
pub struct Vector {
    /// The name of its file, without the extension.
    pub name: String,
    /// The rule that it tests.
    pub rule: String,
    /// The section of the RFC, or `none`.
    pub rfc: String,
    /// The handler that it needs.
    pub handler: String,
    /// What the client sends.
    pub input: Vec<u8>,
    /// The final responses, in order.
    pub responses: Vec<Expected>,
    /// Whether the server then waits for more input.
    pub stays_open: bool,
    /// Whether the server closes because of what it has found after making the last response.
    pub is_cut: bool,
    /// How many `do_*` methods are called.
    pub calls: usize,
    /// The code of the last request's fault; empty if it has none.
    pub fault: String,
    /// Where the requests after the first one begin.
    pub begins: Vec<usize>,
    /// Whether to send it over TCP in one piece only.
    pub tcp_whole: bool,
}

/// An expected response.
#[derive(Clone, Debug, Default)]
pub struct Expected {
    /// The status code; 0 for a response without a head.
    pub status: u16,
    /// The message in the status line.
    pub reason: String,
    /// Fields that must occur once, with this value.
    pub fields: Vec<(String, String)>,
    /// Fields that must not occur.
    pub without: Vec<String>,
    /// The whole body.
    pub body: Option<Vec<u8>>,
    /// Texts that the body must contain.
    pub contains: Vec<String>,
}

/// All vectors of a folder below `vectors`, by name.
pub fn load(folder: &str) -> Vec<Vector> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors").join(folder);
    let files = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = files.map(|file| file.expect("a readable folder").path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "txt"));
    files.sort();
    let vectors: Vec<_> = files.iter().map(|file| read(file)).collect();
    assert!(!vectors.is_empty(), "no vectors in {}", folder.display());
    vectors
}

fn read(file: &Path) -> Vector {
    let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let name = file.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let vector = Vector { name, handler: "echo".to_owned(), ..Vector::default() };
    parse(&text, vector).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// Reads the text of a vector.
///
/// # Errors
/// The invalid line, and what is wrong with it.
pub fn parse(text: &str, mut vector: Vector) -> Result<Vector, String> {
    let (mut calls, mut then, mut says) = (None, false, false);
    for (number, line) in text.lines().enumerate() {
        let wrong = |why: &str| format!("line {}: {why}: {line}", number + 1);
        if line.is_empty() {
            continue;
        }
        if let Some(comment) = line.strip_prefix('#') {
            says |= !comment.trim().is_empty();
            continue;
        }
        let (mark, rest) = line.split_once(' ').ok_or_else(|| wrong("no blank after the mark"))?;
        if let Some(count) = mark.strip_suffix('>') {
            let bytes = unescape(rest).map_err(|error| wrong(&error))?;
            let count =
                count.strip_suffix('>').inspect(|_| vector.begins.push(vector.input.len())).unwrap_or(count);
            let count = if count.is_empty() { Ok(1) } else { count.parse() };
            vector.input.extend(bytes.repeat(count.map_err(|_| wrong("no number before >"))?));
            continue;
        }
        let last = vector.responses.last_mut();
        match (mark, last) {
            ("<", _) => vector.responses.push(status(rest).ok_or_else(|| wrong("no status"))?),
            ("<+", Some(response)) => {
                let (name, value) = rest.split_once(": ").ok_or_else(|| wrong("no field"))?;
                response.fields.push((name.to_owned(), value.to_owned()));
            }
            ("<-", Some(response)) => response.without.push(rest.to_owned()),
            ("<=", Some(response)) => {
                let bytes = unescape(rest).map_err(|error| wrong(&error))?;
                response.body.get_or_insert_default().extend(bytes);
            }
            ("<~", Some(response)) => response.contains.push(rest.to_owned()),
            ("rule:", _) => rest.clone_into(&mut vector.rule),
            ("rfc:", _) => rest.clone_into(&mut vector.rfc),
            ("handler:", _) => rest.clone_into(&mut vector.handler),
            ("tcp:", _) if rest == "whole" => vector.tcp_whole = true,
            ("fault:", _) => rest.clone_into(&mut vector.fault),
            ("calls:", _) => calls = Some(rest.parse().map_err(|_| wrong("no number"))?),
            ("then:", _) if matches!(rest, "open" | "closed" | "cut") => {
                (then, vector.stays_open, vector.is_cut) = (true, rest == "open", rest == "cut");
            }
            _ => return Err(wrong("nothing that a vector has")),
        }
    }
    let missing = [
        ("a comment that says what it is about", says),
        ("rule:", !vector.rule.is_empty()),
        ("rfc:", !vector.rfc.is_empty()),
        ("then:", then),
        ("a request", !vector.input.is_empty()),
    ];
    if let Some((what, _)) = missing.iter().find(|(_, there)| !there) {
        return Err(format!("{what} is missing"));
    }
    vector.calls =
        calls.unwrap_or_else(|| vector.responses.iter().filter(|response| response.status < 400).count());
    Ok(vector)
}

fn status(text: &str) -> Option<Expected> {
    let (status, reason) = text.split_once(' ').unwrap_or((text, ""));
    Some(Expected { status: status.parse().ok()?, reason: reason.to_owned(), ..Expected::default() })
}

/// Bytes from text with `\r`, `\n`, `\t`, `\0`, `\\` and `\xHH`; other characters stand for their bytes in UTF-8.
fn unescape(text: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            bytes.extend(character.encode_utf8(&mut [0; 4]).as_bytes());
            continue;
        }
        bytes.push(match characters.next() {
            Some('r') => b'\r',
            Some('n') => b'\n',
            Some('t') => b'\t',
            Some('0') => 0,
            Some('\\') => b'\\',
            Some('x') => {
                let digits: String = characters.by_ref().take(2).collect();
                u8::from_str_radix(&digits, 16).map_err(|_| format!("bad escape \\x{digits}"))?
            }
            other => return Err(format!("bad escape \\{}", other.unwrap_or(' '))),
        });
    }
    Ok(bytes)
}

impl Vector {
    /// The input in single bytes. A long one comes in pieces of 1000 bytes, with single bytes at its end.
    pub fn bytewise(&self) -> Vec<&[u8]> {
        const LONG: usize = 4096;
        if self.input.len() <= LONG {
            return self.input.chunks(1).collect();
        }
        let (start, end) = self.input.split_at(self.input.len() - 200);
        start.chunks(1000).chain(end.chunks(1)).collect()
    }

    /// Where to split the input in two: at every position, or, in a long one, at every position near its ends and at some
    /// others.
    pub fn splits(&self) -> Vec<usize> {
        let len = self.input.len();
        let near = match len {
            ..=1024 => len,
            1025..=100_000 => 60,
            _ => 20,
        };
        (1..len).filter(|at| *at < near || at + near > len || at.is_multiple_of(16381)).collect()
    }
}
