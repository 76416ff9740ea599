//! A client that makes its own records once the TLS 1.3 handshake is done: records that no library sends.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};

use rustls::crypto::cipher::{AeadKey, Iv, MessageEncrypter, OutboundChunks, OutboundPlainMessage};
use rustls::crypto::ring;
use rustls::crypto::tls13::OkmBlock;
use rustls::pki_types::ServerName;
use rustls::{
    ClientConfig, ClientConnection, ContentType, KeyLog, ProtocolVersion, RootCertStore,
    SupportedCipherSuite, Tls13CipherSuite,
};

pub(crate) struct Records {
    stream: TcpStream,
    connection: ClientConnection,
    suite: &'static Tls13CipherSuite,
    /// The secret from which the client's keys are made, the keys, and how many records have used them.
    secret: [u8; SECRET],
    encrypter: Box<dyn MessageEncrypter>,
    sequence: u64,
    /// How much of the written data goes into a record.
    pub(crate) piece: usize,
}

/// The length of SHA-256, which the suite uses.
const SECRET: usize = 32;

/// RFC 8446 section 4.6.3: only the sender's key changes; the peer is not asked to do the same.
const KEY_UPDATE: &[u8] = &[24, 0, 0, 1, 0];

/// Keeps the client's first secret: RFC 8446 section 7.1.
#[derive(Debug, Default)]
struct Secret(Mutex<Option<[u8; SECRET]>>);

impl KeyLog for Secret {
    fn log(&self, label: &str, _client_random: &[u8], secret: &[u8]) {
        if label == "CLIENT_TRAFFIC_SECRET_0" {
            *self.0.lock().unwrap() = Some(secret.try_into().unwrap());
        }
    }
}

impl Records {
    pub(crate) fn new(roots: RootCertStore, mut stream: TcpStream) -> Self {
        let SupportedCipherSuite::Tls13(suite) = ring::cipher_suite::TLS13_CHACHA20_POLY1305_SHA256 else {
            panic!("a suite of TLS 1.3");
        };
        let mut provider = ring::default_provider();
        provider.cipher_suites = vec![suite.into()];
        let builder = ClientConfig::builder_with_provider(Arc::new(provider));
        let builder = builder.with_protocol_versions(&[&rustls::version::TLS13]).unwrap();
        let mut config = builder.with_root_certificates(roots).with_no_client_auth();
        let kept = Arc::new(Secret::default());
        config.key_log = kept.clone();
        let name = ServerName::try_from("localhost").unwrap();
        let mut connection = ClientConnection::new(Arc::new(config), name).unwrap();
        while connection.is_handshaking() || connection.wants_write() {
            connection.complete_io(&mut stream).unwrap();
        }
        let secret = kept.0.lock().unwrap().expect("the handshake is done");
        let encrypter = encrypter(suite, &secret);
        Self { stream, connection, suite, secret, encrypter, sequence: 0, piece: 16 * 1024 }
    }

    /// A record with data, which may be empty.
    pub(crate) fn data(&mut self, data: &[u8]) -> Vec<u8> {
        self.record(ContentType::ApplicationData, data)
    }

    /// A record that changes the key of those that follow.
    pub(crate) fn key_update(&mut self) -> Vec<u8> {
        let record = self.record(ContentType::Handshake, KEY_UPDATE);
        self.secret = expand(self.suite, &self.secret, "traffic upd");
        self.encrypter = encrypter(self.suite, &self.secret);
        self.sequence = 0;
        record
    }

    /// This many bytes of records without data: rustls accepts 32 key changes in a row.
    pub(crate) fn barren(&mut self, bytes: usize) -> Vec<u8> {
        let mut records = Vec::with_capacity(bytes);
        while records.len() < bytes {
            for _ in 0..31 {
                records.extend(self.key_update());
            }
            records.extend(self.data(b""));
        }
        records
    }

    pub(crate) fn stream(&self) -> &TcpStream {
        &self.stream
    }

    fn record(&mut self, typ: ContentType, payload: &[u8]) -> Vec<u8> {
        let payload = OutboundChunks::Single(payload);
        let message = OutboundPlainMessage { typ, version: ProtocolVersion::TLSv1_2, payload };
        let record = self.encrypter.encrypt(message, self.sequence).unwrap().encode();
        self.sequence += 1;
        record
    }
}

impl Write for Records {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let piece = self.piece;
        let records: Vec<u8> = bytes.chunks(piece).flat_map(|piece| self.data(piece)).collect();
        self.stream.write_all(&records)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for Records {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.connection.reader().read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                read => return read,
            }
            self.connection.read_tls(&mut self.stream)?;
            self.connection.process_new_packets().map_err(io::Error::other)?;
        }
    }
}

/// RFC 8446 section 7.3.
fn encrypter(suite: &Tls13CipherSuite, secret: &[u8]) -> Box<dyn MessageEncrypter> {
    let key: [u8; 32] = expand(suite, secret, "key");
    let iv: [u8; 12] = expand(suite, secret, "iv");
    suite.aead_alg.encrypter(AeadKey::from(key), Iv::from(iv))
}

/// HKDF-Expand-Label of RFC 8446 section 7.1, without a context.
fn expand<const N: usize>(suite: &Tls13CipherSuite, secret: &[u8], label: &str) -> [u8; N] {
    let label = format!("tls13 {label}");
    let (length, label_length) = (u16::try_from(N).unwrap(), u8::try_from(label.len()).unwrap());
    let mut out = [0; N];
    let info: [&[u8]; 4] = [&length.to_be_bytes(), &[label_length], label.as_bytes(), &[0]];
    let expander = suite.hkdf_provider.expander_for_okm(&OkmBlock::new(secret));
    expander.expand_slice(&info, &mut out).unwrap();
    out
}
