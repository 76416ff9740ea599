//! The handlers: of files, and of files and scripts.

use std::borrow::Cow;
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

#[cfg(unix)]
use basehttp::CGIHTTPRequestHandler;
use basehttp::prelude::*;
use basehttp::{Content, Directory, FileRequestHandler, SimpleHTTPRequestHandler};

use crate::args::Format;
use crate::auth::{CHALLENGE, user};
use crate::site::Site;
use crate::{log, upload};

/// Both handlers have the same overrides; only their parents are not the same. `V` is the version that they speak, 10 or
/// 11, since a class variable is a constant.
macro_rules! handler {
    ($(#[$docs:meta])* $name:ident, $base:ident, $post:expr) => {
        $(#[$docs])*
        pub(crate) struct $name<const V: u8> {
            base: $base,
            site: Arc<Site>,
        }

        impl<const V: u8> $name<V> {
            pub(crate) fn new(base: BaseHTTPRequestHandler, site: &Arc<Site>) -> Self {
                Self { base: $base::new(base, &site.files), site: site.clone() }
            }

            fn set_index(&mut self) {
                self.base.set_path("/index.html");
            }
        }

        #[http_handler(extends = $base)]
        impl<const V: u8> $name<V> {
            const protocol_version: &str = if V == 11 { "HTTP/1.1" } else { "HTTP/1.0" };
            const server_version: &str = concat!("basehttp/", env!("CARGO_PKG_VERSION"));

            fn do_POST(&mut self) -> io::Result<()> {
                let post: fn(&mut Self) -> Option<io::Result<()>> = $post;
                match (post(self), self.site.upload) {
                    (Some(result), _) => result,
                    (None, Some(upload)) => upload::receive(self, upload),
                    (None, None) => self.send_error((405, "Uploads are off", "Start basehttp with --upload to take files.")),
                }
            }

            fn do_OPTIONS(&self) -> io::Result<()> {
                self.send_response(204);
                self.send_header("Allow", "GET, HEAD, OPTIONS, POST");
                if self.site.cors {
                    self.send_header("Access-Control-Allow-Methods", "GET, HEAD, OPTIONS");
                    self.send_header("Access-Control-Allow-Headers", "*");
                    self.send_header("Access-Control-Max-Age", 86_400);
                }
                self.end_headers()
            }

            fn parse_request(&mut self) -> io::Result<bool> {
                if !BaseHTTPRequestHandler::parse_request(self)? {
                    return Ok(false);
                }
                let field = self.headers().get("Authorization");
                if self.site.credentials.as_ref().is_none_or(|credentials| credentials.admit(field)) {
                    return Ok(true);
                }
                if let Some(user) = user(field) {
                    self.log_error(format_args!("wrong password or user: {user}"));
                }
                let page = "<!DOCTYPE html><title>Password needed</title><p>A user and a password are needed here.\n";
                self.send_response(401);
                self.send_header("WWW-Authenticate", CHALLENGE);
                self.send_header("Content-Type", "text/html; charset=utf-8");
                self.end_headers()?;
                self.wfile.write_all(page.as_bytes())?;
                Ok(false)
            }

            fn end_headers(&self) -> io::Result<()> {
                if self.site.cors {
                    self.send_header("Access-Control-Allow-Origin", "*");
                }
                for (name, value) in &self.site.headers {
                    self.send_header(name, value);
                }
                BaseHTTPRequestHandler::end_headers(self)
            }

            fn send_head(&mut self) -> io::Result<Option<Content>> {
                if self.site.spa && is_unknown_page(&self.site.files, self) {
                    self.set_index();
                }
                $base::send_head(self)
            }

            fn guess_type(&self, path: &Path) -> Cow<'static, str> {
                let known = SimpleHTTPRequestHandler::guess_type(self, path);
                match &self.site.content_type {
                    Some(other) if known == "application/octet-stream" => other.clone().into(),
                    _ => known,
                }
            }

            fn list_directory(&mut self, path: &Path) -> io::Result<Option<Content>> {
                if self.site.upload.is_some() {
                    upload::list_with_form(self, path)
                } else {
                    SimpleHTTPRequestHandler::list_directory(self, path)
                }
            }

            fn copyfile(&self, source: Content) -> io::Result<()> {
                self.site.served.count_bytes(source.len());
                SimpleHTTPRequestHandler::copyfile(self, source)
            }

            fn log_request(&self, code: Option<HTTPStatus>, size: Option<u64>) {
                if let Some(code) = code {
                    self.site.served.count(code);
                }
                match self.site.log {
                    Format::Common => BaseHTTPRequestHandler::log_request(self, code, size),
                    Format::Combined => {
                        let line = log::combined(self, code);
                        BaseHTTPRequestHandler::log_message(self, format_args!("{line}"));
                    }
                    Format::Json => log::json_request(self, code),
                    Format::None => {}
                }
            }

            fn log_message(&self, message: fmt::Arguments<'_>) {
                match self.site.log {
                    Format::Json => log::json_message(self, message),
                    Format::None => {}
                    Format::Common | Format::Combined => BaseHTTPRequestHandler::log_message(self, message),
                }
            }
        }
    };
}

handler!(
    /// Files alone.
    Files, SimpleHTTPRequestHandler, |_| None
);

#[cfg(unix)]
handler!(
    /// Files and scripts.
    Scripts, CGIHTTPRequestHandler, |handler| {
        use basehttp::CGIRequestHandler as _;
        handler.is_cgi().is_some().then(|| handler.run_cgi())
    }
);

/// Whether a path looks like one of an application in the browser, and is none of a file: its last part has no dot.
fn is_unknown_page(files: &Directory, handler: &impl FileRequestHandler) -> bool {
    let Some(path) = handler.translate_path(handler.path()) else { return false };
    let has_extension = path.extension().is_some();
    !has_extension && files.metadata(&path).is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
}
