//! Certificates and keys in PEM, and their possible errors.

use std::io;

use memchr::memmem;
use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::pem::{Error, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

pub(super) fn certificates(pem: &[u8], file: &str) -> io::Result<Vec<CertificateDer<'static>>> {
    let what = "certificate";
    let pem = text(pem, what, file)?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match certificates {
        Ok(certificates) if certificates.is_empty() => {
            Err(none(pem, what, b"PRIVATE KEY-----", "a private key", file))
        }
        Ok(certificates) => Ok(certificates),
        Err(error) => Err(broken(&error, what, file)),
    }
}

pub(super) fn key(pem: &[u8], file: &str) -> io::Result<PrivateKeyDer<'static>> {
    let what = "private key";
    let pem = text(pem, what, file)?;
    // PKCS#8 marks it in the label (RFC 7468 section 11), older keys in a line below the label (RFC 1421).
    let has_password = [&b"BEGIN ENCRYPTED PRIVATE KEY"[..], b"Proc-Type: 4,ENCRYPTED"];
    if has_password.iter().any(|mark| memmem::find(pem, mark).is_some()) {
        return Err(invalid(format!(
            "the key in {file} has a password, which is not supported: write it without one, to another file that only the \
             server can read, with `(umask 077; openssl pkey -in {file} -out {file}.plain)`"
        )));
    }
    let key = PrivateKeyDer::from_pem_slice(pem).map_err(|error| match error {
        Error::NoItemsFound => none(pem, what, b"BEGIN CERTIFICATE-----", "a certificate", file),
        error => broken(&error, what, file),
    })?;
    match any_supported_type(&key) {
        Ok(_) => Ok(key),
        Err(_) => Err(unsupported(key.secret_der(), file)),
    }
}

/// PEM is text. If the file has a format that other programs write, the error names the command that converts it.
fn text<'a>(pem: &'a [u8], what: &str, file: &str) -> io::Result<&'a [u8]> {
    const UTF8_MARK: &[u8] = b"\xef\xbb\xbf";
    let pem = pem.strip_prefix(UTF8_MARK).unwrap_or(pem);
    let instead = match pem {
        _ if pem.trim_ascii().is_empty() => "it is empty: was it written completely?".to_owned(),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => {
            "it is text in UTF-16, as PowerShell writes it: save it as ASCII or UTF-8".to_owned()
        }
        // A sequence (X.690 section 8.9). In PKCS #12 it begins with the version, 3 (RFC 7292 section 4).
        [0x30, 0x82, _, _, 2, 1, 3, ..] => format!(
            "it is PKCS #12, not PEM: `openssl pkcs12 -in {file} -nodes -out {file}.pem` writes certificate and key to one \
             PEM file, which only the server should be able to read"
        ),
        [0x30, length, rest @ ..] if (0x81..=0x84).contains(length) || usize::from(*length) == rest.len() => {
            let command = if what == "certificate" { "x509" } else { "pkey" };
            // Not to a fixed name, which may be that of the file: openssl empties it before it reads it.
            format!(
                "it is DER, not PEM: `openssl {command} -inform DER -in {file} -out {file}.pem` converts it"
            )
        }
        _ => return Ok(pem),
    };
    Err(invalid(format!("there is no {what} in {file}: {instead}")))
}

/// The error for a file that has only sections of other kinds.
fn none(pem: &[u8], what: &str, other: &[u8], name: &str, file: &str) -> io::Error {
    let label = what.to_ascii_uppercase();
    let hint = if memmem::find(pem, other).is_some() {
        format!("the file has {name}; are the two files swapped?")
    } else {
        format!("it begins with -----BEGIN {label}----- in a PEM file")
    };
    invalid(format!("there is no {what} in {file}: {hint}"))
}

fn broken(error: &Error, what: &str, file: &str) -> io::Error {
    let how = match error {
        Error::MissingSectionEnd { end_marker } => format!(
            "the file ends before -----END {}-----: it is truncated, or was not written completely. Write it again",
            String::from_utf8_lossy(end_marker)
        ),
        Error::IllegalSectionStart { line } => format!(
            "the line {:?} is incomplete: it begins a section and must end with five hyphens",
            String::from_utf8_lossy(line)
        ),
        Error::Base64Decode(_) => {
            "between BEGIN and END there is something other than complete lines of base64: copy it again from its source"
                .to_owned()
        }
        error => error.to_string(),
    };
    invalid(format!("cannot read the {what} in {file}: {how}"))
}

/// The kind of an unsupported key, by the object identifier of its algorithm or curve (RFC 5280, 5480, 5639, 8410).
const ALGORITHMS: &[(&[u8], &str)] = &[
    (&[6, 5, 0x2b, 0x81, 4, 0, 0x23], "a key of the curve P-521"),
    (&[6, 5, 0x2b, 0x81, 4, 0, 0x21], "a key of the curve P-224"),
    (&[6, 5, 0x2b, 0x81, 4, 0, 0x0a], "a key of the curve secp256k1"),
    (&[6, 9, 0x2b, 0x24, 3, 3, 2, 8, 1, 1], "a key of a Brainpool curve"),
    (&[6, 3, 0x2b, 0x65, 0x71], "a key of Ed448"),
    (&[6, 3, 0x2b, 0x65, 0x6e], "a key of X25519, which does not sign"),
    (&[6, 7, 0x2a, 0x86, 0x48, 0xce, 0x38, 4, 1], "a key of DSA"),
    (&[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 0x0a], "a key of RSA for PSS alone"),
    (&[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1], "a key of RSA that is shorter, longer or damaged"),
];

fn unsupported(der: &[u8], file: &str) -> io::Error {
    let known = ALGORITHMS.iter().find(|(name, _)| memmem::find(der, name).is_some());
    let what = known.map_or("of an unknown kind, or damaged", |(_, what)| what);
    invalid(format!(
        "the key in {file} is {what}: P-256, P-384, Ed25519 and RSA of 2048 to 4096 bits can be used. Create one with \
         `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem`, and obtain a certificate for it"
    ))
}

fn invalid(text: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text)
}
