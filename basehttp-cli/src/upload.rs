//! Uploads of files into the served folders.

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Write as _};
use std::path::PathBuf;

use basehttp::prelude::*;
use basehttp::{Directory, FileRequestHandler, Listing, Multipart};
use serde_json::json;
use tempfile::{NamedTempFile, TempPath};

use crate::names;
use crate::scripts::ScriptFolders;
use crate::settings::{Settings, UploadRules};

/// The maximum number of files in one form. A file costs the client a few bytes, but the file system some work.
const MOST_FILES: usize = 1000;

/// How much is written at a time.
const PIECE: usize = 64 * 1024;

/// The form on a folder's page. It works without JavaScript; with it, it shows the progress.
const FORM: &str = include_str!("upload.html");

/// Why an upload is refused.
enum Refusal {
    /// A status and a message.
    Status(u16, String),
    /// An error for the library to handle.
    Error(io::Error),
}

impl Refusal {
    fn status(code: u16, text: impl Into<String>) -> Self {
        Self::Status(code, text.into())
    }

    /// From an error of reading the form: of its content, or of the connection, which the library handles.
    fn of_form(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::FileTooLarge => Self::status(413, "The upload is too large"),
            io::ErrorKind::InvalidInput => {
                Self::status(415, "An upload must be multipart/form-data with a boundary")
            }
            io::ErrorKind::InvalidData => {
                Self::status(400, format!("Malformed multipart/form-data: {error}"))
            }
            _ => Self::Error(error),
        }
    }

    /// From an error of the file system.
    fn of_disk(error: io::Error) -> Self {
        use io::ErrorKind::{AlreadyExists, FileTooLarge, InvalidFilename, IsADirectory, NotFound};
        use io::ErrorKind::{PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull};
        match error.kind() {
            _ if is_exhausted(&error) => Self::status(503, "The server has too many open files; try again"),
            NotFound => Self::status(404, "There is no such folder"),
            StorageFull | QuotaExceeded => Self::status(507, "The disk is full"),
            FileTooLarge => Self::status(413, "The file is too large for the file system"),
            PermissionDenied | ReadOnlyFilesystem => {
                Self::status(403, "The server cannot write to this folder")
            }
            AlreadyExists | IsADirectory => Self::status(409, "The name is already in use"),
            InvalidFilename => Self::status(400, "The file system does not allow this file name"),
            _ => Self::Error(error),
        }
    }
}

/// Adds the form to a folder's page.
pub(crate) fn with_form(listing: Listing) -> Listing {
    let nonce = nonce();
    // Allows only the page's own script. Other sites cannot frame the page to trick users into clicking on it.
    let policy = format!(
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'nonce-{nonce}'; connect-src 'self'; \
         form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    );
    listing.with(FORM.replace("{nonce}", &nonce)).content_security_policy(policy)
}

/// 128 bits that cannot be guessed.
fn nonce() -> String {
    use std::hash::{BuildHasher as _, RandomState};
    let half = || RandomState::new().hash_one(0);
    format!("{:016x}{:016x}", half(), half())
}

/// Answers a POST with files. Refuses files for a folder of scripts.
pub(crate) fn receive<H>(
    handler: &H,
    settings: &Settings,
    rules: UploadRules,
    scripts: ScriptFolders,
) -> io::Result<()>
where
    H: FileRequestHandler<MessageClass = Headers>,
{
    match take(handler, settings, rules, scripts) {
        Ok(files) => {
            settings.summary.received(files.iter().map(|file| file.size).sum());
            for file in &files {
                tell(handler, settings, format_args!("uploaded {} ({} bytes)", file.name, file.size));
            }
            answer(handler, &files)
        }
        Err(Refusal::Status(code, text)) => handler.send_error((code, text)),
        Err(Refusal::Error(error)) => Err(error),
    }
}

/// Logs what is neither a request nor a failure, in the formats that have a place for it.
fn tell<H: RequestHandler>(handler: &H, settings: &Settings, message: fmt::Arguments<'_>) {
    if settings.log.is_python() || settings.log.is_json() {
        handler.log_message(message);
    }
}

/// The folder that a path names, relative to that path. Without a slash at its end, the path is a name in the folder above.
fn folder_of(path: &str) -> String {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    match path.rsplit('/').next() {
        Some("") | None => "./".to_owned(),
        Some(name) => format!("./{name}/"),
    }
}

/// Redirects a browser to the folder. Others get the names of the stored files, as JSON if they accept that.
fn answer<H: RequestHandler<MessageClass = Headers>>(handler: &H, files: &[Taken]) -> io::Result<()> {
    let accepted = handler.headers().get("Accept").unwrap_or_default();
    if accepted.contains("text/html") {
        handler.send_response(303);
        handler.send_header("Location", folder_of(handler.path()));
        handler.send_header("Content-Length", 0);
        return handler.end_headers();
    }
    let (text, media_type) = if accepted.contains("application/json") {
        let files = files.iter().map(|file| json!({ "name": file.name, "size": file.size }));
        (json!({ "files": files.collect::<Vec<_>>() }).to_string(), "application/json")
    } else {
        let line = |file: &Taken| [&file.size.to_string(), " ", &file.name, "\n"].concat();
        (files.iter().map(line).collect(), "text/plain; charset=utf-8")
    };
    handler.send_response(201);
    handler.send_header("Content-Type", media_type);
    handler.send_header("Content-Length", text.len());
    handler.end_headers()?;
    handler.wfile.write_all(text.as_bytes())
}

/// A received file.
struct Taken {
    name: String,
    size: u64,
    /// Where it is until it gets its name. Dropping this removes the file.
    path: Option<TempPath>,
}

fn take<H>(
    handler: &H,
    settings: &Settings,
    rules: UploadRules,
    scripts: ScriptFolders,
) -> Result<Vec<Taken>, Refusal>
where
    H: FileRequestHandler<MessageClass = Headers>,
{
    let folder = Folder::open(handler, &settings.files, scripts)?;
    let form = handler.multipart(rules.limit).map_err(Refusal::of_form)?;
    let files = read(form, &folder, rules)?;
    folder.name(files, rules.overwrite)
}

/// Reads the files of a form.
fn read(mut form: Multipart<impl Read>, folder: &Folder, rules: UploadRules) -> Result<Vec<Taken>, Refusal> {
    let mut files = Vec::new();
    while let Some(mut part) = form.next_part().map_err(Refusal::of_form)? {
        // Skips fields that are not files, and those where no file was chosen.
        let Some(told) = part.file_name().filter(|told| !told.is_empty()) else { continue };
        let name = names::safe(told).map_err(|reason| Refusal::status(400, reason))?;
        if files.len() >= MOST_FILES {
            return Err(Refusal::status(400, format!("More than {MOST_FILES} files in one upload")));
        }
        if !rules.overwrite && folder.path.join(&name).symlink_metadata().is_ok() {
            return Err(Refusal::status(409, format!("{name} already exists")));
        }
        let mut file = folder.temporary().map_err(Refusal::of_disk)?;
        let (mut buffer, mut size) = (vec![0; PIECE], 0);
        loop {
            let count = part.read(&mut buffer).map_err(Refusal::of_form)?;
            let Some(bytes) = buffer.get(..count).filter(|bytes| !bytes.is_empty()) else { break };
            file.write_all(bytes).map_err(Refusal::of_disk)?;
            size += count as u64;
        }
        // Some file systems report only now that they are full.
        file.as_file().sync_data().map_err(Refusal::of_disk)?;
        files.push(Taken { name, size, path: Some(file.into_temp_path()) });
    }
    if files.is_empty() {
        return Err(Refusal::status(400, "The form contains no file"));
    }
    Ok(files)
}

/// The folder for the files.
struct Folder {
    path: PathBuf,
    /// Keeps it open while `path` goes through it.
    _open: File,
}

impl Folder {
    /// Opens the folder that the request's path names. The handler of files resolves it, so it is never outside the served
    /// folder.
    fn open<H: FileRequestHandler>(
        handler: &H,
        served: &Directory,
        scripts: ScriptFolders,
    ) -> Result<Self, Refusal> {
        let missing = || Refusal::status(404, "There is no such folder");
        let relative = handler.translate_path(handler.path()).ok_or_else(missing)?;
        if scripts.are_named_by(&relative) {
            return Err(Refusal::status(403, "Scripts cannot be uploaded"));
        }
        let open = match served.open_folder(&relative) {
            Ok(open) => open,
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
                return Err(Refusal::status(405, "Upload to a folder, not to a file"));
            }
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied || is_exhausted(&error) => {
                return Err(Refusal::of_disk(error));
            }
            Err(_) => return Err(missing()),
        };
        let root = served.path();
        let path = path_of(&open).unwrap_or_else(|| root.join(relative));
        // Whatever name led to it, such as a link or another spelling.
        if scripts.contain(&path, root) {
            return Err(Refusal::status(403, "Scripts cannot be uploaded"));
        }
        Ok(Self { path, _open: open })
    }

    /// A temporary file in the same file system, so that renaming it is atomic. Its name is hidden, so it is not served. If the
    /// server is killed, it remains.
    fn temporary(&self) -> io::Result<NamedTempFile> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(".basehttp-").suffix(".part");
        // Not `tempfile_in`, whose errors do not tell that there is no descriptor left. The umask decides about the permissions, as
        // for any program.
        builder.make_in(&self.path, |path| File::options().read(true).write(true).create_new(true).open(path))
    }

    /// Gives all files their names, or none. With `overwrite`, files before one that fails have already replaced others.
    fn name(&self, mut files: Vec<Taken>, overwrite: bool) -> Result<Vec<Taken>, Refusal> {
        let mut named: Vec<PathBuf> = Vec::new();
        for file in &mut files {
            let path = self.path.join(&file.name);
            let Some(temporary) = file.path.take() else { continue };
            let outcome =
                if overwrite { temporary.persist(&path) } else { temporary.persist_noclobber(&path) };
            if let Err(error) = outcome {
                // A replaced file cannot be restored.
                if !overwrite {
                    for path in &named {
                        let _ = std::fs::remove_file(path);
                    }
                }
                // Windows says that it is not allowed to replace a folder.
                let is_folder = cfg!(windows) && path.is_dir();
                let error = if is_folder { io::ErrorKind::IsADirectory.into() } else { error.error };
                return Err(Refusal::of_disk(error));
            }
            named.push(path);
        }
        Ok(files)
    }
}

/// Whether the process or the system has run out of descriptors: `EMFILE`, `ENFILE`.
fn is_exhausted(error: &io::Error) -> bool {
    cfg!(unix) && matches!(error.raw_os_error(), Some(23 | 24))
}

/// A path through the open folder, so that the folder cannot be exchanged for another meanwhile.
#[cfg(target_os = "linux")]
fn path_of(open: &File) -> Option<PathBuf> {
    use std::os::fd::AsRawFd as _;
    let path = std::path::Path::new("/proc/self/fd").join(open.as_raw_fd().to_string());
    path.exists().then_some(path)
}

#[cfg(not(target_os = "linux"))]
fn path_of(_open: &File) -> Option<PathBuf> {
    None
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use basehttp::testing::respond;
    use clap::Parser as _;
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::args::Args;
    use crate::handler::Files;

    const FORM_OF_TWO: &[u8] = b"--b\r\nContent-Disposition: form-data; name=\"x\"; filename=\"one.txt\"\r\n\
        Content-Type: text/plain\r\n\r\nfirst\r\n--b\r\nContent-Disposition: form-data; name=\"y\"; \
        filename=\"two.txt\"\r\n\r\nsecond\r\n--b--\r\n";

    /// Posts a body to a folder, and returns the status.
    fn post(folder: &Path, body: &[u8]) -> u16 {
        let folder = folder.to_str().expect("a name that is text");
        let args = ["basehttp", "-d", folder, "--upload", "--upload-limit", "400", "--log", "none"];
        let settings = Arc::new(Settings::new(&Args::parse_from(args)).expect("settings"));
        let head = format!(
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        let request = [head.as_bytes(), body].concat();
        respond(move |base| Files::<1>::new(base, settings.clone()), &request)[0].status
    }

    fn names(folder: &Path) -> Vec<String> {
        let name = |entry: io::Result<std::fs::DirEntry>| entry.expect("an entry").file_name();
        let entries = std::fs::read_dir(folder).expect("a folder");
        entries.map(|entry| name(entry).to_string_lossy().into_owned()).collect()
    }

    #[derive(Clone, Debug)]
    enum Edit {
        Remove(usize, usize),
        Repeat(usize, usize),
        Set(usize, u8),
        Cut(usize),
    }

    fn edit() -> impl Strategy<Value = Edit> {
        let place = 0..FORM_OF_TWO.len();
        prop_oneof![
            (place.clone(), 1..40_usize).prop_map(|(at, count)| Edit::Remove(at, count)),
            (place.clone(), 1..40_usize).prop_map(|(at, count)| Edit::Repeat(at, count)),
            (place.clone(), prop_oneof![Just(b'\r'), Just(b'\n'), Just(b'-'), Just(b'"'), any::<u8>()])
                .prop_map(|(at, byte)| Edit::Set(at, byte)),
            place.prop_map(Edit::Cut),
        ]
    }

    fn apply(body: &mut Vec<u8>, edit: &Edit) {
        let range = |at: usize, count: usize| at.min(body.len())..(at + count).min(body.len());
        match *edit {
            Edit::Remove(at, count) => drop(body.drain(range(at, count))),
            Edit::Repeat(at, count) => {
                let piece = body[range(at, count)].to_vec();
                let at = at.min(body.len());
                body.splice(at..at, piece);
            }
            Edit::Set(at, byte) => body.iter_mut().skip(at).take(1).for_each(|old| *old = byte),
            Edit::Cut(at) => body.truncate(at),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn whatever_is_posted_leaves_whole_files_or_nothing(edits in vec(edit(), 0..5)) {
            let folder = tempfile::tempdir().expect("a folder");
            let mut body = FORM_OF_TWO.to_vec();
            for edit in &edits {
                apply(&mut body, edit);
            }
            let status = post(folder.path(), &body);
            let names = names(folder.path());
            prop_assert!(matches!(status, 201 | 400 | 409 | 413), "{}", status);
            prop_assert_eq!(status == 201, !names.is_empty(), "{} {:?}", status, names);
            prop_assert!(names.iter().all(|name| crate::names::safe(name).as_ref() == Ok(name)), "{:?}", names);
            if edits.is_empty() {
                prop_assert_eq!((status, names.len()), (201, 2));
                let text = |name| std::fs::read_to_string(folder.path().join(name)).expect("a file");
                prop_assert_eq!(["one.txt", "two.txt"].map(text), ["first", "second"]);
            }
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_server_that_has_no_descriptor_left_says_so() {
        let status = |errno| match Refusal::of_disk(io::Error::from_raw_os_error(errno)) {
            Refusal::Status(status, _) => status,
            Refusal::Error(_) => 500,
        };
        // ENFILE, EMFILE, ENOENT, EIO.
        assert_eq!([23, 24, 2, 5].map(status), [503, 503, 404, 500]);
    }

    #[test]
    fn a_folder_relative_to_its_path() {
        for (path, relative) in [
            ("/", "./"),
            ("/sub/", "./"),
            ("/sub", "./sub/"),
            ("/a/b%20c?x=/y", "./b%20c/"),
            ("/a:b", "./a:b/"),
        ] {
            assert_eq!(folder_of(path), relative, "{path}");
        }
    }
}
