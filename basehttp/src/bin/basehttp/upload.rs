//! Files that come in: `multipart/form-data`, RFC 7578.

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use basehttp::prelude::*;
use basehttp::{Content, FileRequestHandler, Listing};
use futures_util::stream::poll_fn;
use multer::bytes::Bytes;
use multer::{Constraints, Field, Multipart, SizeLimit};
use serde_json::json;
use tempfile::NamedTempFile;

use crate::site::Upload;

const FORM: &str = include_str!("form.html");

/// So much is read at a time.
const PIECE: usize = 64 * 1024;

/// Why an upload is refused.
struct Refusal {
    status: u16,
    message: String,
}

/// What ends an upload: the client is told, or it is the client's own doing, which the server answers.
enum Failure {
    Refused(Refusal),
    Body(io::Error),
}

/// The listing with a form above it. Its script shows how far an upload is; without it, the form works all the same.
pub(crate) fn list_with_form<H: FileRequestHandler>(handler: &H, path: &Path) -> io::Result<Option<Content>> {
    let nonce = format!("{:016x}{:016x}", RandomState::new().hash_one(0), RandomState::new().hash_one(1));
    let policy = format!(
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'nonce-{nonce}'; connect-src 'self'; form-action 'self'; \
         base-uri 'none'; frame-ancestors 'none'"
    );
    match Listing::of(handler, path) {
        Ok(listing) => {
            listing.with(FORM.replace("NONCE", &nonce)).content_security_policy(policy).send(handler)
        }
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            handler.send_error((403, "No permission to list directory")).map(|()| None)
        }
        Err(_) => handler.send_error((404, "File not found")).map(|()| None),
    }
}

/// Takes the files of a form into the folder that the request names.
pub(crate) fn receive<H>(handler: &H, upload: Upload) -> io::Result<()>
where
    H: FileRequestHandler + RequestHandler<MessageClass = Headers>,
{
    let names = match take(handler, upload) {
        Ok(names) => names,
        Err(Failure::Body(error)) => return Err(error),
        Err(Failure::Refused(Refusal { status, message })) => {
            // What still comes of it is for nobody.
            return handler.send_error((status, message));
        }
    };
    for name in &names {
        handler.log_message(format_args!("took {name:?}"));
    }
    if handler.headers().get("Accept").is_some_and(|accept| accept.contains("application/json")) {
        let body = json!({ "files": names }).to_string();
        handler.send_response(201);
        handler.send_header("Content-Type", "application/json");
        handler.end_headers()?;
        return handler.wfile.write_all(body.as_bytes());
    }
    // To the page that shows them, by GET: RFC 9110 section 15.4.4.
    let path = handler.path().split(['?', '#']).next().unwrap_or("/");
    handler.send_response(303);
    handler.send_header("Location", path);
    handler.end_headers()
}

fn take<H>(handler: &H, upload: Upload) -> Result<Vec<String>, Failure>
where
    H: FileRequestHandler + RequestHandler<MessageClass = Headers>,
{
    check_origin(handler.headers())?;
    let folder = folder(handler)?;
    let headers = handler.headers();
    let declared =
        headers.get("Content-Length").filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    if declared.is_some_and(|text| text.parse().map_or(true, |length: u64| length > upload.limit)) {
        return Err(too_large(upload));
    }
    let boundary = headers.get("Content-Type").map(multer::parse_boundary);
    let Some(Ok(boundary)) = boundary else {
        return Err(refused(415, "An upload is a form, multipart/form-data"));
    };
    let pieces = Pieces::default();
    let source = pieces.clone();
    let limit = SizeLimit::new().whole_stream(upload.limit);
    let mut form = Multipart::with_constraints(
        poll_fn(move |_| source.next()),
        boundary,
        Constraints::new().size_limit(limit),
    );
    let mut names = Vec::new();
    loop {
        let Some(field) =
            drive(form.next_field(), handler, &pieces)?.map_err(|error| wrong(&error, upload))?
        else {
            return if names.is_empty() {
                Err(refused(400, "There is no file in the form"))
            } else {
                Ok(names)
            };
        };
        if let Some(name) = field.file_name().filter(|name| !name.is_empty()) {
            let name = safe(name).ok_or_else(|| refused(400, format!("A file cannot be called {name:?}")))?;
            store(field, handler, &pieces, &folder.join(&name), upload)?;
            names.push(name);
        }
    }
}

/// Other sites must not make a visitor's browser upload: it would come with the visitor's password, and to addresses that
/// only the visitor can reach.
fn check_origin(headers: &Headers) -> Result<(), Failure> {
    let elsewhere = match (headers.get("Sec-Fetch-Site"), headers.get("Origin")) {
        (Some(site), _) => !matches!(site, "same-origin" | "none"),
        (None, Some(origin)) => {
            let host = origin.split_once("://").map(|(_, host)| host);
            host.is_none() || host != headers.get("Host")
        }
        (None, None) => false,
    };
    if elsewhere { Err(refused(403, "Uploads come from pages of this server only")) } else { Ok(()) }
}

/// Where the folder is that the request names.
fn folder<H: FileRequestHandler>(handler: &H) -> Result<PathBuf, Failure> {
    let path = handler.translate_path(handler.path());
    let found = path.and_then(|path| Some((handler.directory().metadata(&path).ok()?, path)));
    match found {
        Some((metadata, path)) if metadata.is_dir() => Ok(handler.directory().path().join(path)),
        _ => Err(refused(404, "There is no such folder to upload to")),
    }
}

/// The last part of the name that a client gives to a file, if a file can be called so on any system.
fn safe(name: &str) -> Option<String> {
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default().trim();
    let stem = name.split('.').next().unwrap_or_default().to_ascii_uppercase();
    let is_device = matches!(&*stem, "CON" | "PRN" | "AUX" | "NUL")
        || (stem.len() == 4 && (stem.starts_with("COM") || stem.starts_with("LPT")));
    let is_fine = !name.is_empty()
        && name.len() <= 255
        && !name.starts_with('.')
        && !name.ends_with('.')
        && !is_device
        && !name.contains(|letter: char| letter.is_control() || ":*?\"<>|".contains(letter));
    is_fine.then(|| name.to_owned())
}

/// Writes a file beside its place, and gives it its name when it is whole. What fails leaves nothing behind.
fn store<H: RequestHandler>(
    mut field: Field<'_>,
    handler: &H,
    pieces: &Pieces,
    path: &Path,
    upload: Upload,
) -> Result<(), Failure> {
    let is_there = || refused(409, "There is a file of this name");
    if !upload.overwrite && path.symlink_metadata().is_ok() {
        return Err(is_there());
    }
    let mut file = temporary(path).map_err(|error| unwritable(&error))?;
    while let Some(bytes) = drive(field.chunk(), handler, pieces)?.map_err(|error| wrong(&error, upload))? {
        file.write_all(&bytes).map_err(|error| unwritable(&error))?;
    }
    let kept = if upload.overwrite { file.persist(path) } else { file.persist_noclobber(path) };
    match kept {
        Ok(_) => Ok(()),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Err(is_there()),
        Err(error) => Err(unwritable(&error.error)),
    }
}

fn temporary(path: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".upload-");
    // As any other file that its user makes; the system takes the umask off.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(path.parent().unwrap_or(Path::new(".")))
}

fn unwritable(error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            refused(507, "There is no room for it")
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            refused(403, "Nothing may be written to this folder")
        }
        _ => refused(500, format!("The file cannot be written: {error}")),
    }
}

fn too_large(upload: Upload) -> Failure {
    refused(413, format!("An upload may have {} bytes", upload.limit))
}

fn wrong(error: &multer::Error, upload: Upload) -> Failure {
    match error {
        multer::Error::StreamSizeExceeded { .. } => too_large(upload),
        error => refused(400, format!("The form is broken: {error}")),
    }
}

fn refused(status: u16, message: impl fmt::Display) -> Failure {
    Failure::Refused(Refusal { status, message: message.to_string() })
}

/// The body on its way to the parser of the form, which is one for asynchronous programs: it asks, and what it asks for is
/// read from the client then.
#[derive(Clone, Default)]
struct Pieces(Arc<Mutex<Waiting>>);

#[derive(Default)]
struct Waiting {
    pieces: VecDeque<Bytes>,
    is_over: bool,
}

impl Pieces {
    fn next(&self) -> Poll<Option<io::Result<Bytes>>> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match waiting.pieces.pop_front() {
            Some(piece) => Poll::Ready(Some(Ok(piece))),
            None if waiting.is_over => Poll::Ready(None),
            None => Poll::Pending,
        }
    }

    fn read_from<H: RequestHandler>(&self, handler: &H) -> io::Result<()> {
        let mut buffer = vec![0; PIECE];
        let count = handler.rfile.read(&mut buffer)?;
        buffer.truncate(count);
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.is_over |= count == 0;
        if count > 0 {
            waiting.pieces.push_back(buffer.into());
        }
        Ok(())
    }
}

/// Reads from the client for as long as the parser has to wait for it.
fn drive<F: Future, H: RequestHandler>(
    future: F,
    handler: &H,
    pieces: &Pieces,
) -> Result<F::Output, Failure> {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(output) => return Ok(output),
            Poll::Pending => pieces.read_from(handler).map_err(Failure::Body)?,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files() {
        for (name, safe_name) in [
            ("a.txt", Some("a.txt")),
            ("C:\\Users\\me\\a b.txt", Some("a b.txt")),
            ("../../etc/passwd", Some("passwd")),
            ("\u{1f600}.png", Some("\u{1f600}.png")),
            ("..", None),
            (".htaccess", None),
            ("a/", None),
            ("con.txt", None),
            ("LPT1", None),
            ("a\nb", None),
            ("a:b", None),
            ("a.", None),
            ("", None),
        ] {
            assert_eq!(safe(name).as_deref(), safe_name, "{name:?}");
        }
        assert_eq!(safe(&"x".repeat(256)), None);
    }
}
