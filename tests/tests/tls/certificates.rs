//! Certificates and keys: clear messages for what is wrong with them, and their replacement.

use std::fs;
use std::io;
use std::net::TcpStream;
use std::path::PathBuf;
use std::time::Duration;

use basehttp::prelude::*;
use basehttp::testing::TestServer;
use basehttp::{HTTPSServer, TlsConfig};
use basehttp_tests::client::Client;
use basehttp_tests::log::Log;
use basehttp_tests::{PATIENCE, wait_until};

use super::{Act, GET, Identity};

#[test]
fn a_new_certificate_is_for_new_connections() {
    let folder = tempfile::tempdir().unwrap();
    let (certfile, keyfile) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    let write = |identity: &Identity| {
        fs::write(&certfile, &identity.certificate).unwrap();
        fs::write(&keyfile, &identity.key).unwrap();
    };
    let (first, second) = (Identity::new(), Identity::new());
    write(&first);
    let tls = TlsConfig::from_files(&certfile, &keyfile).unwrap();
    let log = Log::default();
    let factory = move |base| Act { base, log: log.clone() };
    let server = TestServer::with(HTTPServer::builder().tls(tls.clone()), factory);
    let mut before = Client::over(first.client(server.connect().unwrap()));
    assert_eq!(before.ask(GET).status, 200);

    fs::write(&keyfile, "no key").unwrap();
    assert!(tls.reload().unwrap_err().to_string().contains("key.pem"));
    let mut meanwhile = Client::over(first.client(server.connect().unwrap()));
    assert_eq!(meanwhile.ask(GET).status, 200, "the old one stays in force");

    write(&second);
    tls.reload().unwrap();
    let mut after = Client::over(second.client(server.connect().unwrap()));
    assert_eq!(after.ask(GET).status, 200);
    assert_eq!(before.ask(GET).status, 200);
    let mut old = Client::over(first.client(server.connect().unwrap()));
    assert!(old.send(GET).try_response().is_err());
}

#[test]
fn what_is_wrong_with_a_certificate_is_said() {
    let (one, other) = (Identity::new(), Identity::new());
    let failed = |certificate: &str, key: &str| {
        TlsConfig::from_pem(certificate.as_bytes(), key.as_bytes()).unwrap_err().to_string()
    };
    let with_password = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n-----END ENCRYPTED PRIVATE KEY-----\n";
    let old = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nMIIB\n-----END RSA PRIVATE KEY-----\n";
    for (error, says) in [
        (failed("", &one.key), "no certificate"),
        (failed(&one.key, &one.key), "no certificate"),
        (failed(&one.certificate, ""), "no private key"),
        (failed(&one.certificate, &one.certificate), "no private key"),
        (failed(&one.certificate, with_password), "openssl pkey"),
        (failed(&one.certificate, old), "openssl pkey"),
        (failed(&one.certificate, &other.key), "does not match the certificate"),
    ] {
        assert!(error.contains(says), "{error}");
    }
    let error = TlsConfig::from_files("no/such/file.pem", "x").unwrap_err();
    assert!(error.to_string().contains("no/such/file.pem"), "{error}");
}

/// Whatever is in the files, the error names the wrong file, says what it contains, and what to do.
#[test]
fn errors_of_files_name_the_file_and_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let (certfile, keyfile) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    let (one, other) = (Identity::new(), Identity::new());
    let (certificate, key) = (one.certificate.as_str(), one.key.as_str());
    let told = |certificate: &[u8], key: &[u8]| {
        fs::write(&certfile, certificate).unwrap();
        fs::write(&keyfile, key).unwrap();
        let error = TlsConfig::from_files(&certfile, &keyfile).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{error}");
        error.to_string()
    };
    let cut = |pem: &str| pem.as_bytes()[..pem.len() * 2 / 3].to_vec();
    let cut_at_line = |pem: &str| pem.as_bytes()[..=pem[..pem.len() / 2].rfind('\n').unwrap()].to_vec();
    let holed = |pem: &str| pem.replacen('\n', "\n!!", 1).into_bytes();
    let utf16 =
        |pem: &str| [0xff, 0xfe].into_iter().chain(pem.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let whole = certificate.to_owned() + &other.certificate[..200];
    let der = one.der.as_ref();
    let key_der = pem_body(key);
    let pkcs12 = [&[0x30, 0x82, 9, 0, 2, 1, 3, 0x30][..], &[0; 50]].concat();
    // Faults of the certificate.
    for (bytes, says) in [
        (Vec::new(), "it is empty"),
        (b"\n \r\n".to_vec(), "it is empty"),
        (cut(certificate), "ends before -----END CERTIFICATE-----"),
        (cut_at_line(certificate), "ends before -----END CERTIFICATE-----"),
        (whole.into_bytes(), "ends before -----END CERTIFICATE-----"),
        (holed(certificate), "complete lines of base64"),
        (b"-----BEGIN CERTIFICATE--\nAAAA\n-----END CERTIFICATE-----\n".to_vec(), "is incomplete"),
        (b"hello".to_vec(), "it begins with -----BEGIN CERTIFICATE-----"),
        (key.as_bytes().to_vec(), "are the two files swapped?"),
        (der.to_vec(), "it is DER, not PEM: `openssl x509 -inform DER"),
        (pkcs12.clone(), "it is PKCS #12, not PEM: `openssl pkcs12"),
        (utf16(certificate), "UTF-16"),
        (b"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n".to_vec(), "is damaged"),
    ] {
        let error = told(&bytes, key.as_bytes());
        assert!(error.contains(says) && error.contains("cert.pem"), "{says:?}: {error}");
        assert!(!error.contains('['), "no bytes: {error}");
    }
    // Faults of the key.
    for (bytes, says) in [
        (Vec::new(), "it is empty"),
        (cut(key), "ends before -----END PRIVATE KEY-----"),
        (holed(key), "complete lines of base64"),
        (b"hello".to_vec(), "it begins with -----BEGIN PRIVATE KEY-----"),
        (certificate.as_bytes().to_vec(), "are the two files swapped?"),
        (key_der, "it is DER, not PEM: `openssl pkey -inform DER"),
        (pkcs12, "it is PKCS #12, not PEM: `openssl pkcs12"),
        (utf16(key), "UTF-16"),
        (other.key.as_bytes().to_vec(), "does not match the certificate in"),
        (
            b"-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n-----END ENCRYPTED PRIVATE KEY-----\n".to_vec(),
            "openssl pkey -in",
        ),
        (
            b"-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n".to_vec(),
            "of an unknown kind, or damaged",
        ),
    ] {
        let error = told(certificate.as_bytes(), &bytes);
        assert!(error.contains(says) && error.contains("key.pem"), "{says:?}: {error}");
        assert!(!error.contains('['), "no bytes: {error}");
    }
    // A byte order mark, as editors on Windows write it, does no harm.
    fs::write(&certfile, format!("\u{feff}{certificate}")).unwrap();
    fs::write(&keyfile, format!("\u{feff}{key}")).unwrap();
    TlsConfig::from_files(&certfile, &keyfile).unwrap();
}

#[test]
fn a_key_of_a_kind_that_cannot_be_used_is_called_by_its_name() {
    let identity = Identity::new();
    for (key, name) in KEYS {
        let error =
            TlsConfig::from_pem(identity.certificate.as_bytes(), key.as_bytes()).unwrap_err().to_string();
        assert!(error.starts_with(&format!("the key in the given PEM is {name}: ")), "{name}: {error}");
        assert!(
            error.contains("P-256, P-384, Ed25519 and RSA of 2048 to 4096 bits can be used. Create one with"),
            "{error}"
        );
    }
}

/// What is between the lines of a section.
fn pem_body(pem: &str) -> Vec<u8> {
    use rustls::pki_types::PrivateKeyDer;
    use rustls::pki_types::pem::PemObject;

    PrivateKeyDer::from_pem_slice(pem.as_bytes()).unwrap().secret_der().to_vec()
}

/// A server that watches the files of its certificate.
struct Watched {
    certfile: PathBuf,
    keyfile: PathBuf,
    log: Log,
    server: TestServer,
    _folder: tempfile::TempDir,
}

impl Watched {
    fn new(identity: &Identity) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (certfile, keyfile) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
        fs::write(&certfile, &identity.certificate).unwrap();
        fs::write(&keyfile, &identity.key).unwrap();
        let tls = TlsConfig::from_files(&certfile, &keyfile).unwrap();
        let (log, lines) = (Log::default(), Log::default());
        let builder =
            HTTPServer::builder().tls(tls).watch_tls(Duration::from_millis(5)).log_line(log.taker());
        let server = TestServer::with(builder, move |base| Act { base, log: lines.clone() });
        Self { certfile, keyfile, log, server, _folder: folder }
    }

    /// Whether a new connection gets this certificate.
    fn has(&self, identity: &Identity) -> bool {
        let mut client = Client::over(identity.client(self.server.connect().unwrap()));
        client.send(GET).try_response().is_ok_and(|response| response.status == 200)
    }
}

/// The certificate is replaced first, and the key when the old certificate has been served for a while.
#[test]
fn a_certificate_and_its_key_are_replaced_together_however_they_come() {
    let (first, second, third) = (Identity::new(), Identity::new(), Identity::new());
    let watched = Watched::new(&first);
    let mut before = Client::over(first.client(watched.server.connect().unwrap()));
    assert_eq!(before.ask(GET).status, 200);

    fs::write(&watched.certfile, &second.certificate).unwrap();
    for _ in 0..20 {
        assert!(watched.has(&first), "the old one serves meanwhile");
    }
    fs::write(&watched.keyfile, &second.key).unwrap();
    wait_until("the second certificate", || watched.has(&second));
    assert!(!watched.has(&first));
    assert_eq!(before.ask(GET).status, 200, "what is open goes on");

    // In the other order, by new files in place of the old ones, one of which is missing for a while.
    fs::remove_file(&watched.keyfile).unwrap();
    assert!(watched.has(&second));
    fs::write(watched.keyfile.with_extension("new"), &third.key).unwrap();
    fs::rename(watched.keyfile.with_extension("new"), &watched.keyfile).unwrap();
    assert!(watched.has(&second));
    // One that is being written.
    let (start, rest) = third.certificate.split_at(300);
    fs::write(&watched.certfile, start).unwrap();
    for _ in 0..5 {
        assert!(watched.has(&second));
    }
    fs::write(&watched.certfile, [start, rest].concat()).unwrap();
    wait_until("the third certificate", || watched.has(&third));
    watched.log.wait_for("cert.pem has been read again");
    wait_until("a line for each change", || watched.log.lines().len() == 2);
    let line = format!(
        "basehttp: the certificate in {} has been read again, for new connections",
        watched.certfile.display()
    );
    assert_eq!(watched.log.lines(), [line.clone(), line]);
}

#[cfg(unix)]
#[test]
fn a_certificate_behind_a_link_is_replaced_with_the_link() {
    use std::os::unix::fs::symlink;

    // As certbot and Kubernetes do: a folder for each issue, and a symbolic link that is changed.
    let (first, second) = (Identity::new(), Identity::new());
    let folder = tempfile::tempdir().unwrap();
    for (name, identity) in [("1", &first), ("2", &second)] {
        fs::create_dir(folder.path().join(name)).unwrap();
        fs::write(folder.path().join(name).join("cert.pem"), &identity.certificate).unwrap();
        fs::write(folder.path().join(name).join("key.pem"), &identity.key).unwrap();
    }
    let live = folder.path().join("live");
    symlink("1", &live).unwrap();
    let tls = TlsConfig::from_files(live.join("cert.pem"), live.join("key.pem")).unwrap();
    let log = Log::default();
    let builder = HTTPServer::builder().tls(tls).watch_tls(Duration::from_millis(5)).log_line(log.taker());
    let server = TestServer::with(builder, move |base| Act { base, log: Log::default() });
    symlink("2", folder.path().join("next")).unwrap();
    fs::rename(folder.path().join("next"), &live).unwrap();
    wait_until("the second certificate", || {
        let mut client = Client::over(second.client(server.connect().unwrap()));
        client.send(GET).try_response().is_ok_and(|response| response.status == 200)
    });
}

#[test]
fn pythons_https_server() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("both.pem");
    let identity = Identity::new();
    fs::write(&file, [identity.key.as_str(), &identity.certificate].concat()).unwrap();
    let log = Log::default();
    let factory = move |base| Act { base, log: log.clone() };
    let mut server = HTTPSServer::bind("127.0.0.1:0", &file, None, factory).unwrap();
    let (handle, port) = (server.handle(), server.server_port());
    let thread = std::thread::spawn(move || server.serve_forever());
    let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut client = Client::over(identity.client(stream));
    assert_eq!(client.ask(GET).text(), "/ true");
    handle.shutdown();
    thread.join().unwrap().unwrap();
    client.assert_closed();
}

/// Made by openssl for this test, and public.
const KEYS: &[(&str, &str)] = &[
    (
        "-----BEGIN PRIVATE KEY-----\n\
         MIHuAgEAMBAGByqGSM49AgEGBSuBBAAjBIHWMIHTAgEBBEIA0b04ncmRGSTCSvS9\n\
         XpJbHgFe2CZ9Fo8Yu90F3Mps2a8TwvOW363KW1nnfGTvhoEGvWHvB1dW08HYImzX\n\
         hITohVqhgYkDgYYABABw+TZPN418pjcYBRl4UMv5LTpKxyHcFVvlP0317ImaJi+T\n\
         1KQhs18nxmn2ym5wLNUn22jyXAegIiA+B8waNkqdmgB+UNesb/Xn1o4LZ29LGu6O\n\
         AFNrXVYLXYxU4TBcbrbqJ6CqAB0CjSTLZEywk6Kg10uAQ6FPtmqxkeDfNxxlrrWK\n\
         ZA==\n\
         -----END PRIVATE KEY-----\n",
        "a key of the curve P-521",
    ),
    (
        "-----BEGIN EC PRIVATE KEY-----\n\
         MIHcAgEBBEIA0b04ncmRGSTCSvS9XpJbHgFe2CZ9Fo8Yu90F3Mps2a8TwvOW363K\n\
         W1nnfGTvhoEGvWHvB1dW08HYImzXhITohVqgBwYFK4EEACOhgYkDgYYABABw+TZP\n\
         N418pjcYBRl4UMv5LTpKxyHcFVvlP0317ImaJi+T1KQhs18nxmn2ym5wLNUn22jy\n\
         XAegIiA+B8waNkqdmgB+UNesb/Xn1o4LZ29LGu6OAFNrXVYLXYxU4TBcbrbqJ6Cq\n\
         AB0CjSTLZEywk6Kg10uAQ6FPtmqxkeDfNxxlrrWKZA==\n\
         -----END EC PRIVATE KEY-----\n",
        "a key of the curve P-521",
    ),
    (
        "-----BEGIN PRIVATE KEY-----\n\
         MIGEAgEAMBAGByqGSM49AgEGBSuBBAAKBG0wawIBAQQgEoGXNzMN0blv9BlF5hD4\n\
         C9l9yWeamv8XxiUHZauLh9ShRANCAARGgmwH55G+NRUFiMimrMCURUKdSDcWqJAE\n\
         hlQ8RMcV5MmbPZK+ZLrzd+TxVw5m3vUVvUL1Ghrwx3urP2dyUMwu\n\
         -----END PRIVATE KEY-----\n",
        "a key of the curve secp256k1",
    ),
    (
        "-----BEGIN PRIVATE KEY-----\n\
         MHgCAQAwEAYHKoZIzj0CAQYFK4EEACEEYTBfAgEBBBxJGMrj8RfSa5br4dq4nvPB\n\
         06CPpQpn9Mua+LUioTwDOgAEfca6xiWIQyForv87EfA4UMjE4SL7VQTV4uHKb4qq\n\
         WirGbi0Rp/cxZLnvlIdKLq3W+ME8dxLlQhs=\n\
         -----END PRIVATE KEY-----\n",
        "a key of the curve P-224",
    ),
    (
        "-----BEGIN PRIVATE KEY-----\n\
         MIGIAgEAMBQGByqGSM49AgEGCSskAwMCCAEBBwRtMGsCAQEEIJNBNNcN++N8mOh7\n\
         X0kywoSm+plfUWikIAr2TyLHH8hFoUQDQgAEZ5sVNdKJzZINtt6TbZUrgwBfD1OZ\n\
         rb6GkJ1NQmmIzFVUyYbF77S6eu7oGeClVlRIyneve0Dh/4HTXUzn1tf7yA==\n\
         -----END PRIVATE KEY-----\n",
        "a key of a Brainpool curve",
    ),
    (
        "-----BEGIN PRIVATE KEY-----\n\
         MEcCAQAwBQYDK2VxBDsEOZ4QeLxToc69lxzHBxOiSG/SDkIMbFGJx8gKW65TvggW\n\
         pVMtcQM8EBzk3gEpq/V8h+eNvaghiRK/HA==\n\
         -----END PRIVATE KEY-----\n",
        "a key of Ed448",
    ),
    (
        "-----BEGIN PRIVATE KEY-----\n\
         MC4CAQAwBQYDK2VuBCIEIOjlxx78UuiE1szb9/NQBpF2m1cc7AunEyFHebilDZ9L\n\
         -----END PRIVATE KEY-----\n",
        "a key of X25519, which does not sign",
    ),
    (
        "-----BEGIN PRIVATE KEY-----\n\
         MIICdwIBADANBgkqhkiG9w0BAQEFAASCAmEwggJdAgEAAoGBALq1tFpl2tOIDz3Q\n\
         jacQVnHtwi56D02b7MyQtpWjRdmYuo4wDpqlaKwLGeoA4YXD00qHgE9XerHlsz6o\n\
         eeaVrDrJ3PJRk0+CPk1JuPaXJ7J5Q3goPiFC9OK1qNYO0AW6pEkHVFqlEp/niWab\n\
         rVQSOrQxryH4K/Lzt//S4ffhDghjAgMBAAECgYEAgwWb6Ivtgd/LAk/l98TJRO3a\n\
         BI93SbkP9YXf+yY2kDpTQBCNTwygZYrsxn+TwzDmhziLXCJBYbGVlXTZBm0mDG+A\n\
         Kd+/CvTBiayh7Ftu6YLtuXlR7E7vSKq1Sefh0c0TIcsZG2vS8TqFP1GpQTpMd7IU\n\
         z841O6dKsoraTE8MSHECQQDrxCu79I5rvFHKAoesr9fchGHM26HhFjGjDYIzNJFJ\n\
         5KJu5Bs32Lu9J06wQWBC5G9L8XllHzcxvLwfpUlrRCMPAkEAyrvAyOSZDifFP13x\n\
         noNFYJPeCoqT83e3CjlVL/CtuaFXoPvF33sI7eJ0xhFZJ59KIHa+Kp4mzBaTA1sD\n\
         Fac1bQJBAI69YDUVZTy48VO6oGXeuHQb+hJLTwC1rSuovBFAXE4+jFFS7V+sak2l\n\
         BLEVg7A8GV4DPpoIgiQsvkDykzbMM+UCQD6BcMj/oij5HhmRb2N9+a/zJyx82Wzh\n\
         Zi/iyV8Eh6uKEShzN+jVWEVv4q0GwEQ1Gnez5KHjLPcTprQMJYFRkmkCQDCFJavx\n\
         Nn6i/B6qeimzHsSDdjmkxBP8jTrx6aoiziah6jUoHDJEhrHy0ZsbNi5A+kBZ28uR\n\
         mTJESfUNfUBRNcQ=\n\
         -----END PRIVATE KEY-----\n",
        "a key of RSA that is shorter, longer or damaged",
    ),
];
