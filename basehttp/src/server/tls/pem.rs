//! Certificates and keys in PEM, and what can be wrong with them.

use std::io;

use memchr::memmem;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

pub(super) fn certificates(pem: &[u8], file: &str) -> io::Result<Vec<CertificateDer<'static>>> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match certificates {
        Ok(certificates) if certificates.is_empty() => Err(invalid(format!(
            "there is no certificate in {file}: it begins with -----BEGIN CERTIFICATE----- in a PEM file"
        ))),
        Ok(certificates) => Ok(certificates),
        Err(error) => Err(invalid(format!("cannot read the certificates in {file}: {error}"))),
    }
}

pub(super) fn key(pem: &[u8], file: &str) -> io::Result<PrivateKeyDer<'static>> {
    // PKCS#8 has it in the label (RFC 7468 section 11), older keys in a line below it (RFC 1421).
    let has_password = [&b"BEGIN ENCRYPTED PRIVATE KEY"[..], b"Proc-Type: 4,ENCRYPTED"];
    if has_password.iter().any(|mark| memmem::find(pem, mark).is_some()) {
        return Err(invalid(format!(
            "the key in {file} has a password, which is not supported: write it to a file without one, which only the \
             server can read, with `openssl pkey -in {file} -out key.pem`"
        )));
    }
    PrivateKeyDer::from_pem_slice(pem).map_err(|error| match error {
        rustls::pki_types::pem::Error::NoItemsFound => invalid(format!(
            "there is no private key in {file}: it begins with -----BEGIN PRIVATE KEY----- in a PEM file"
        )),
        error => invalid(format!("cannot read the private key in {file}: {error}")),
    })
}

fn invalid(text: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text)
}
