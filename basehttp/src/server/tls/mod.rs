//! HTTP over TLS: the certificate with its key, and the wire that encrypts.

mod pem;
mod watch;
mod wire;

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::path::{Path, PathBuf};

use rustls::crypto::ring;
use rustls::{ServerConfig, ServerConnection};

use crate::sync::{Arc, PoisonError, RwLock};

pub(super) use watch::{Watch, Watching};
pub(super) use wire::TlsSocket;

/// A server's certificate and its key, for [`ServerBuilder::tls`](crate::ServerBuilder::tls).
///
/// Clones share the certificate: keep one to [`reload`](Self::reload) it while the server runs, or let the server do that by
/// [`watch_tls`](crate::ServerBuilder::watch_tls).
///
/// The server supports TLS 1.2 and 1.3, by [rustls](https://docs.rs/rustls). A client that offers protocols (ALPN, RFC 7301)
/// gets `http/1.1`, `http/1.0` or `http/0.9`, in this order of preference. A client that offers none of them, for example
/// only `h2`, gets the alert `no_application_protocol`; a client that does not use ALPN is served. The version of a request
/// is the one in its request line, whatever was negotiated.
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
    current: RwLock<Current>,
    /// The files that it is read from, if any.
    files: Option<Files>,
    /// Hashes the contents of the files, to detect a change without a copy of the key.
    hasher: RandomState,
}

struct Current {
    config: Arc<ServerConfig>,
    /// The hash of the files' contents that it was made from.
    mark: u64,
}

/// The paths of the certificate and the key.
#[derive(Debug)]
struct Files {
    certificate: PathBuf,
    key: PathBuf,
}

/// The contents of the files.
struct Contents {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

/// The supported protocols in order of preference. IANA has registered all three for ALPN.
const PROTOCOLS: [&[u8]; 3] = [b"http/1.1", b"http/1.0", b"http/0.9"];

impl TlsConfig {
    /// Reads a certificate chain and its private key from PEM files, which may be the same file. The server's certificate
    /// comes first, then those that lead to one that clients trust.
    ///
    /// # Errors
    /// The system's, with the file's name; [`InvalidData`](io::ErrorKind::InvalidData) if a file has no certificate or no
    /// key, if the key has a password, or if certificate and key do not match. The text says what to do.
    pub fn from_files(certfile: impl AsRef<Path>, keyfile: impl AsRef<Path>) -> io::Result<Self> {
        let files = Files { certificate: certfile.as_ref().to_owned(), key: keyfile.as_ref().to_owned() };
        let contents = files.read()?;
        Self::new(files.config(&contents)?, Some((files, contents)))
    }

    /// As [`from_files`](Self::from_files), from the contents of such files.
    ///
    /// # Errors
    /// As there.
    pub fn from_pem(certificates: &[u8], key: &[u8]) -> io::Result<Self> {
        Self::new(config(certificates, key, "the given PEM", "the given PEM")?, None)
    }

    /// Uses your own settings of [rustls](https://docs.rs/rustls) 0.23: for client certificates (with an example at
    /// [`client_certificates`](crate::Connection::client_certificates)), several names, or another crypto provider. Set
    /// `alpn_protocols` to `http/1.1` and `http/1.0`: the server supports no other protocol.
    ///
    /// # Errors
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) if rustls cannot make a connection with them.
    pub fn from_rustls(config: Arc<ServerConfig>) -> io::Result<Self> {
        Self::new(config, None)
    }

    fn new(config: Arc<ServerConfig>, from: Option<(Files, Contents)>) -> io::Result<Self> {
        try_out(&config)?;
        let hasher = RandomState::new();
        let mark = from.as_ref().map_or(0, |(_, contents)| contents.mark(&hasher));
        let (current, files) = (RwLock::new(Current { config, mark }), from.map(|(files, _)| files));
        Ok(Self { shared: Arc::new(Shared { current, files, hasher }) })
    }

    /// Reads the files again. Open connections keep what they have; new ones get the new certificate.
    ///
    /// # Errors
    /// As [`from_files`](Self::from_files); then the old certificate stays in use.
    /// [`Unsupported`](io::ErrorKind::Unsupported) for a certificate that is not from files.
    pub fn reload(&self) -> io::Result<()> {
        let Some(files) = &self.shared.files else {
            let text = "this certificate was not read from files: create a new TlsConfig";
            return Err(io::Error::new(io::ErrorKind::Unsupported, text));
        };
        self.take(files, &files.read()?)
    }

    /// Uses these contents for new connections.
    fn take(&self, files: &Files, contents: &Contents) -> io::Result<()> {
        let config = files.config(contents)?;
        try_out(&config)?;
        let mark = contents.mark(&self.shared.hasher);
        *self.shared.current.write().unwrap_or_else(PoisonError::into_inner) = Current { config, mark };
        Ok(())
    }

    /// Whether there are files to watch.
    pub(super) fn is_from_files(&self) -> bool {
        self.shared.files.is_some()
    }

    pub(super) fn current(&self) -> Arc<ServerConfig> {
        self.shared.current.read().unwrap_or_else(PoisonError::into_inner).config.clone()
    }

    /// The hash for the certificate that new connections get.
    fn mark(&self) -> u64 {
        self.shared.current.read().unwrap_or_else(PoisonError::into_inner).mark
    }
}

impl Files {
    fn read(&self) -> io::Result<Contents> {
        let read = |path: &Path| {
            std::fs::read(path).map_err(|error| {
                io::Error::new(error.kind(), format!("cannot read {}: {error}", path.display()))
            })
        };
        Ok(Contents { certificate: read(&self.certificate)?, key: read(&self.key)? })
    }

    fn config(&self, Contents { certificate, key }: &Contents) -> io::Result<Arc<ServerConfig>> {
        config(certificate, key, &self.certificate.display().to_string(), &self.key.display().to_string())
    }
}

impl Contents {
    fn mark(&self, hasher: &RandomState) -> u64 {
        hasher.hash_one((&self.certificate, &self.key))
    }
}

impl fmt::Debug for TlsConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsConfig").field("files", &self.shared.files).finish_non_exhaustive()
    }
}

/// Settings that cannot make a connection are an error now, not at the first connection.
fn try_out(config: &Arc<ServerConfig>) -> io::Result<()> {
    let tried = ServerConnection::new(config.clone());
    tried.map(drop).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))
}

/// The rustls settings for a certificate and a key. Errors use the given file names.
fn config(certificates: &[u8], key: &[u8], certfile: &str, keyfile: &str) -> io::Result<Arc<ServerConfig>> {
    let certificates = pem::certificates(certificates, certfile)?;
    let key = pem::key(key, keyfile)?;
    let invalid = |error: rustls::Error| {
        let text = match error {
            rustls::Error::InconsistentKeys(_) => {
                format!(
                    "the key in {keyfile} does not match the certificate in {certfile}: use the key that the certificate \
                     was made for; if there are several certificates, the server's comes first"
                )
            }
            rustls::Error::InvalidCertificate(rustls::CertificateError::BadEncoding) => {
                format!("the first certificate in {certfile} is damaged: copy it again from its source")
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
    config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
    Ok(Arc::new(config))
}
