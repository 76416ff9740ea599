//! The handler that runs scripts: Python's `CGIHTTPRequestHandler`, RFC 3875.

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
    /// The folders whose files are scripts, as paths of requests: Python's `cgi_directories`. What is in them, and in the
    /// folders below them, is run, and never sent as it is.
    const cgi_directories: &'static [&'static str] = &["/cgi-bin", "/htbin"];

    #[doc(hidden)]
    fn __cgi(&self) -> &CGIHTTPRequestHandler<Self::MessageClass>;

    /// Whether the request is for a script: the folder of `cgi_directories` that it is in, and what follows in the path,
    /// Python's `cgi_info`. Both are decoded, and text in latin-1, as [`path`](BaseHTTPRequestHandler::path) is.
    fn is_cgi(&self) -> Option<(String, String)> {
        CGIHTTPRequestHandler::is_cgi(self)
    }

    /// Whether the file at `path`, relative to [`directory`](FileRequestHandler::directory), may be run: whether anybody has
    /// the permission to.
    fn is_executable(&self, path: &Path) -> bool {
        CGIHTTPRequestHandler::is_executable(self, path)
    }

    /// Whether the file at `path` is a Python script, by its name. Nothing here asks for it, since the system reads the first
    /// line of a script; it is for overrides of [`is_executable`](Self::is_executable).
    fn is_python(&self, path: &Path) -> bool {
        CGIHTTPRequestHandler::is_python(self, path)
    }

    /// Variables for the script of this request: who the handler has found its client to be, say. They are set last, in place
    /// of any of the same name, also of those that [`variable`](CGIHTTPRequestHandler::variable) gives to all scripts. One that
    /// no environment can have is left out: a name that is empty or has a `=` in it, and a NUL in either.
    ///
    /// This is how a handler tells a script `REMOTE_USER` and `AUTH_TYPE` (RFC 3875 sections 4.1.11 and 4.1.1), which are not
    /// told otherwise:
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
    ///     /// The user whom this request proves to be who it says.
    ///     fn user(&self) -> Option<&'static str> {
    ///         // In a program of yours: compared in constant time, with what is in a file.
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
    /// // The script says: `echo Content-Type: text/plain; echo; echo $AUTH_TYPE $REMOTE_USER`
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

    /// Runs the script that [`is_cgi`](Self::is_cgi) has found, and sends what it says. What is wrong with it is answered: 404
    /// where there is none, 403 where it may not be run, 502 where it says nothing that is a response, 504 where it says nothing
    /// for too long.
    ///
    /// # Errors
    /// Those of the connection.
    fn run_cgi(&mut self) -> io::Result<()> {
        CGIHTTPRequestHandler::run_cgi(self)
    }
}

/// The base of a handler that serves files and runs scripts (unix only).
///
/// A script is an executable file in one of the folders of
/// [`cgi_directories`](CGIRequestHandler::cgi_directories). It is run without a shell and without arguments, in its own
/// folder. The request is in its environment (RFC 3875 section 4.1), the request's body is its standard input, and what it
/// writes to its standard output is the response: fields, among them `Status`, `Location` and `Content-Type`, an empty line,
/// and the body. What it writes to its standard error is logged.
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
/// Every file in those folders. The first part of the path there that is no folder is the script, and what follows is
/// `PATH_INFO`. It is found beneath the root as files are, so a link that leads out is 404; a folder, or a file that nobody may
/// execute, is 403. Its source is never sent, however its path is spelled, nor through a link from elsewhere in the folder that
/// is served (404). POST to anything else is 501, as in Python; for other methods, a handler has
/// `fn do_PUT(&mut self) -> io::Result<()> { self.run_cgi() }`.
///
/// # What a script gets
///
/// The body comes while the client sends it; one in chunks is gathered first, on the disk if it is long, since a script is told
/// `CONTENT_LENGTH` ([`chunked_limit`](Self::chunked_limit)). It is as the client has sent it: one with a
/// `Content-Encoding`, as git sends it, has `HTTP_CONTENT_ENCODING`. Of a request's fields with the same name, the values are joined by a comma, those
/// of `Cookie` by a semicolon. `SCRIPT_NAME` and `PATH_INFO` are decoded, `QUERY_STRING` is not.
///
/// # What a script does not get
///
/// - Arguments: RFC 3875 section 4.4 makes some of a query without `=`, which has let clients give options to interpreters
///   (CVE-2012-1823).
/// - `REMOTE_USER` and `AUTH_TYPE`: what a client claims to be is not what it is. A handler that has checked it says so for
///   each request with [`cgi_variables`](CGIRequestHandler::cgi_variables). `Authorization` is kept from the script too, as section 4.1.18 wants.
/// - `HTTP_PROXY`, which programs take for a setting of their own (httpoxy), and any field whose name has a `_` in it, which
///   would be the same variable as one with a `-`.
/// - The server's environment, but for `PATH`, `LANG`, `LC_ALL`, `TZ`, `TMPDIR` and `LD_LIBRARY_PATH`; its descriptors; its
///   socket.
///
/// # What it says
///
/// `Status: 404 Not here` sets the status, which else is `200 Script output follows`, as in Python. `Location` without a
/// `Status` is a redirect: with a path one inside the server (RFC 3875 section 6.2.2), up to ten times, and with any other
/// reference one of the client's (302). A relative one (`other.html`, `?done=1`, `../up`) is resolved against the script's own
/// URL (RFC 3986 section 5.2), which after a redirect inside the server the client does not know; with a `Status` too. One
/// that begins with two slashes, and so names a host, needs a `Status` or a scheme. `Content-Length` is held to: what is more is dropped. Other fields that frame a response are left out,
/// since its framing is the server's. What is said slowly is sent at once.
///
/// A script whose name begins with `nph-` begins with a status line, and no field but `Date` is added to its own. Its body is
/// framed by the server all the same, so it must not make chunks: what a script gets wrong there would be another one's response
/// on the same connection.
///
/// # How it ends
///
/// A script that cannot be run, says nothing, or has a bad head (or one of more than 64 KiB or 100 fields) is a 502; one that
/// does not go on within [`timeout`](Self::timeout) is killed, which is a 504. Where the response has gone out already, the
/// connection is cut. The log has why, an exit status that is not 0, and of what the script wrote to its standard error 100
/// lines of up to 1000 bytes.
///
/// When it has ended, what it has started in its process group is killed, so that nothing gathers (on Linux, Android and FreeBSD:
/// elsewhere one cannot look at a process without giving up its number); a job that is to go on calls
/// `setsid`. If it leaves its output to such a one, that may say the last word, as long as it does not pause. A script is killed
/// as well when its client is gone, and when its connection is cut at the server's end. It is reaped in any case.
///
/// A client that has gone and one that has only ended its half of the connection and waits look the same. The latter is
/// answered. So while a script says nothing, such a client is sent `100 Continue` after half a second, and again after twice
/// that each time: who waits discards it (RFC 9110 section 15.2.1), and the system of one that has gone answers with a reset,
/// which is the script's end. Where none can be sent, to clients of HTTP/1.0 and in the middle of a response, a script that says
/// nothing for five seconds after the end of the client's half is killed.
///
/// # How its end is known
///
/// Where the program inherits that SIGCHLD is ignored, or ignores it, the system tells nobody how a script has ended. The first
/// script has it listened for then, with a handler that does nothing. In a program that waits for all of its children
/// (`waitpid(-1)`), who is first learns the end: a response whose script's end another has learned is cut, as if it had been
/// killed, unless it has all of its `Content-Length`, and from then on its number is not used. The handler for SIGCHLD is the whole
/// program's: where that has ignored the signal, it has to wait for other children of its own from then on.
///
/// # Threads
///
/// A script holds a thread for as long as it runs, so [`max_threads`](crate::ServerBuilder::max_threads) bounds how many run
/// at a time.
pub struct CGIHTTPRequestHandler<M: Message = Headers> {
    files: SimpleHTTPRequestHandler<M>,
    settings: Settings,
    /// Redirects inside the server that the current request has had.
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

    /// How long a script may neither say nor read anything; then it is killed, with all that it has started, and the answer is
    /// 504. The head of its response has to be whole within that time after it has read; complaining is not getting on, and what
    /// it says beyond its response is not either. 60 seconds by default: somebody is waiting for it, and a client that is slow is
    /// found out before (30 seconds).
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.settings.timeout = timeout;
        self
    }

    /// How long a body in chunks may be, in bytes; a longer one is answered 413, and its script is not run. 128 MiB by default,
    /// which is more than most pushes of git have, and so little that a few at a time fill no disk.
    ///
    /// A script is told the length before it begins (`CONTENT_LENGTH`, RFC 3875 section 4.1.2), so such a body has to be here as
    /// a whole. Up to 1 MiB of it is in memory. A longer one is in a file without a name, in the folder for temporary files
    /// ([`std::env::temp_dir`]: `TMPDIR`, else `/tmp`), which is gone when the script has ended, and also when the server is
    /// killed. Where that folder is in memory, as `/tmp` is on many systems, so is the file. All of them together have a limit too,
    /// [`chunked_total`](Self::chunked_total). Where the disk is full, the answer is 507; where there can be no file for another reason, 500, or 503 where descriptors lack; the log has
    /// the reason.
    ///
    /// A body whose length is declared is passed on as it comes, however long it is.
    #[must_use]
    pub fn chunked_limit(mut self, bytes: u64) -> Self {
        self.settings.chunked_limit = bytes;
        self
    }

    /// How long all bodies in chunks may be together that are kept in this process, in bytes: one for which there is no room is answered
    /// 503 with `Retry-After`. 1 GiB by default, since whoever may post to a script may do so from many connections. It is no less than
    /// [`chunked_limit`](Self::chunked_limit).
    #[must_use]
    pub fn chunked_total(mut self, bytes: u64) -> Self {
        self.settings.chunked_total = bytes;
        self
    }

    /// One more variable of the environment of all scripts, in place of one of the same name. For those of one request there is
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

/// What it extends, and with that the instance variables.
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
    /// Answers POST; what `do_POST` is where the block has none.
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

    /// What `send_head` is where the block has none: the script's response, or a file.
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

/// RFC 3875 section 6.2.2: as if the client had asked for that path.
fn redirect<H: CGIRequestHandler>(handler: &mut H, script: &Script, path: String) -> io::Result<()> {
    let depth = handler.__cgi().redirects.get();
    if depth >= MOST_REDIRECTS {
        run::log(handler, script, "redirects in a circle");
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

/// As Apache's `LimitInternalRecursion`: more than anything meant needs.
const MOST_REDIRECTS: u8 = 10;

/// A handler that serves the files of a folder and runs the scripts in its `cgi-bin` and `htbin`.
pub struct CGIHandler {
    base: CGIHTTPRequestHandler,
}

impl CGIHandler {
    /// Makes the handler of a connection.
    pub fn new(base: BaseHTTPRequestHandler, directory: &Directory) -> Self {
        Self { base: CGIHTTPRequestHandler::new(base, directory) }
    }
}

#[http_handler(extends = CGIHTTPRequestHandler, protocol_version = "HTTP/1.1", crate = crate)]
impl CGIHandler {}
