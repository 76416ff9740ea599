//! Which protocol is negotiated (RFC 7301), and that the request line decides nevertheless.

use std::io::{Read, Write};

use basehttp_tests::client::Client;
use rustls::AlertDescription;

use super::{GET, Stage};

const HTTP_1_0: &str = "GET /x HTTP/1.0\r\n\r\n";

#[test]
fn every_version_that_is_spoken_can_be_agreed_on() {
    let stage = Stage::new();
    for (offered, agreed) in [
        (&["h2", "http/1.1"][..], Some("http/1.1")),
        (&["http/1.0"], Some("http/1.0")),
        (&["http/0.9"], Some("http/0.9")),
        (&["http/0.9", "http/1.0", "h2"], Some("http/1.0")),
        (&["http/1.0", "http/1.1"], Some("http/1.1")),
        (&[], None),
    ] {
        let mut stream = stage.identity.client_of(offered, stage.server.connect().unwrap());
        stream.write_all(HTTP_1_0.as_bytes()).unwrap();
        let mut response = Vec::new();
        stream.read_to_end(&mut response).unwrap();
        assert!(response.ends_with(b"/x true"), "{offered:?}: {}", basehttp_tests::show(&response));
        let found = stream.conn.alpn_protocol().map(|protocol| std::str::from_utf8(protocol).unwrap());
        assert_eq!(found, agreed, "{offered:?}");
    }
}

#[test]
fn the_version_is_what_the_request_says_and_not_what_was_agreed_on() {
    let stage = Stage::new();
    let connect = |offered: &[&str]| stage.identity.client_of(offered, stage.server.connect().unwrap());
    // Persistent, as in HTTP/1.1.
    let mut client = Client::over(connect(&["http/1.0"]));
    assert_eq!(client.ask(GET).text(), "/ true");
    assert_eq!(client.ask(GET).text(), "/ true");
    // Closed, as in HTTP/1.0.
    let mut client = Client::over(connect(&["http/1.1"]));
    assert_eq!(client.ask(HTTP_1_0).text(), "/x true");
    client.assert_closed();
}

#[test]
fn a_client_that_speaks_nothing_of_ours_is_told_so() {
    let stage = Stage::new();
    for offered in [&["h2"][..], &["h2", "h3"], &["spdy/3"], &["http/1.10"]] {
        let mut stream = stage.identity.client_of(offered, stage.server.connect().unwrap());
        let error =
            stream.write_all(HTTP_1_0.as_bytes()).and_then(|()| stream.read_exact(&mut [0])).unwrap_err();
        let error = error.get_ref().and_then(|error| error.downcast_ref::<rustls::Error>());
        let alert = rustls::Error::AlertReceived(AlertDescription::NoApplicationProtocol);
        assert_eq!(error, Some(&alert), "{offered:?}");
    }
    assert_eq!(stage.client().ask(GET).text(), "/ true");
}
