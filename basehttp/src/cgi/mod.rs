//! The handler that runs CGI scripts: Python's `CGIHTTPRequestHandler`, RFC 3875.

mod body;
mod dialogue;
mod environment;
mod head;
mod location;
mod process;
mod response;
mod run;
mod script;
mod stderr;

use std::cell::Cell;
use std::ffi::OsString;
use std::io;
use std::ops::{Deref, DerefMut};
use std::path::Path;
use std::time::Duration;

use crate::files::{Content, Directory, FileRequestHandler, SimpleHTTPRequestHandler};
use crate::handler::{BaseHTTPRequestHandler, Headers, Message};
use crate::http_handler;
use run::{Script, Settings};

/// A handler that serves files and runs scripts: what Python's `CGIHTTPRequestHandler` adds to
/// [`SimpleHTTPRequestHandler`].
#[allow(
    non_upper_case_globals,
    reason = "the class variables keep the names that Python's documentation gives them"
)]
pub trait CGIRequestHandler: FileRequestHandler {
    /// The folders whose files are scripts, as request paths: Python's `cgi_directories`. The files in them, and in the
    /// folders below them, are run, and their source is never sent.
    const cgi_directories: &'static [&'static str] = &["/cgi-bin", "/htbin"];

    #[doc(hidden)]
    fn __cgi(&self) -> &CGIHTTPRequestHandler<Self::MessageClass>;

    /// Whether the request is for a script: returns its folder in `cgi_directories`, and the rest of the path, Python's
    /// `cgi_info`. Both are decoded, and Latin-1 text, like [`path`](BaseHTTPRequestHandler::path).
    fn is_cgi(&self) -> Option<(String, String)> {
        CGIHTTPRequestHandler::is_cgi(self)
    }

    /// Whether the file at `path`, relative to [`directory`](FileRequestHandler::directory), may be run: whether it is
    /// executable for any user.
    fn is_executable(&self, path: &Path) -> bool {
        CGIHTTPRequestHandler::is_executable(self, path)
    }

    /// Whether the file at `path` is a Python script, by its name. This crate never calls it, since the system reads the
    /// first line of a script; it exists for overrides of [`is_executable`](Self::is_executable).
    fn is_python(&self, path: &Path) -> bool {
        CGIHTTPRequestHandler::is_python(self, path)
    }

    /// Environment variables for this request's script, for example the client's identity as the handler has established it.
    /// They are set last, and replace variables of the same name, including those that
    /// [`variable`](CGIHTTPRequestHandler::variable) gives to all scripts. Impossible variables are left out: those with an
    /// empty name, a `=` in the name, or a NUL in name or value.
    ///
    /// A handler uses it to pass `REMOTE_USER` and `AUTH_TYPE` (RFC 3875 sections 4.1.11 and 4.1.1), which scripts do not get
    /// otherwise:
    ///
    /// ```
    /// use std::ffi::OsString;
    /// use std::io;
    /// use basehttp::prelude::*;
    /// use basehttp::{CGIHTTPRequestHandler, Directory};
    ///
    /// struct Members { base: CGIHTTPRequestHandler }
    ///
    /// impl Members {
    ///     /// The user that this request authenticates.
    ///     fn user(&self) -> Option<&'static str> {
    ///         // In a real program: a constant-time comparison with a stored password.
    ///         (self.headers().get("Authorization") == Some("Basic YW5uOnNlY3JldA==")).then_some("ann")
    ///     }
    /// }
    ///
    /// #[http_handler(extends = CGIHTTPRequestHandler)]
    /// impl Members {
    ///     fn run_cgi(&mut self) -> io::Result<()> {
    ///         if self.user().is_none() {
    ///             return self.send_error(401);
    ///         }
    ///         CGIHTTPRequestHandler::run_cgi(self)
    ///     }
    ///
    ///     fn cgi_variables(&self) -> Vec<(OsString, OsString)> {
    ///         let Some(user) = self.user() else { return Vec::new() };
    ///         vec![("AUTH_TYPE".into(), "Basic".into()), ("REMOTE_USER".into(), user.into())]
    ///     }
    /// }
    ///
    /// # use std::os::unix::fs::PermissionsExt;
    /// # let folder = std::env::temp_dir().join(format!("basehttp-members-{}", std::process::id()));
    /// # std::fs::create_dir_all(folder.join("cgi-bin"))?;
    /// # let script = folder.join("cgi-bin/who");
    /// # std::fs::write(&script, "#!/bin/sh\necho Content-Type: text/plain; echo; echo $AUTH_TYPE $REMOTE_USER\n")?;
    /// # std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755))?;
    /// # let files = Directory::open(&folder)?;
    /// // The script is: `echo Content-Type: text/plain; echo; echo $AUTH_TYPE $REMOTE_USER`
    /// let factory = move |base| Members { base: CGIHTTPRequestHandler::new(base, &files) };
    /// let request = b"GET /cgi-bin/who HTTP/1.0\r\nAuthorization: Basic YW5uOnNlY3JldA==\r\n\r\n";
    /// let responses = basehttp::testing::respond(&factory, request);
    /// assert_eq!(responses[0].text(), "Basic ann\n");
    /// let responses = basehttp::testing::respond(&factory, b"GET /cgi-bin/who HTTP/1.0\r\n\r\n");
    /// assert_eq!(responses[0].status, 401);
    /// # std::fs::remove_dir_all(&folder)?;
    /// # io::Result::Ok(())
    /// ```
    fn cgi_variables(&self) -> Vec<(OsString, OsString)> {
        CGIHTTPRequestHandler::cgi_variables(self)
    }

    /// Runs the script that [`is_cgi`](Self::is_cgi) found, and sends its response. Failures are answered: 404 if there is no
    /// script, 403 if it may not be run, 502 if its output is not a response, 504 if it is silent for too long.
    ///
    /// # Errors
    /// Those of the connection.
    fn run_cgi(&mut self) -> io::Result<()> {
        CGIHTTPRequestHandler::run_cgi(self)
    }
}

/// The base of a handler that serves files and runs scripts (unix only).
///
/// A script is an executable file in one of the folders of [`cgi_directories`](CGIRequestHandler::cgi_directories). It is run
/// without a shell and without arguments, in its own folder. The request is in its environment (RFC 3875 section 4.1), and
/// the request's body is its standard input. Its standard output is the response: fields, among them `Status`, `Location` and
/// `Content-Type`, an empty line, and the body. Its standard error is logged.
///
/// ```
/// use std::io;
/// use basehttp::prelude::*;
/// use basehttp::{CGIHTTPRequestHandler, Directory};
///
/// struct Scripts { base: CGIHTTPRequestHandler }
///
/// #[http_handler(extends = CGIHTTPRequestHandler)]
/// impl Scripts {
///     const cgi_directories: &[&str] = &["/scripts"];
/// }
///
/// let files = Directory::open(".")?;
/// let factory = move |base| Scripts { base: CGIHTTPRequestHandler::new(base, &files) };
/// let responses = basehttp::testing::respond(factory, b"GET /scripts/none.sh HTTP/1.0\r\n\r\n");
/// assert_eq!(responses[0].status, 404);
/// # io::Result::Ok(())
/// ```
///
/// # Which file is a script
///
/// Every file in those folders. The first segment of the path that is not a folder is the script, and the rest is
/// `PATH_INFO`. Scripts are looked up beneath the root like files, so a link that leads out gives 404; a folder, or a file
/// that is executable for no user, gives 403. A script's source is never sent, however its path is spelled, nor through a
/// link from elsewhere in the served folder (404). POST to anything else gives 501, as in Python. For other methods, add
/// `fn do_PUT(&mut self) -> io::Result<()> { self.run_cgi() }` to your handler.
///
/// # What a script gets
///
/// The body, as the client sends it. A chunked body is collected first, on disk if it is long, since a script gets
/// `CONTENT_LENGTH` ([`chunked_limit`](Self::chunked_limit)). The body is not decoded: one with a `Content-Encoding`, as git
/// sends it, has `HTTP_CONTENT_ENCODING`. The values of fields with the same name are joined by a comma, those of `Cookie` by
/// a semicolon. `SCRIPT_NAME` and `PATH_INFO` are decoded, `QUERY_STRING` is not.
///
/// # What a script does not get
///
/// - Arguments: RFC 3875 section 4.4 makes them from a query without `=`, which has let clients pass options to interpreters
///   (CVE-2012-1823).
/// - `REMOTE_USER` and `AUTH_TYPE`: a client's claim is not its identity. A handler that has verified it sets them for each
///   request with [`cgi_variables`](CGIRequestHandler::cgi_variables). `Authorization` is withheld from the script, too, as
///   section 4.1.18 advises.
/// - `HTTP_PROXY`, which programs take for a setting of their own (httpoxy), and any field with a `_` in its name, which
///   would become the same variable as one with a `-`.
/// - The server's environment, except `PATH`, `LANG`, `LC_ALL`, `TZ`, `TMPDIR` and `LD_LIBRARY_PATH`; its descriptors; its
///   socket.
///
/// # What it sends
///
/// `Status: 404 Not here` sets the status; the default is `200 Script output follows`, as in Python. `Location` without a
/// `Status` is a redirect: a path redirects inside the server (RFC 3875 section 6.2.2), up to ten times, and any other
/// reference redirects the client (302). A relative reference (`other.html`, `?done=1`, `../up`) is resolved against the
/// script's own URL (RFC 3986 section 5.2), which the client does not know after a redirect inside the server. This also
/// applies with a `Status`. A reference that begins with two slashes, and so names a host, needs a `Status` or a scheme.
/// `Content-Length` is enforced: output beyond it is dropped. Other fields that frame a response are dropped, since the
/// server frames it. Output of a slow script is sent at once.
///
/// A script whose name begins with `nph-` writes its own status line, and the server adds no field except `Date`. The server
/// still frames its body, so it must not use chunks: an error in them could otherwise become another response on the same
/// connection.
///
/// # How it ends
///
/// A script that cannot be run, writes nothing, or has a bad head (or one of more than 64 KiB or 100 fields) gives 502. A
/// script that makes no progress within [`timeout`](Self::timeout) is killed, which gives 504. If the response has already
/// begun, the connection is cut. The log has the reason, an exit status other than 0, and up to 100 lines of 1000 bytes from
/// the script's standard error.
///
/// When the script has ended, the processes in its process group are killed, so that none accumulate (on Linux, Android and
/// FreeBSD: on other systems a process cannot be examined without giving up its process id). A job that must continue calls
/// `setsid`. If such a job inherits the script's output, it may finish the response, as long as it does not pause. A script
/// is also killed when its client has gone, and when its connection is cut at the server's end. It is always reaped.
///
/// A client that has gone looks the same as one that has only ended its half of the connection and waits. The latter must be
/// answered. So while a script is silent, such a client is sent `100 Continue` after half a second, and again after twice the
/// time each. A waiting client discards it (RFC 9110 section 15.2.1); if the client has gone, its system answers with a
/// reset, and the script is killed. Where it cannot be sent, to HTTP/1.0 clients and in the middle of a response, a script
/// that is silent for five seconds after the end of the client's half is killed.
///
/// # How its end is known
///
/// If the program ignores SIGCHLD, or has inherited that, the system reports to no process how a script ended. Then the first
/// script installs a handler for SIGCHLD, which does nothing. In a program that waits for all of its children
/// (`waitpid(-1)`), whichever waits first learns how the script ended. If that is not this crate, the response is cut as if
/// the script had been killed, unless all of its `Content-Length` has arrived, and the script's process id is not used any
/// more. The SIGCHLD handler applies to the whole program: if it has ignored the signal before, it must from then on wait for
/// other children of its own.
///
/// # Threads
///
/// A script holds a thread while it runs, so [`max_threads`](crate::ServerBuilder::max_threads) limits how many run at a
/// time.
pub struct CGIHTTPRequestHandler<M: Message = Headers> {
    files: SimpleHTTPRequestHandler<M>,
    settings: Settings,
    /// The current request's redirects inside the server.
    redirects: Cell<u8>,
}

impl<M: Message> CGIHTTPRequestHandler<M> {
    /// Makes the base of a handler for the files and scripts of `directory`.
    pub fn new(base: BaseHTTPRequestHandler<M>, directory: &Directory) -> Self {
        let settings = Settings {
            timeout: Duration::from_secs(60),
            chunked_limit: 128 << 20,
            chunked_total: 1 << 30,
            variables: Vec::new(),
        };
        Self { files: SimpleHTTPRequestHandler::new(base, directory), settings, redirects: Cell::new(0) }
    }

    /// How long a script may neither write nor read anything; then it is killed, with everything it has started, and the
    /// answer is 504. The head of its response must be complete within this time after its last read. Output on standard
    /// error, and output beyond its response, do not count as progress. 60 seconds by default: a client is waiting for it,
    /// and a slow client is detected earlier (30 seconds).
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.settings.timeout = timeout;
        self
    }

    /// How long a chunked body may be, in bytes. A longer one is answered with 413, and its script is not run. 128 MiB by
    /// default, which is more than most git pushes need, and small enough that a few at a time fill no disk.
    ///
    /// A script gets the length before it begins (`CONTENT_LENGTH`, RFC 3875 section 4.1.2), so such a body must be complete
    /// first. Up to 1 MiB of it is held in memory. A longer body goes into an unnamed file in the folder for temporary files
    /// ([`std::env::temp_dir`]: `TMPDIR`, else `/tmp`), which disappears when the script has ended, and also when the server
    /// is killed. If that folder is in memory, as `/tmp` is on many systems, so is the file.
    /// [`chunked_total`](Self::chunked_total) limits all of them together. If the disk is full, the answer is 507. If the
    /// file cannot be written for another reason, it is 500, or 503 if descriptors are lacking; the log has the reason.
    ///
    /// A body with a declared length is passed on as it arrives, and may have any length.
    #[must_use]
    pub fn chunked_limit(mut self, bytes: u64) -> Self {
        self.settings.chunked_limit = bytes;
        self
    }

    /// How many bytes all chunked bodies held by this process may have together. A body for which there is no room is
    /// answered with 503 and `Retry-After`. 1 GiB by default, since any client that can post to a script can do so over many
    /// connections. The limit is never below [`chunked_limit`](Self::chunked_limit).
    #[must_use]
    pub fn chunked_total(mut self, bytes: u64) -> Self {
        self.settings.chunked_total = bytes;
        self
    }

    /// Adds an environment variable for all scripts, and replaces one of the same name. For variables of a single request use
    /// [`cgi_variables`](CGIRequestHandler::cgi_variables).
    #[must_use]
    pub fn variable(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.settings.variables.push((name.into(), value.into()));
        self
    }

    fn is_redirected(&self) -> bool {
        self.redirects.get() > 0
    }

    #[doc(hidden)]
    pub fn __base(&self) -> &BaseHTTPRequestHandler<M> {
        self.files.__base()
    }

    #[doc(hidden)]
    pub fn __base_mut(&mut self) -> &mut BaseHTTPRequestHandler<M> {
        self.files.__base_mut()
    }

    #[doc(hidden)]
    pub fn __files(&self) -> &SimpleHTTPRequestHandler<M> {
        &self.files
    }
}

/// The type that this extends, and with it the instance variables.
impl<M: Message> Deref for CGIHTTPRequestHandler<M> {
    type Target = SimpleHTTPRequestHandler<M>;

    fn deref(&self) -> &Self::Target {
        &self.files
    }
}

impl<M: Message> DerefMut for CGIHTTPRequestHandler<M> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.files
    }
}

impl CGIHTTPRequestHandler {
    /// Answers POST; used as `do_POST` if the block has none.
    ///
    /// # Errors
    /// Those of the connection.
    #[allow(non_snake_case, reason = "Python's name")]
    pub fn do_POST<H: CGIRequestHandler>(handler: &mut H) -> io::Result<()> {
        if handler.is_cgi().is_some() {
            handler.run_cgi()
        } else {
            handler.send_error((501, "Can only POST to CGI scripts"))
        }
    }

    /// Used as `send_head` if the block has none: sends the script's response, or a file.
    ///
    /// # Errors
    /// Those of the connection.
    pub fn send_head<H: CGIRequestHandler>(handler: &mut H) -> io::Result<Option<Content>> {
        if handler.is_cgi().is_some() {
            handler.run_cgi().map(|()| None)
        } else if script::is_source(handler, H::cgi_directories) {
            handler.send_error((404, "File not found")).map(|()| None)
        } else {
            SimpleHTTPRequestHandler::send_head(handler)
        }
    }

    /// The default of [`CGIRequestHandler::is_cgi`].
    pub fn is_cgi<H: CGIRequestHandler>(handler: &H) -> Option<(String, String)> {
        let path = handler.translate_path(handler.path())?;
        script::split(&path, H::cgi_directories)
    }

    /// The default of [`CGIRequestHandler::is_executable`].
    pub fn is_executable<H: CGIRequestHandler>(handler: &H, path: &Path) -> bool {
        script::is_executable(handler.directory(), path)
    }

    /// The default of [`CGIRequestHandler::is_python`].
    pub fn is_python<H: CGIRequestHandler>(_handler: &H, path: &Path) -> bool {
        let extension = path.extension().unwrap_or_default();
        ["py", "pyw"].iter().any(|python| extension.eq_ignore_ascii_case(python))
    }

    /// The default of [`CGIRequestHandler::cgi_variables`]: none.
    pub fn cgi_variables<H: CGIRequestHandler>(_handler: &H) -> Vec<(OsString, OsString)> {
        Vec::new()
    }

    /// The default of [`CGIRequestHandler::run_cgi`].
    ///
    /// # Errors
    /// See there.
    pub fn run_cgi<H: CGIRequestHandler>(handler: &mut H) -> io::Result<()> {
        let Some((directory, rest)) = handler.is_cgi() else {
            return handler.send_error((404, "No such CGI script"));
        };
        let Some(script) = run::script_in(handler, &directory, &rest)? else { return Ok(()) };
        if !handler.is_executable(&script.path) {
            return run::is_not_executable(handler);
        }
        let own = handler.__cgi();
        let variables = || handler.cgi_variables();
        match run::talk(handler, &script, &own.settings, own.is_redirected(), variables)? {
            Some(path) => redirect(handler, &script, path),
            None => Ok(()),
        }
    }
}

/// RFC 3875 section 6.2.2: continues as if the client had asked for that path.
fn redirect<H: CGIRequestHandler>(handler: &mut H, script: &Script, path: String) -> io::Result<()> {
    let depth = handler.__cgi().redirects.get();
    if depth >= MOST_REDIRECTS {
        run::log(handler, script, "redirects in a loop");
        return handler.send_error((502, "Bad response of CGI script"));
    }
    handler.__base_mut().request_mut().redirect(path);
    handler.__cgi().redirects.set(depth + 1);
    let sent = answer_again(handler);
    handler.__cgi().redirects.set(depth);
    sent
}

fn answer_again<H: CGIRequestHandler>(handler: &mut H) -> io::Result<()> {
    match handler.send_head()? {
        Some(content) if handler.command() != "HEAD" => handler.copyfile(content),
        _ => Ok(()),
    }
}

/// The limit of Apache's `LimitInternalRecursion`: more than any sensible script needs.
const MOST_REDIRECTS: u8 = 10;

/// A handler that serves the files of a folder and runs the scripts in its `cgi-bin` and `htbin`.
pub struct CGIHandler {
    base: CGIHTTPRequestHandler,
}

impl CGIHandler {
    /// Makes the handler for a connection.
    pub fn new(base: BaseHTTPRequestHandler, directory: &Directory) -> Self {
        Self { base: CGIHTTPRequestHandler::new(base, directory) }
    }
}

#[http_handler(extends = CGIHTTPRequestHandler, protocol_version = "HTTP/1.1", crate = crate)]
impl CGIHandler {}
