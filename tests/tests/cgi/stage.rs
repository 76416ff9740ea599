//! A folder with scripts, and the responses from it.

use std::fmt;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use basehttp::prelude::*;
use basehttp::testing::{Response, TestServer, run};
use basehttp::{CGIHTTPRequestHandler, CGIRequestHandler, Directory, ServerBuilder};
use basehttp_tests::log::Log;
use tempfile::TempDir;

pub(crate) struct Stage {
    folder: TempDir,
    pub(crate) timeout: Option<Duration>,
    pub(crate) chunked_limit: Option<u64>,
    pub(crate) chunked_total: Option<u64>,
    pub(crate) variables: Vec<(&'static str, &'static str)>,
    pub(crate) log: Log,
}

/// A handler with an inspectable log.
pub(crate) struct Site {
    base: CGIHTTPRequestHandler,
    log: Log,
}

#[http_handler(extends = CGIHTTPRequestHandler, protocol_version = "HTTP/1.1")]
impl Site {
    fn log_message(&self, message: fmt::Arguments<'_>) {
        self.log.push(message);
    }

    fn send_header(&self, keyword: &str, value: impl fmt::Display) {
        assert_ne!(keyword, "X-Panic");
        BaseHTTPRequestHandler::send_header(self, keyword, value);
    }

    fn do_PUT(&mut self) -> std::io::Result<()> {
        self.run_cgi()
    }
}

impl Stage {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("root/cgi-bin")).unwrap();
        Self {
            folder,
            timeout: None,
            chunked_limit: None,
            chunked_total: None,
            variables: Vec::new(),
            log: Log::default(),
        }
    }

    /// A folder with this shell script at `/cgi-bin/script`.
    pub(crate) fn with(text: &str) -> Self {
        let stage = Self::new();
        stage.script("cgi-bin/script", text);
        stage
    }

    /// Writes a shell script.
    pub(crate) fn script(&self, path: &str, text: &str) {
        self.program(path, &format!("#!/bin/sh\n{text}\n"));
    }

    /// Writes an executable file.
    pub(crate) fn program(&self, path: &str, text: &str) {
        self.file(path, text);
        fs::set_permissions(self.path(path), fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Writes a file that is not executable.
    pub(crate) fn file(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.outside().join("root").join(path)
    }

    /// The parent of the served folder.
    pub(crate) fn outside(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn factory(&self) -> impl Fn(BaseHTTPRequestHandler) -> Site + Send + Sync + 'static + use<> {
        let files = Directory::open(self.path("")).unwrap();
        let (timeout, chunked_limit, chunked_total) = (self.timeout, self.chunked_limit, self.chunked_total);
        let (variables, log) = (self.variables.clone(), self.log.clone());
        move |base| {
            let mut base = CGIHTTPRequestHandler::new(base, &files);
            if let Some(timeout) = timeout {
                base = base.timeout(timeout);
            }
            if let Some(bytes) = chunked_limit {
                base = base.chunked_limit(bytes);
            }
            if let Some(bytes) = chunked_total {
                base = base.chunked_total(bytes);
            }
            let base = variables.iter().fold(base, |base, (name, value)| base.variable(name, value));
            Site { base, log: log.clone() }
        }
    }

    /// The responses to the requests of a connection.
    pub(crate) fn responses(&self, requests: impl AsRef<[u8]>) -> Vec<Response> {
        run(self.factory(), [requests]).responses
    }

    /// The response to the request in these bytes.
    pub(crate) fn ask(&self, request: impl AsRef<[u8]>) -> Response {
        let mut responses = self.responses(request);
        assert_eq!(responses.len(), 1);
        responses.remove(0)
    }

    /// The response to a request with these fields, each with its line end.
    pub(crate) fn request(&self, method: &str, target: &str, fields: &str) -> Response {
        self.ask(format!("{method} {target} HTTP/1.1\r\nHost: a\r\n{fields}\r\n"))
    }

    pub(crate) fn get(&self, target: &str) -> Response {
        self.request("GET", target, "")
    }

    /// The response from `/cgi-bin/script`.
    pub(crate) fn response(&self) -> Response {
        self.get("/cgi-bin/script")
    }

    pub(crate) fn server(&self) -> TestServer {
        TestServer::new(self.factory())
    }

    pub(crate) fn server_with(&self, builder: ServerBuilder) -> TestServer {
        TestServer::with(builder, self.factory())
    }
}
