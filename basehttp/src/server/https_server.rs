//! `HTTPSServer`.

use std::io;
use std::path::Path;

use super::address::ServerAddress;
use super::http_server::HTTPServer;
use super::tls::TlsConfig;
use crate::handler::{BaseHTTPRequestHandler, RequestHandler};

/// Python's `HTTPSServer`: an [`HTTPServer`] that serves TLS.
///
/// # Examples
///
/// ```no_run
/// use std::io;
/// use basehttp::HTTPSServer;
/// use basehttp::prelude::*;
///
/// struct Hello { base: BaseHTTPRequestHandler }
///
/// #[http_handler]
/// impl Hello {
///     fn do_GET(&self) -> String {
///         format!("hello over {}", self.connection().tls_version().unwrap_or("plain HTTP"))
///     }
/// }
///
/// fn main() -> io::Result<()> {
///     HTTPSServer::bind("0.0.0.0:8443", "cert.pem", Some("key.pem"), |base| Hello { base })?.serve_forever()
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub enum HTTPSServer {}

impl HTTPSServer {
    /// As [`HTTPServer::bind`], with the certificate and the key from PEM files.
    ///
    /// Without `keyfile` the key is in `certfile`, as in Python. Both paths have the same type:
    ///
    /// ```no_run
    /// use std::path::{Path, PathBuf};
    /// use basehttp::HTTPSServer;
    /// # use basehttp::prelude::*;
    /// # struct Hello { base: BaseHTTPRequestHandler }
    /// # #[http_handler]
    /// # impl Hello { fn do_GET(&self) {} }
    ///
    /// # fn main() -> std::io::Result<()> {
    /// let mut server = HTTPSServer::bind("0.0.0.0:8443", "cert.pem", Some("key.pem"), |base| Hello { base })?;
    /// // Certificate and key in one file.
    /// HTTPSServer::bind("0.0.0.0:8443", "both.pem", None, |base| Hello { base })?;
    /// let folder = PathBuf::from("/etc/tls");
    /// let (certfile, keyfile) = (folder.join("cert.pem"), folder.join("key.pem"));
    /// HTTPSServer::bind("0.0.0.0:8443", &certfile, Some(&keyfile), |base| Hello { base })?;
    /// HTTPSServer::bind("0.0.0.0:8443", certfile, Some(keyfile), |base| Hello { base })?;
    /// HTTPSServer::bind("0.0.0.0:8443", Path::new("both.pem"), None, |base| Hello { base })?;
    /// server.serve_forever()
    /// # }
    /// ```
    ///
    /// For other settings use [`HTTPServer::builder`] and its [`tls`](crate::ServerBuilder::tls).
    /// [`watch_tls`](crate::ServerBuilder::watch_tls) reads a replaced certificate again.
    ///
    /// # Errors
    /// As [`HTTPServer::bind`] and [`TlsConfig::from_files`].
    pub fn bind<P, H, F>(
        address: impl ServerAddress,
        certfile: P,
        keyfile: Option<P>,
        factory: F,
    ) -> io::Result<HTTPServer>
    where
        P: AsRef<Path>,
        H: RequestHandler + Send,
        F: Fn(BaseHTTPRequestHandler<H::MessageClass>) -> H + Send + Sync + 'static,
    {
        let tls = match keyfile {
            Some(keyfile) => TlsConfig::from_files(certfile, keyfile),
            None => TlsConfig::from_files(&certfile, &certfile),
        }?;
        HTTPServer::builder().tls(tls).bind(address, factory)
    }
}
