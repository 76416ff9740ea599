//! HTTP over TLS: the certificate with its key, and the wire that encrypts.

mod pem;
mod wire;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use rustls::crypto::ring;
use rustls::{ServerConfig, ServerConnection};

use crate::sync::{Arc, PoisonError, RwLock};

pub(super) use wire::TlsSocket;

/// The certificate of a server and the key for it, for [`ServerBuilder::tls`](crate::ServerBuilder::tls). Clones share it:
/// keep one to [`reload`](Self::reload) it while the server runs.
///
/// TLS 1.2 and 1.3 are spoken, by [rustls](https://docs.rs/rustls), and `http/1.1` is what is agreed on (ALPN, RFC 7301).
///
/// ```no_run
/// use std::io;
/// use basehttp::prelude::*;
/// use basehttp::TlsConfig;
///
/// struct Hello { base: BaseHTTPRequestHandler }
///
/// #[http_handler]
/// impl Hello {
///     fn do_GET(&self) -> io::Result<()> {
///         self.send_response(200);
///         self.end_headers()?;
///         self.wfile.write_all(b"Hello, World!")
///     }
/// }
///
/// fn main() -> io::Result<()> {
///     let tls = TlsConfig::from_files("fullchain.pem", "privkey.pem")?;
///     HTTPServer::builder().tls(tls).bind("0.0.0.0:8443", |base| Hello { base })?.serve_forever()
/// }
/// ```
#[derive(Clone)]
pub struct TlsConfig {
    shared: Arc<Shared>,
}

struct Shared {
    current: RwLock<Arc<ServerConfig>>,
    /// Where it comes from, if from files: the certificate, the key.
    files: Option<(PathBuf, PathBuf)>,
}

impl TlsConfig {
    /// Reads a certificate, with those that lead to one that clients trust, and its private key from PEM files, which may be
    /// one and the same.
    ///
    /// # Errors
    /// The system's with the file's name; [`InvalidData`](io::ErrorKind::InvalidData) where there is no certificate or no
    /// key in them, where the key has a password, or where the two do not belong together. The text says what to do.
    pub fn from_files(certfile: impl AsRef<Path>, keyfile: impl AsRef<Path>) -> io::Result<Self> {
        let files = (certfile.as_ref().to_owned(), keyfile.as_ref().to_owned());
        Self::new(read(&files)?, Some(files))
    }

    /// As [`from_files`](Self::from_files), from what is in the files.
    ///
    /// # Errors
    /// As there.
    pub fn from_pem(certificates: &[u8], key: &[u8]) -> io::Result<Self> {
        Self::new(config(certificates, key, "what was given", "what was given")?, None)
    }

    /// With settings of [rustls](https://docs.rs/rustls) 0.23 of your own: client certificates, several names, another provider.
    /// Set `alpn_protocols` to `http/1.1`: no other protocol is spoken here.
    ///
    /// # Errors
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) where rustls cannot make a connection with them.
    pub fn from_rustls(config: Arc<ServerConfig>) -> io::Result<Self> {
        Self::new(config, None)
    }

    fn new(config: Arc<ServerConfig>, files: Option<(PathBuf, PathBuf)>) -> io::Result<Self> {
        try_out(&config)?;
        Ok(Self { shared: Arc::new(Shared { current: RwLock::new(config), files }) })
    }

    /// Reads the files again. Connections that are open go on with what they have; new ones get the new certificate.
    ///
    /// # Errors
    /// As [`from_files`](Self::from_files): then the certificate stays the one that it was.
    /// [`Unsupported`](io::ErrorKind::Unsupported) for one that is not from files.
    pub fn reload(&self) -> io::Result<()> {
        let Some(files) = &self.shared.files else {
            let text = "this certificate is not from files: make another TlsConfig of it";
            return Err(io::Error::new(io::ErrorKind::Unsupported, text));
        };
        let config = read(files)?;
        try_out(&config)?;
        *self.shared.current.write().unwrap_or_else(PoisonError::into_inner) = config;
        Ok(())
    }

    pub(super) fn current(&self) -> Arc<ServerConfig> {
        self.shared.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl fmt::Debug for TlsConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsConfig").field("files", &self.shared.files).finish_non_exhaustive()
    }
}

/// No connection is to find out that there can be none.
fn try_out(config: &Arc<ServerConfig>) -> io::Result<()> {
    let tried = ServerConnection::new(config.clone());
    tried.map(drop).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))
}

fn read((certfile, keyfile): &(PathBuf, PathBuf)) -> io::Result<Arc<ServerConfig>> {
    let read = |path: &Path| {
        std::fs::read(path)
            .map_err(|error| io::Error::new(error.kind(), format!("cannot read {}: {error}", path.display())))
    };
    config(&read(certfile)?, &read(keyfile)?, &certfile.display().to_string(), &keyfile.display().to_string())
}

/// The settings for a certificate and a key, which errors call by their names.
fn config(certificates: &[u8], key: &[u8], certfile: &str, keyfile: &str) -> io::Result<Arc<ServerConfig>> {
    let certificates = pem::certificates(certificates, certfile)?;
    let key = pem::key(key, keyfile)?;
    let invalid = |error: rustls::Error| {
        let text = match error {
            rustls::Error::InconsistentKeys(_) => {
                format!("the key in {keyfile} is not that of the certificate in {certfile}: {error}")
            }
            _ => format!("the certificate in {certfile} and the key in {keyfile} cannot be used: {error}"),
        };
        io::Error::new(io::ErrorKind::InvalidData, text)
    };
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_no_client_auth()
        .with_single_cert(certificates, key)
        .map_err(invalid)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
