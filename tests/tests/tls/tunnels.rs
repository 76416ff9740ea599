//! Tunnels whose client uses TLS: the server removes it.

use super::*;

/// Sends much while it reads much.
pub(super) fn split(act: &Act) -> io::Result<()> {
    let (mut reader, mut writer) = act.upgrade()?.split()?;
    std::thread::scope(|scope| {
        let writing = scope.spawn(move || {
            writer.write_all(&content())?;
            writer.shutdown()
        });
        let mut got = Vec::new();
        reader.read_to_end(&mut got)?;
        assert!(got == content());
        writing.join().unwrap()
    })
}

fn joined(stage: &Stage) -> (Client<StreamOwned<ClientConnection, TcpStream>>, TcpStream) {
    let origin = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = origin.local_addr().unwrap();
    let mut client = stage.client();
    client.send(format!("CONNECT {address} HTTP/1.1\r\nHost: {address}\r\n\r\nat once"));
    let (mut far, _) = origin.accept().unwrap();
    far.set_read_timeout(Some(basehttp_tests::PATIENCE)).unwrap();
    client.read_up_to(b"\r\n\r\n");
    let mut first = [0; 7];
    far.read_exact(&mut first).unwrap();
    assert_eq!(&first, b"at once");
    (client, far)
}

#[test]
fn a_relay_takes_it_off() {
    let stage = Stage::new();
    let (mut client, mut far) = joined(&stage);
    for _ in 0..20 {
        client.send("question");
        let mut asked = [0; 8];
        far.read_exact(&mut asked).unwrap();
        far.write_all(b"answer;").unwrap();
        assert_eq!(client.read_up_to(b";"), b"answer;");
    }
    // The end of the origin becomes an end of TLS, after everything that came before.
    let sent = content();
    let writing = std::thread::spawn(move || far.write_all(&sent));
    assert!(client.rest().unwrap() == content());
    writing.join().unwrap().unwrap();
    drop(client);
    wait_until("it is over", || stage.server.handle().stats().connections_open == 0);
}

#[test]
fn the_end_of_the_clients_tls_is_that_of_its_half() {
    let stage = Stage::new();
    let origin = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = origin.local_addr().unwrap();
    let mut tls = stage.identity.client(stage.server.connect().unwrap());
    tls.write_all(format!("CONNECT {address} HTTP/1.1\r\nHost: {address}\r\n\r\n").as_bytes()).unwrap();
    let (mut far, _) = origin.accept().unwrap();
    tls.write_all(&content()).unwrap();
    tls.conn.send_close_notify();
    tls.flush().unwrap();
    let mut got = Vec::new();
    far.read_to_end(&mut got).unwrap();
    assert!(got == content());
    far.write_all(b"answer").unwrap();
    drop(far);
    let mut answer = Vec::new();
    tls.read_to_end(&mut answer).unwrap();
    assert!(answer.ends_with(b"\r\n\r\nanswer"));
}

#[test]
fn halves_go_on_beside_each_other() {
    let stage = Stage::new();
    let request = "GET /split HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: split\r\n\r\n";
    let mut tls = stage.identity.client(stage.server.connect().unwrap());
    tls.write_all(request.as_bytes()).unwrap();
    // The server writes before it has read everything, and then has no room until the client reads.
    tls.write_all(&content()).unwrap();
    tls.conn.send_close_notify();
    tls.flush().unwrap();
    let mut got = Vec::new();
    tls.read_to_end(&mut got).unwrap();
    assert!(got.ends_with(&content()));
    // The handler has compared what it got.
    wait_until("it is over", || stage.server.handle().stats().connections_open == 0);
    assert!(!stage.log.has("panicked"), "{:?}", stage.log.lines());
}
