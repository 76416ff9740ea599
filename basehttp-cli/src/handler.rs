//! The handler: the files of a folder, and what the options add.

use std::borrow::Cow;
#[cfg(unix)]
use std::ffi::OsString;
use std::fmt::{self, Display};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[cfg(unix)]
use basehttp::CGIHTTPRequestHandler;
#[cfg(unix)]
use basehttp::CGIRequestHandler;
use basehttp::prelude::*;
use basehttp::{Content, Listing, SimpleHTTPRequestHandler};

use crate::auth::{CHALLENGE, Verdict};
use crate::log::Request;
use crate::record::Record;
use crate::scripts::ScriptFolders;
use crate::settings::Settings;
use crate::upload;

#[cfg(unix)]
type Base = CGIHTTPRequestHandler;
#[cfg(not(unix))]
type Base = SimpleHTTPRequestHandler;

/// Serves the requests of a connection, with responses of HTTP/1.`MINOR`. The version is a class variable, so it must be a
/// constant.
pub(crate) struct Files<const MINOR: u8> {
    base: Base,
    settings: Arc<Settings>,
    record: Record,
}

impl<const MINOR: u8> Files<MINOR> {
    /// Creates the handler of a connection.
    pub(crate) fn new(base: BaseHTTPRequestHandler, settings: Arc<Settings>) -> Self {
        let base = Base::new(base, &settings.files);
        #[cfg(unix)]
        let base = base.chunked_limit(settings.chunked_limit);
        Self { base, settings, record: Record::default() }
    }

    /// The folders whose files are run as scripts.
    fn script_folders(&self) -> ScriptFolders {
        #[cfg(unix)]
        if self.settings.cgi {
            return ScriptFolders(Self::cgi_directories);
        }
        ScriptFolders(&[])
    }

    /// Whether the credentials of the request are right. If not, sends the response.
    fn lets_in(&self) -> io::Result<bool> {
        let Some(auth) = &self.settings.auth else { return Ok(true) };
        // Browsers send a preflight without a password before a request with one (CORS). The response reveals nothing about
        // the files.
        if self.settings.cors && self.command() == "OPTIONS" && self.headers().get("Origin").is_some() {
            return Ok(true);
        }
        match auth.judge(self.headers().get("Authorization")) {
            Verdict::Known(user) => {
                self.record.user.replace(Some(user));
                return Ok(true);
            }
            Verdict::Wrong(user) => self.log_error(format_args!("wrong user name or password for '{user}'")),
            Verdict::Silent => {}
        }
        self.record.is_challenge.set(true);
        self.send_error((401, "A user name and a password are required")).map(|()| false)
    }

    /// Whether a missing path is taken for a page of the single-page application, and not for a missing image or script.
    fn is_page(&self, path: &Path) -> bool {
        use io::ErrorKind::{NotADirectory, NotFound};
        let is_missing = |error: io::Error| matches!(error.kind(), NotFound | NotADirectory);
        let is_shown = self.headers().get("Accept").is_some_and(|accepted| accepted.contains("text/html"));
        (is_shown || path.extension().is_none()) && self.settings.files.metadata(path).is_err_and(is_missing)
    }

    /// Logs an error, or keeps it as the reason of a refusal.
    fn note_error(&self, message: fmt::Arguments<'_>) {
        if self.record.is_refusing.get() && !self.settings.log.is_python() {
            self.record.reason.replace(message.to_string());
        } else {
            self.log_message(message);
        }
    }

    /// Counts and logs the request after it was answered.
    fn conclude(&mut self) {
        let record = std::mem::take(&mut self.record);
        let Some(status) = record.status.get() else { return };
        // A response to HEAD has no body, even though it declares a length.
        let size = record.size.get().filter(|_| self.command() != "HEAD" && status != 304);
        self.settings.summary.answered(status, size.unwrap_or(0));
        let (user, reason) = (record.user.into_inner(), record.reason.into_inner());
        let headers = self.headers();
        self.settings.log.request(&Request {
            client: &self.address_string(),
            user: user.as_deref(),
            line: self.requestline(),
            method: self.command(),
            path: self.path(),
            version: self.request_version(),
            referer: headers.get("Referer"),
            user_agent: headers.get("User-Agent"),
            status,
            size,
            reason: &reason,
        });
    }
}

#[cfg_attr(unix, http_handler(extends = CGIHTTPRequestHandler))]
#[cfg_attr(not(unix), http_handler(extends = SimpleHTTPRequestHandler))]
impl<const MINOR: u8> Files<MINOR> {
    const server_version: &str = concat!("basehttp/", env!("CARGO_PKG_VERSION"));
    const sys_version: &str = "";
    const protocol_version: &str = if MINOR == 0 { "HTTP/1.0" } else { "HTTP/1.1" };

    fn do_POST(&mut self) -> io::Result<()> {
        #[cfg(unix)]
        if self.is_cgi().is_some() {
            return self.run_cgi();
        }
        match self.settings.upload {
            Some(rules) => upload::receive(self, &self.settings, rules, self.script_folders()),
            None => self.send_error((
                405,
                "Uploads are disabled",
                "Start basehttp with --upload to accept files.",
            )),
        }
    }

    fn do_OPTIONS(&mut self) -> io::Result<()> {
        let posts = self.settings.upload.is_some() || self.settings.cgi;
        let methods = if posts { "GET, HEAD, OPTIONS, POST" } else { "GET, HEAD, OPTIONS" };
        self.send_response(204);
        self.send_header("Allow", methods);
        if self.settings.cors {
            self.send_header("Access-Control-Allow-Methods", methods);
            // The wildcard does not cover `Authorization`.
            self.send_header("Access-Control-Allow-Headers", "*, Authorization");
            self.send_header("Access-Control-Max-Age", 86400);
        }
        self.end_headers()
    }

    fn handle_one_request(&mut self) -> io::Result<()> {
        // The previous request, if its method panicked.
        self.conclude();
        let outcome = BaseHTTPRequestHandler::handle_one_request(self);
        self.conclude();
        outcome
    }

    fn finish(&mut self) -> io::Result<()> {
        self.conclude();
        Ok(())
    }

    fn parse_request(&mut self) -> io::Result<bool> {
        // A malformed request is refused without asking for a password: that reveals nothing about the files.
        if self.fault().is_none() && !self.lets_in()? {
            return Ok(false);
        }
        BaseHTTPRequestHandler::parse_request(self)
    }

    fn send_head(&mut self) -> io::Result<Option<Content>> {
        if self.settings.spa {
            let path = self.translate_path(self.path());
            let is_page = path.is_some_and(|path| self.is_page(&path));
            #[cfg(unix)]
            let is_page = is_page && self.is_cgi().is_none();
            self.record.is_page.set(is_page);
        }
        Base::send_head(self)
    }

    fn translate_path(&self, path: &str) -> Option<PathBuf> {
        if self.record.is_page.get() {
            return Some("index.html".into());
        }
        SimpleHTTPRequestHandler::translate_path(self, path)
    }

    fn list_directory(&mut self, path: &Path) -> io::Result<Option<Content>> {
        if self.settings.upload.is_some()
            && let Ok(listing) = Listing::of(self, path)
        {
            return upload::with_form(listing).send(self);
        }
        SimpleHTTPRequestHandler::list_directory(self, path)
    }

    fn guess_type(&self, path: &Path) -> Cow<'static, str> {
        let guessed = SimpleHTTPRequestHandler::guess_type(self, path);
        match &self.settings.content_type {
            Some(content_type)
                if guessed == "application/octet-stream" && mime_guess::from_path(path).is_empty() =>
            {
                content_type.clone().into()
            }
            _ => guessed,
        }
    }

    #[cfg(unix)]
    fn is_cgi(&self) -> Option<(String, String)> {
        if self.settings.cgi { CGIHTTPRequestHandler::is_cgi(self) } else { None }
    }

    /// RFC 3875 sections 4.1.1 and 4.1.11. Scripts do not receive a name that was not verified.
    #[cfg(unix)]
    fn cgi_variables(&self) -> Vec<(OsString, OsString)> {
        let user = self.record.user.borrow();
        let Some(user) = user.as_deref() else { return Vec::new() };
        vec![("AUTH_TYPE".into(), "Basic".into()), ("REMOTE_USER".into(), user.into())]
    }

    fn send_error(&self, code: impl ResponseCode) -> io::Result<()> {
        self.record.is_refusing.set(true);
        let outcome = BaseHTTPRequestHandler::send_error(self, code);
        self.record.is_refusing.set(false);
        outcome
    }

    fn send_header(&self, keyword: &str, value: impl Display) {
        if !self.record.is_adding.get() && self.settings.has_header(keyword) {
            return;
        }
        if keyword.eq_ignore_ascii_case("Content-Length") {
            self.record.size.set(value.to_string().parse().ok());
        }
        BaseHTTPRequestHandler::send_header(self, keyword, value);
    }

    fn end_headers(&self) -> io::Result<()> {
        if self.settings.cors {
            self.send_header("Access-Control-Allow-Origin", "*");
            self.send_header("Access-Control-Expose-Headers", "*");
        }
        if self.record.is_challenge.get() {
            self.send_header("WWW-Authenticate", CHALLENGE);
        }
        self.record.is_adding.set(true);
        for (name, value) in &self.settings.headers {
            self.send_header(name, value);
        }
        self.record.is_adding.set(false);
        BaseHTTPRequestHandler::end_headers(self)
    }

    fn log_request(&self, code: Option<HTTPStatus>, size: Option<u64>) {
        self.record.status.set(code.map(HTTPStatus::code));
        self.record.size.set(None);
        if self.settings.log.is_python() {
            BaseHTTPRequestHandler::log_request(self, code, size);
        }
    }

    fn log_error(&self, message: fmt::Arguments<'_>) {
        if self.fault().is_some()
            && let Some(text) = without_advice(&message.to_string())
        {
            return self.note_error(format_args!("{text})"));
        }
        self.note_error(message);
    }

    fn log_message(&self, message: fmt::Arguments<'_>) {
        if self.settings.log.is_json() {
            self.settings.log.message(&self.address_string(), &message.to_string());
        } else {
            BaseHTTPRequestHandler::log_message(self, message);
        }
    }
}

/// The line for a refused page of another site without what the library advises: that is for programmers. No option of the command
/// lets in such pages.
fn without_advice(text: &str) -> Option<&str> {
    const ADVICE: [&str; 3] =
        [", if this page may do so", ", if this server's own page", ", no origin that could be trusted"];
    let end = ADVICE.iter().find_map(|advice| text.rfind(advice))?;
    text.get(..end)
}
