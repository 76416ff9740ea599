//! What a handler learns about the TLS of its connection.

use std::io;
use std::net::TcpStream;
use std::sync::Arc;

use basehttp::TlsConfig;
use basehttp::prelude::*;
use basehttp::testing::TestServer;
use basehttp_tests::client::Client;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::{
    ClientConfig, ClientConnection, HandshakeKind, ServerConfig, StreamOwned, SupportedProtocolVersion,
    version,
};

use super::{GET, Identity};

struct Facts {
    base: BaseHTTPRequestHandler,
    shown: Vec<Vec<u8>>,
}

#[http_handler]
impl Facts {
    const protocol_version: &str = "HTTP/1.1";

    fn do_GET(&self) -> io::Result<()> {
        let connection = self.connection();
        let certificates = connection.client_certificates();
        assert!(certificates.is_empty() || certificates == self.shown, "they are those of the client");
        self.send_response(200);
        self.end_headers()?;
        write!(
            self.wfile,
            "{:?} {:?} {} {}",
            connection.tls_version(),
            connection.tls_server_name(),
            certificates.len(),
            connection.local_address().is_some()
        )
    }

    fn log_message(&self, _message: std::fmt::Arguments<'_>) {}
}

struct Mutual {
    own: Identity,
    client: Identity,
    server: TestServer,
}

impl Mutual {
    /// A server that asks for certificates and accepts those of one client, or none.
    fn new() -> Self {
        let (own, client) = (Identity::new(), Identity::new());
        let provider = Arc::new(ring::default_provider());
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(client.roots()), provider.clone())
                .allow_unauthenticated()
                .build()
                .unwrap();
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(verifier)
            .with_single_cert(vec![own.der.clone()], key(&own))
            .unwrap();
        let tls = TlsConfig::from_rustls(Arc::new(config)).unwrap();
        let shown = vec![client.der.to_vec()];
        let factory = move |base| Facts { base, shown: shown.clone() };
        let server = TestServer::with(HTTPServer::builder().tls(tls), factory);
        Self { own, client, server }
    }

    fn config(&self, version: &'static SupportedProtocolVersion, shows: bool) -> Arc<ClientConfig> {
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(&[version])
            .unwrap()
            .with_root_certificates(self.own.roots());
        Arc::new(if shows {
            builder.with_client_auth_cert(vec![self.client.der.clone()], key(&self.client)).unwrap()
        } else {
            builder.with_no_client_auth()
        })
    }

    fn connect(
        &self,
        config: &Arc<ClientConfig>,
        name: &'static str,
    ) -> Client<StreamOwned<ClientConnection, TcpStream>> {
        let name = ServerName::try_from(name).unwrap();
        let session = ClientConnection::new(config.clone(), name).unwrap();
        Client::over(StreamOwned::new(session, self.server.connect().unwrap()))
    }
}

fn key(identity: &Identity) -> PrivateKeyDer<'static> {
    PrivateKeyDer::from_pem_slice(identity.key.as_bytes()).unwrap()
}

#[test]
fn version_name_and_certificates() {
    let stage = Mutual::new();
    for (version, told) in [(&version::TLS12, "TLSv1.2"), (&version::TLS13, "TLSv1.3")] {
        for shows in [true, false] {
            let config = stage.config(version, shows);
            // The second one is resumed, and has shown no certificate again.
            for kind in [HandshakeKind::Full, HandshakeKind::Resumed] {
                let mut client = stage.connect(&config, "LocalHost");
                for _ in 0..2 {
                    let text = client.ask(GET).text();
                    let count = usize::from(shows);
                    assert_eq!(text, format!("Some({told:?}) Some(\"localhost\") {count} true"));
                }
                assert_eq!(client.transport().conn.handshake_kind(), Some(kind), "{told} {shows}");
            }
        }
    }
}

/// Like a client that uses the address instead of a name.
#[test]
fn a_client_without_a_name() {
    let stage = Mutual::new();
    let mut config = Arc::unwrap_or_clone(stage.config(&version::TLS13, false));
    // The certificate is for `localhost`.
    config.enable_sni = false;
    let text = stage.connect(&Arc::new(config), "localhost").ask(GET).text();
    assert_eq!(text, "Some(\"TLSv1.3\") None 0 true");
}

#[test]
fn a_certificate_of_another_authority_is_none() {
    let stage = Mutual::new();
    let other = Identity::new();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(stage.own.roots())
        .with_client_auth_cert(vec![CertificateDer::from(other.der.to_vec())], key(&other))
        .unwrap();
    assert!(stage.connect(&Arc::new(config), "localhost").send(GET).try_response().is_err());
}
