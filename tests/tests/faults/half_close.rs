//! Clients that shut down their writing half after the request. The response must still arrive (RFC 9112 section 9.6).

use basehttp_tests::client::Client;

use crate::scene::{Fault, GET, Scene, WAIT, get, post};

pub(crate) const FAULTS: &[Fault] = &[
    Fault::new("half-close-without-a-request", |scene| {
        for mut client in sent(scene, b"") {
            assert_eq!(scene.end_of(&mut client), "closed");
        }
    }),
    Fault::new("half-close-small-response", |scene| served(scene, GET.as_bytes(), 1)),
    Fault::new("half-close-1.0", |scene| served(scene, b"GET / HTTP/1.0\r\n\r\n", 1)),
    Fault::new("half-close-large-response", |scene| served(scene, get("/counted/128").as_bytes(), 1)),
    Fault::new("half-close-chunked-response", |scene| served(scene, get("/chunked/64").as_bytes(), 1)),
    Fault::new("half-close-pipelined", |scene| served(scene, GET.repeat(200).as_bytes(), 200)),
    Fault::new("half-close-with-body", |scene| served(scene, &with_body(1000), 1)),
    Fault::new("half-close-with-large-body", |scene| served(scene, &with_body(300 << 10), 1)),
    Fault::new("half-close-with-chunked-body", |scene| served(scene, CHUNKED, 1)),
    Fault::new("half-close-while-a-handler-waits", while_a_handler_waits),
    Fault::new("half-close-mid-head", mid_head),
    Fault::new("half-close-mid-body", |scene| mid_body(scene, 1000)),
    Fault::new("half-close-mid-body-large", |scene| mid_body(scene, 300 << 10)),
];

const CHUNKED: &[u8] =
    b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n4\r\nhalf\r\n0\r\n\r\n";

const CLIENTS: usize = 30;

fn with_body(length: usize) -> Vec<u8> {
    let mut request = post("/", length).into_bytes();
    request.resize(request.len() + length, b'x');
    request
}

/// Clients that send this, and then shut down.
fn sent(scene: &Scene, bytes: &[u8]) -> Vec<Client> {
    let mut clients = scene.clients(CLIENTS);
    for client in &mut clients {
        client.send(bytes).end();
    }
    clients
}

/// This many responses arrive, and the connection ends in order.
fn served(scene: &mut Scene, request: &[u8], responses: usize) {
    for mut client in sent(scene, request) {
        for _ in 0..responses {
            assert_eq!(scene.outcome(&mut client), "200");
        }
        client.assert_closed();
    }
}

fn while_a_handler_waits(scene: &mut Scene) {
    let mut clients = sent(scene, WAIT.as_bytes());
    scene.server.tell("arrived 30");
    scene.check_service();
    scene.server.tell("release");
    for client in &mut clients {
        assert_eq!(scene.outcome(client), "200");
        client.assert_closed();
    }
}

/// It is answered, since an answer can be framed.
fn mid_head(scene: &mut Scene) {
    for mut client in sent(scene, b"GET / HTTP/1.1\r\nHost: a\r\nUser-Ag") {
        assert_eq!(scene.outcome(&mut client), "400");
        client.assert_closed();
    }
    scene.logs("code 400", CLIENTS);
}

fn mid_body(scene: &mut Scene, length: usize) {
    for mut client in sent(scene, (post("/", length) + "half of it").as_bytes()) {
        assert_eq!(scene.outcome(&mut client), "400");
        client.assert_closed();
    }
    scene.logs("do_POST: Incomplete request body (incomplete-body)", CLIENTS);
    scene.logs("code 400, message Incomplete request body (incomplete-body)", CLIENTS);
}
