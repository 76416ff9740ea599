//! `HTTPSServer`.

use std::io;
use std::path::Path;

use super::address::ServerAddress;
use super::http_server::HTTPServer;
use super::tls::TlsConfig;
use crate::handler::{BaseHTTPRequestHandler, RequestHandler};

/// Python's `HTTPSServer`: an [`HTTPServer`] that speaks TLS.
#[derive(Clone, Copy, Debug)]
pub enum HTTPSServer {}

impl HTTPSServer {
    /// As [`HTTPServer::bind`], with the certificate and the key of PEM files. Without `keyfile` the key is in `certfile`, as
    /// in Python.
    ///
    /// # Errors
    /// As [`HTTPServer::bind`] and [`TlsConfig::from_files`].
    pub fn bind<H, F>(
        address: impl ServerAddress,
        certfile: impl AsRef<Path>,
        keyfile: Option<&Path>,
        factory: F,
    ) -> io::Result<HTTPServer>
    where
        H: RequestHandler + Send,
        F: Fn(BaseHTTPRequestHandler<H::MessageClass>) -> H + Send + Sync + 'static,
    {
        let certfile = certfile.as_ref();
        let tls = TlsConfig::from_files(certfile, keyfile.unwrap_or(certfile))?;
        HTTPServer::builder().tls(tls).bind(address, factory)
    }
}
