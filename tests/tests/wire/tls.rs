//! The vectors over TLS: servers with a certificate, and a client that decides which bytes share a record and how its input
//! ends.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;

use basehttp::TlsConfig;
use basehttp::prelude::*;
use basehttp::testing::TestServer;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::client::Resumption;
use rustls::crypto::ring;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, SupportedProtocolVersion};

use crate::handlers::{Record, over_tcp};

/// A server for vectors, with clients for both versions of TLS.
pub(crate) struct Secure {
    server: TestServer,
    pub(crate) record: Record,
    /// Of TLS 1.2 and 1.3. Each keeps its sessions, so that the certificate is used once.
    clients: [Arc<ClientConfig>; 2],
}

/// The versions of TLS, as indices of the clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    /// Its resumed handshakes have no key exchange, so they are cheap.
    Tls12 = 0,
    Tls13 = 1,
}

/// How the client ends its input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// As RFC 8446 section 6.1 demands: `close_notify`, and the socket's half is shut down.
    Orderly,
    /// The socket's half is shut down without a `close_notify`, as many clients do.
    Bare,
    /// A `close_notify` alone: the socket stays open.
    Notice,
}

/// Which records share a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flight {
    /// Each has its own.
    Apart,
    /// All records are in one.
    Together,
}

impl Secure {
    pub(crate) fn new(handler: &str) -> Self {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(vec!["localhost".to_owned()]).expect("a certificate");
        let tls = TlsConfig::from_pem(cert.pem().as_bytes(), signing_key.serialize_pem().as_bytes());
        let builder = HTTPServer::builder().tls(tls.expect("a certificate that fits its key"));
        let (server, record) = over_tcp(handler, builder);
        let mut roots = RootCertStore::empty();
        roots.add(cert.der().clone()).expect("a certificate that is its own authority");
        let versions = [&rustls::version::TLS12, &rustls::version::TLS13];
        let clients = versions.map(|version| Arc::new(client(roots.clone(), version)));
        Self { server, record, clients }
    }

    /// Sends each piece in a record of its own, and ends the input. Returns what the server has sent up to its
    /// `close_notify`.
    ///
    /// # Errors
    /// The connection's. Also if the server ends it in another way than by a `close_notify` and the end of its half.
    pub(crate) fn exchange(
        &self,
        pieces: &[&[u8]],
        version: Version,
        flight: Flight,
        end: End,
    ) -> io::Result<Vec<u8>> {
        let mut stream = self.server.connect()?;
        stream.set_nodelay(true)?;
        let name = ServerName::try_from("localhost").map_err(io::Error::other)?;
        let config = self.clients[version as usize].clone();
        let mut session = ClientConnection::new(config, name).map_err(io::Error::other)?;
        session.set_buffer_limit(None);
        while session.is_handshaking() || session.wants_write() {
            session.complete_io(&mut stream)?;
        }
        for piece in pieces {
            session.writer().write_all(piece)?;
            if flight == Flight::Apart {
                send(&mut session, &mut stream)?;
            }
        }
        if end != End::Bare {
            session.send_close_notify();
        }
        send(&mut session, &mut stream)?;
        if end != End::Notice {
            stream.shutdown(Shutdown::Write)?;
        }
        let mut output = Vec::new();
        // rustls treats an end without a `close_notify` as an error.
        read_to_notice(&mut session, &mut stream, &mut output)?;
        match stream.read(&mut [0; 1])? {
            0 => Ok(output),
            _ => Err(io::Error::other("bytes after the close_notify")),
        }
    }
}

fn client(roots: RootCertStore, version: &'static SupportedProtocolVersion) -> ClientConfig {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_protocol_versions(&[version]).expect("a version that the provider has");
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.resumption = Resumption::in_memory_sessions(8);
    config
}

/// Sends all records in one write, as far as the socket takes them.
fn send(session: &mut ClientConnection, stream: &mut TcpStream) -> io::Result<()> {
    let mut records = Vec::new();
    while session.wants_write() {
        session.write_tls(&mut records)?;
    }
    stream.write_all(&records)
}

fn read_to_notice(
    session: &mut ClientConnection,
    stream: &mut TcpStream,
    output: &mut Vec<u8>,
) -> io::Result<()> {
    loop {
        match session.reader().read_to_end(output) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            ended => return ended.map(drop),
        }
        session.read_tls(stream)?;
        session.process_new_packets().map_err(io::Error::other)?;
    }
}
