//! The response with a file of a folder: whether there is one, and which version of it is sent.

use std::borrow::Cow;
use std::fs::{File, Metadata};
use std::io;
use std::path::Path;

use super::coding::{Coding, accepted, is_compressible, of_name};
use super::conditional::Validators;
use super::content::Source;
use super::media_type::START;
use super::open_beneath::Opened;
use super::representation::Representation;
use super::target::with_slash;
use super::{Content, Directory};
use crate::handler::RequestHandler;
use crate::handler::wire::read_at;
use crate::proto::status::HTTPStatus;
use crate::sync::Arc;

/// The answer when there is no file to send. Hidden files are answered as if they did not exist.
pub(crate) fn refuse<H: RequestHandler>(handler: &H, error: &io::Error) -> io::Result<Option<Content>> {
    use io::ErrorKind::PermissionDenied;
    /// EMFILE and ENFILE: no descriptor is left.
    const NO_DESCRIPTOR: [i32; 2] = [24, 23];
    /// `ERROR_SHARING_VIOLATION` and `ERROR_LOCK_VIOLATION`: another program has the file for itself.
    const LOCKED: [i32; 2] = [32, 33];

    let out_of_descriptors =
        cfg!(unix) && error.raw_os_error().is_some_and(|number| NO_DESCRIPTOR.contains(&number));
    let is_locked = cfg!(windows) && error.raw_os_error().is_some_and(|number| LOCKED.contains(&number));
    let sent = match error.kind() {
        PermissionDenied => handler.send_error((403, "No permission to read file")),
        _ if out_of_descriptors || is_locked || error.kind() == io::ErrorKind::OutOfMemory => {
            handler.log_error(format_args!("cannot open a file: {error}"));
            handler.send_error(503)
        }
        _ if is_absent(error) => handler.send_error((404, "File not found")),
        _ => {
            // The system's message is for the operator, not the client. And caches may store a 404, so this is a 500.
            handler.log_error(format_args!("cannot open a file: {error}"));
            handler.send_error(500)
        }
    };
    sent.map(|()| None)
}

/// Whether the error means that there is no such file. Any client can cause these by its request: links that lead out or in
/// circles, names that are too long or invalid for the system, and sockets.
pub(super) fn is_absent(error: &io::Error) -> bool {
    use io::ErrorKind::{CrossesDevices, InvalidFilename, InvalidInput, NotADirectory, NotFound};

    #[cfg(unix)]
    {
        use nix::errno::Errno;

        let errno = error.raw_os_error().map(Errno::from_raw);
        if matches!(errno, Some(Errno::ELOOP | Errno::ENXIO)) {
            return true;
        }
    }
    // `ERROR_CANT_ACCESS_FILE` and `ERROR_CANT_RESOLVE_FILENAME`: the link is one that the system cannot follow, or leads in
    // a circle.
    #[cfg(windows)]
    if matches!(error.raw_os_error(), Some(1920 | 1921)) {
        return true;
    }
    matches!(error.kind(), CrossesDevices | InvalidFilename | InvalidInput | NotADirectory | NotFound)
}

/// Redirects to the same target with a slash at the end of its path, so that relative links in the page resolve beneath it.
pub(super) fn redirect<H: RequestHandler>(handler: &H) -> io::Result<Option<Content>> {
    handler.send_response(301);
    handler.send_header("Location", with_slash(handler.path()));
    handler.send_header("Content-Length", 0);
    handler.end_headers()?;
    Ok(None)
}

/// Whether the path leads to a regular file, and has no final slash.
pub(super) fn is_file(path: &Path, opened: &Opened) -> bool {
    !path.as_os_str().as_encoded_bytes().ends_with(b"/") && opened.metadata.is_file()
}

/// Sends the head of the response for a file of this media type.
pub(super) fn send_file<H: RequestHandler>(
    handler: &H,
    directory: &Directory,
    path: &Path,
    opened: Opened,
    media_type: Cow<'static, str>,
) -> io::Result<Option<Content>> {
    if opened.metadata.len() == 0 {
        match untold(&opened.file) {
            Ok(bytes) if bytes.is_empty() => {}
            Ok(bytes) => return send_untold(handler, &media_type, bytes),
            Err(error) => return refuse(handler, &error),
        }
    }
    let own = of_name(path);
    // Compressing a file that is already compressed would apply two codings, but only one would be declared.
    let varies = directory.sends_precompressed() && own.is_none() && is_compressible(&media_type);
    let sibling = varies.then(|| compressed(handler, directory, path, &opened.metadata)).flatten();
    let sibling_coding = sibling.as_ref().map(|(_, coding)| coding.name);
    let (opened, coding) = match sibling {
        Some((sibling, coding)) => (sibling, Some(coding)),
        None => (opened, own),
    };
    let validators = Validators::of(&opened.metadata, sibling_coding, handler.now());
    let representation = Representation {
        media_type,
        coding,
        varies,
        validators,
        max_ranges: directory.ranges(),
        cache_control: directory.cache_control_value(),
    };
    let len = opened.metadata.len();
    representation.send_head(handler, &Source::File(Arc::new(opened.file)), len)
}

/// The first bytes of a file, as far as they can be read.
pub(super) fn start_of(directory: &Directory, path: &Path) -> Vec<u8> {
    let mut start = vec![0; START];
    let file = directory.open_path(path).ok().filter(|opened| opened.metadata.is_file());
    let count = file.and_then(|opened| read_at(&opened.file, &mut start, 0).ok()).unwrap_or_default();
    start.truncate(count);
    start
}

/// Reads a file whose size the system reports as 0. Files in `/proc` are like this: their content is made when they are read.
fn untold(file: &File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    loop {
        let length = bytes.len();
        bytes.resize(length + PIECE, 0);
        let read = read_at(file, bytes.get_mut(length..).unwrap_or_default(), length as u64);
        bytes.truncate(length + *read.as_ref().unwrap_or(&0));
        match read {
            Ok(0) => return Ok(bytes),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            read => drop(read?),
        }
        if bytes.len() > MOST_UNTOLD {
            let text = "the system does not report the file's size, and it is larger than 1 MiB";
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, text));
        }
    }
}

/// Bytes read at a time: most of these files are shorter.
const PIECE: usize = 4096;

/// The state of such a file cannot be identified, so there are no validators and no ranges.
fn send_untold<H: RequestHandler>(
    handler: &H,
    media_type: &str,
    bytes: Vec<u8>,
) -> io::Result<Option<Content>> {
    handler.send_response(HTTPStatus::OK);
    handler.send_header("Content-Type", media_type);
    handler.send_header("Content-Length", bytes.len());
    handler.send_header("Cache-Control", "no-store");
    handler.end_headers()?;
    Ok(Some(Content::bytes(bytes)))
}

/// Such a file is held in memory while it is sent.
const MOST_UNTOLD: usize = 1 << 20;

/// A compressed version beside the requested file. If it is older, it was made from earlier content.
fn compressed<H: RequestHandler>(
    handler: &H,
    directory: &Directory,
    path: &Path,
    original: &Metadata,
) -> Option<(Opened, Coding)> {
    accepted(handler.request()).into_iter().find_map(|coding| {
        let mut name = path.as_os_str().to_owned();
        name.push(coding.suffix);
        let sibling = directory.open_path(Path::new(&name)).ok()?;
        let is_current = match (sibling.metadata.modified(), original.modified()) {
            (Ok(sibling), Ok(original)) => sibling >= original,
            _ => false,
        };
        (sibling.metadata.is_file() && is_current).then_some((sibling, coding))
    })
}

#[cfg(all(test, unix))]
mod tests {
    use std::path::PathBuf;

    use nix::errno::Errno;

    use super::*;
    use crate::testing::run;
    use crate::{Directory, SimpleHTTPRequestHandler, http_handler};

    /// Opening fails with this error.
    struct Failing {
        base: SimpleHTTPRequestHandler,
        errno: Errno,
    }

    #[http_handler(extends = SimpleHTTPRequestHandler, crate = crate)]
    impl Failing {
        fn send_head(&mut self) -> io::Result<Option<Content>> {
            refuse(self, &self.errno.into())
        }

        fn translate_path(&self, _path: &str) -> Option<PathBuf> {
            None
        }
    }

    #[test]
    fn what_cannot_be_opened_and_how_that_is_answered() {
        let files = Directory::open(".").unwrap();
        for (errno, status, is_told) in [
            (Errno::ENOENT, 404, false),
            (Errno::ENOTDIR, 404, false),
            (Errno::ENAMETOOLONG, 404, false),
            (Errno::ELOOP, 404, false),
            (Errno::EXDEV, 404, false),
            (Errno::EINVAL, 404, false),
            (Errno::ENXIO, 404, false),
            (Errno::EACCES, 403, false),
            (Errno::EPERM, 403, false),
            (Errno::EMFILE, 503, true),
            (Errno::ENFILE, 503, true),
            (Errno::EIO, 500, true),
        ] {
            let factory = |base| Failing { base: SimpleHTTPRequestHandler::new(base, &files), errno };
            let run = run(factory, ["GET /a HTTP/1.0\r\n\r\n"]);
            assert_eq!(run.responses[0].status, status, "{errno}");
            assert_eq!(run.log.contains("cannot open a file"), is_told, "{errno}: {}", run.log);
            assert_eq!(is_absent(&errno.into()), status == 404, "{errno}");
        }
    }
}
