//! Questions that a handler may ask about its connection.

use std::fmt;
use std::marker::PhantomData;

use super::connection_io::SharedIo;
#[cfg(all(feature = "peer-credentials", unix))]
use super::facts::PeerCredentials;
use super::message::Message;
use super::{Address, BaseHTTPRequestHandler};

/// A connection's properties besides the client's address: Python's `self.connection`, without reading and writing. To read
/// and write, use `rfile` and `wfile`, or [`upgrade`](BaseHTTPRequestHandler::upgrade) after a protocol switch.
///
/// Each method asks the system, or TLS, when it is called; store an answer that you need often. Behind a proxy the answers
/// describe the proxy's connection. [Without a socket](crate::testing) they are `None` or empty.
///
/// ```
/// use basehttp::prelude::*;
/// use basehttp::testing::TestServer;
///
/// struct Where { base: BaseHTTPRequestHandler }
///
/// #[http_handler]
/// impl Where {
///     fn do_GET(&self) -> std::io::Result<()> {
///         let address = self.connection().local_address().and_then(|address| address.ip());
///         self.send_response(200);
///         self.end_headers()?;
///         write!(self.wfile, "{address:?}")
///     }
/// }
///
/// // Listens at all addresses of the machine, so `server_address` is `0.0.0.0`; the client connects to one of them.
/// let server = TestServer::new(|base| Where { base });
/// let response = server.exchange(b"GET / HTTP/1.0\r\n\r\n").unwrap();
/// assert!(response.ends_with(b"Some(127.0.0.1)"));
/// ```
#[derive(Clone, Copy)]
pub struct Connection<'a> {
    shared: &'a SharedIo,
    /// It stays on the handler's thread, like the handler's base.
    stays: PhantomData<*const ()>,
}

impl<M: Message> BaseHTTPRequestHandler<M> {
    /// The connection: its local address, its TLS and the peer's credentials. See [`Connection`].
    #[doc(alias("socket"))]
    pub fn connection(&self) -> Connection<'_> {
        Connection { shared: self.vars.shared(), stays: PhantomData }
    }
}

impl Connection<'_> {
    /// The address at which the client reached the server: Python's `self.connection.getsockname()`. For a server at several
    /// addresses, or at all addresses of the machine, it is the one that the client used. For a unix socket it is the bound
    /// path.
    ///
    /// `None` without a socket, or if the system no longer knows because the client has gone (macOS).
    #[doc(alias("getsockname", "local_addr"))]
    pub fn local_address(&self) -> Option<Address> {
        self.shared.lock().facts()?.local_address()
    }

    /// The credentials of the process at the other end of a unix socket: effective user and group, and process id, when it
    /// connected. They come from the system, so no client can claim another identity; after `sudo` or in a container, they
    /// are the effective ones. `None` for TCP, without a socket, and on systems that do not report them (Solaris). Behind a
    /// proxy they are the proxy's.
    ///
    /// ```
    /// use basehttp::prelude::*;
    ///
    /// /// Serves root and one other user.
    /// struct Private { base: BaseHTTPRequestHandler, owner: u32 }
    ///
    /// #[http_handler]
    /// impl Private {
    ///     fn do_GET(&self) -> std::io::Result<()> {
    ///         match self.connection().peer_credentials() {
    ///             Some(peer) if peer.uid == 0 || peer.uid == self.owner => {
    ///                 self.send_response(204);
    ///                 self.end_headers()
    ///             }
    ///             _ => self.send_error(403),
    ///         }
    ///     }
    /// }
    ///
    /// // A program calls `HTTPServer::bind_unix("/run/app.sock", |base| ..)`. Without a socket no client is let in.
    /// let responses = basehttp::testing::respond(|base| Private { base, owner: 1000 }, b"GET / HTTP/1.0\r\n\r\n");
    /// assert_eq!(responses[0].status, 403);
    /// ```
    #[cfg(all(feature = "peer-credentials", unix))]
    pub fn peer_credentials(&self) -> Option<PeerCredentials> {
        self.shared.lock().facts()?.peer_credentials()
    }

    /// The TLS version, as in Python's `SSLSocket.version()`: `TLSv1.3` or `TLSv1.2`. `None` without TLS and before the
    /// handshake: in the [`setup`](crate::RequestHandler::setup) of a handler that overrides
    /// [`handle`](crate::RequestHandler::handle).
    #[cfg(feature = "tls")]
    pub fn tls_version(&self) -> Option<&'static str> {
        self.shared.lock().facts()?.tls_version()
    }

    /// The name that the client asked for in the handshake (SNI, RFC 6066 section 3), in lower case. `None` without TLS,
    /// before the handshake, and for a client that sent none, for example because it connects by IP address.
    ///
    /// Requests on the connection may name another host in `Host`: if certificates separate your names, compare the two and
    /// answer 421 (RFC 9110 section 7.4).
    #[cfg(feature = "tls")]
    pub fn tls_server_name(&self) -> Option<String> {
        self.shared.lock().facts()?.server_name().map(str::to_owned)
    }

    /// The certificates that the client presented, in DER: its own first, then those that lead to an authority. They are
    /// copies. They were verified as the server's settings require; to read the names in them, use an X.509 crate. Empty
    /// without TLS, before the handshake, if the server does not ask for certificates, and for a client without one, if that
    /// is allowed.
    ///
    /// A server asks for certificates with rustls settings, which [`TlsConfig::from_rustls`](crate::TlsConfig::from_rustls)
    /// takes:
    ///
    /// ```no_run
    /// use std::io;
    /// use std::sync::Arc;
    /// use basehttp::TlsConfig;
    /// use basehttp::prelude::*;
    /// use rustls::pki_types::pem::PemObject;
    /// use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    /// use rustls::server::WebPkiClientVerifier;
    /// use rustls::{RootCertStore, ServerConfig};
    ///
    /// struct Members { base: BaseHTTPRequestHandler }
    ///
    /// #[http_handler]
    /// impl Members {
    ///     fn do_GET(&self) -> io::Result<()> {
    ///         let certificates = self.connection().client_certificates();
    ///         let Some(own) = certificates.first() else { return self.send_error((403, "No certificate")) };
    ///         self.send_response(200);
    ///         self.end_headers()?;
    ///         write!(self.wfile, "a certificate of {} bytes", own.len())
    ///     }
    /// }
    ///
    /// fn main() -> Result<(), Box<dyn std::error::Error>> {
    ///     let mut authorities = RootCertStore::empty();
    ///     for authority in CertificateDer::pem_file_iter("authorities.pem")? {
    ///         authorities.add(authority?)?;
    ///     }
    ///     // Without `allow_unauthenticated`, the handshake of a client without a certificate fails.
    ///     let verifier = WebPkiClientVerifier::builder(Arc::new(authorities)).allow_unauthenticated().build()?;
    ///     let chain = CertificateDer::pem_file_iter("fullchain.pem")?.collect::<Result<_, _>>()?;
    ///     let key = PrivateKeyDer::from_pem_file("privkey.pem")?;
    ///     let mut config = ServerConfig::builder().with_client_cert_verifier(verifier).with_single_cert(chain, key)?;
    ///     config.alpn_protocols = vec![b"http/1.1".to_vec(), b"http/1.0".to_vec()];
    ///     let tls = TlsConfig::from_rustls(Arc::new(config))?;
    ///     HTTPServer::builder().tls(tls).bind("0.0.0.0:8443", |base| Members { base })?.serve_forever()?;
    ///     Ok(())
    /// }
    /// ```
    #[cfg(feature = "tls")]
    pub fn client_certificates(&self) -> Vec<Vec<u8>> {
        let io = self.shared.lock();
        let Some(facts) = io.facts() else { return Vec::new() };
        facts.client_certificates()
    }
}

impl fmt::Debug for Connection<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("local_address", &self.local_address()).finish_non_exhaustive()
    }
}
