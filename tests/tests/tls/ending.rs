//! The end of an encrypted connection. A reset could destroy what the client has not read yet (RFC 9112 section 9.6), and a
//! client may send its `close_notify` at any time (RFC 8446 section 6.1).

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use basehttp_tests::wait_until;

use super::Stage;

/// Sends more after the server has ended its half, and checks that no reset is the answer.
fn assert_no_reset(mut stream: TcpStream, more: &[u8]) {
    stream.write_all(more).unwrap();
    // It fails once a reset has arrived, which takes no time on the loopback interface.
    stream.shutdown(Shutdown::Write).unwrap();
    assert!(stream.take_error().unwrap().is_none());
    assert_eq!(stream.read(&mut [0; 100]).unwrap(), 0);
}

#[test]
fn a_late_close_notify_causes_no_reset() {
    let stage = Stage::new();
    let client = stage.identity.client(stage.server.connect().unwrap());
    let (mut session, mut stream) = client.into_parts();
    session.writer().write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").unwrap();
    while session.is_handshaking() || session.wants_write() {
        session.complete_io(&mut stream).unwrap();
    }
    let mut records = Vec::new();
    stream.read_to_end(&mut records).unwrap();
    assert!(!records.is_empty());
    session.send_close_notify();
    let mut notice = Vec::new();
    session.write_tls(&mut notice).unwrap();
    assert_no_reset(stream, &notice);
}

/// A message of the handshake that no client sends.
const SERVER_HELLO: &[u8] = b"\x16\x03\x01\x00\x04\x02\x00\x00\x00";

#[test]
fn an_alert_is_not_followed_by_a_reset() {
    let stage = Stage::new();
    let mut stream = stage.server.connect().unwrap();
    stream.write_all(SERVER_HELLO).unwrap();
    let mut alert = Vec::new();
    stream.read_to_end(&mut alert).unwrap();
    assert_eq!(alert.first(), Some(&21), "{alert:?}");
    assert_no_reset(stream, SERVER_HELLO);
}

/// A client that never stops sending is closed all the same.
#[test]
fn what_follows_an_alert_gains_no_time() {
    let stage = Stage::new();
    let mut stream = stage.server.connect().unwrap();
    stream.write_all(SERVER_HELLO).unwrap();
    let mut alert = Vec::new();
    stream.read_to_end(&mut alert).unwrap();
    // It continues until the server has closed.
    wait_until("the server closes", || {
        std::thread::sleep(Duration::from_millis(20));
        stream.write_all(SERVER_HELLO).is_err()
    });
    assert_eq!(stage.client().ask(super::GET).text(), "/ true");
}
