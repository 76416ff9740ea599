//! The certificate of the server, which is replaced while it serves, and the clients that check which one they get.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use std::{fs, io};

use basehttp_tests::PATIENCE;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme, version};

use basehttp_tests::dice::Dice;

/// How long the server may use a certificate after its files were replaced. It looks at them ten times a second, but it is
/// also stopped at times, and the machine may be busy.
const LAG: Duration = Duration::from_secs(20);

/// The kinds of clients.
#[derive(Debug)]
pub(crate) struct Clients {
    pub(crate) modern: Arc<ClientConfig>,
    /// It resumes sessions, with TLS 1.3.
    pub(crate) resuming: Arc<ClientConfig>,
    /// TLS 1.2.
    pub(crate) old: Arc<ClientConfig>,
}

#[derive(Debug)]
pub(crate) struct Certificates {
    folder: PathBuf,
    issued: Arc<Issued>,
    pub(crate) clients: Clients,
}

/// The certificates so far.
#[derive(Debug)]
struct Issued {
    certificates: Mutex<Vec<Certificate>>,
    provider: Arc<CryptoProvider>,
}

#[derive(Debug)]
struct Certificate {
    der: CertificateDer<'static>,
    /// When both files had their new content.
    since: Instant,
    /// How many handshakes have shown it.
    seen: u64,
}

impl Certificates {
    pub(crate) const CERTIFICATE: &'static str = "cert.pem";
    pub(crate) const KEY: &'static str = "key.pem";

    pub(crate) fn new(folder: &Path) -> io::Result<Self> {
        let provider = Arc::new(ring::default_provider());
        let issued = Arc::new(Issued { certificates: Mutex::default(), provider: provider.clone() });
        let config = |versions: &[&'static rustls::SupportedProtocolVersion], resumption| {
            let builder = ClientConfig::builder_with_provider(provider.clone());
            let builder = builder.with_protocol_versions(versions).map_err(io::Error::other)?;
            let builder = builder.dangerous().with_custom_certificate_verifier(issued.clone());
            let mut config = builder.with_no_client_auth();
            config.resumption = resumption;
            io::Result::Ok(Arc::new(config))
        };
        let clients = Clients {
            modern: config(&[&version::TLS13], Resumption::disabled())?,
            resuming: config(&[&version::TLS13], Resumption::in_memory_sessions(8))?,
            old: config(&[&version::TLS12], Resumption::disabled())?,
        };
        let certificates = Self { folder: folder.to_owned(), issued, clients };
        certificates.replace(&mut Dice::new(0, 0))?;
        Ok(certificates)
    }

    /// Replaces both files, in one of the ways in which programs do.
    pub(crate) fn replace(&self, dice: &mut Dice) -> io::Result<()> {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(vec!["localhost".to_owned()]).map_err(io::Error::other)?;
        let (certificate, key) = (cert.pem(), signing_key.serialize_pem());
        let files = [(Self::CERTIFICATE, &certificate), (Self::KEY, &key)];
        // The server may use the new one before both files are complete for this process.
        self.issued.lock().push(Certificate {
            der: cert.der().clone(),
            since: Instant::now() + PATIENCE,
            seen: 0,
        });
        let order = if dice.chance(50) { [0, 1] } else { [1, 0] };
        let by_name = dice.chance(50);
        for (name, text) in order.map(|at| files[at]) {
            let path = self.folder.join(name);
            if by_name {
                let new = self.folder.join("new");
                fs::write(&new, text)?;
                fs::rename(&new, &path)?;
            } else {
                fs::write(&path, &text[..dice.index(text.len())])?;
                std::thread::sleep(Duration::from_millis(dice.between(0, 150)));
                fs::write(&path, text)?;
            }
            // For a while the two do not match.
            std::thread::sleep(Duration::from_millis(dice.between(0, 300)));
        }
        if let Some(last) = self.issued.lock().last_mut() {
            last.since = Instant::now();
        }
        Ok(())
    }

    /// How many there were, and how many of them a client has seen.
    pub(crate) fn seen(&self) -> (usize, usize) {
        let issued = self.issued.lock();
        (issued.len(), issued.iter().filter(|certificate| certificate.seen > 0).count())
    }

    /// Whether a client has got the newest.
    pub(crate) fn newest_is_seen(&self) -> bool {
        self.issued.lock().last().is_some_and(|newest| newest.seen > 0)
    }
}

impl Issued {
    fn lock(&self) -> MutexGuard<'_, Vec<Certificate>> {
        self.certificates.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The certificate must be one of those that were issued, and not one that was replaced long ago. The signature of the
/// handshake shows that the key fits.
impl ServerCertVerifier for Issued {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let mut issued = self.lock();
        let Some(at) = issued.iter().position(|issued| issued.der == *end_entity) else {
            return Err(Error::General("a certificate that was never issued".to_owned()));
        };
        issued[at].seen += 1;
        let next = issued.get(at + 1).map(|next| next.since);
        if let Some(since) = next.filter(|since| since.elapsed() > LAG) {
            let text = format!("certificate {at} was replaced {:?} ago", since.elapsed());
            return Err(Error::General(text));
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, signature, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, signature, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
