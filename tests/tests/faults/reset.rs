//! Connections that are reset, at any point of a request or response.

use basehttp_tests::client::Client;

use crate::scene::{Fault, GET, Scene, WAIT, get, post, reset};
use crate::signals::{resume, stand_still};

pub(crate) const FAULTS: &[Fault] = &[
    Fault::new("reset-while-queued-by-the-system", while_queued),
    Fault::new("reset-before-anything", |scene| in_the_middle(scene, "")),
    Fault::new("reset-mid-head", |scene| in_the_middle(scene, "GET / HTTP/1.1\r\nHost: a\r\nUser-Ag")),
    Fault::new("reset-mid-second-head", |scene| in_the_middle(scene, &format!("{GET}GET / HTTP/1.1\r\nHo"))),
    Fault::new("reset-mid-body-gathered", |scene| in_the_middle(scene, &(post("/", 1000) + "half of it"))),
    Fault::new("reset-mid-body-gathered-chunked", |scene| {
        in_the_middle(
            scene,
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n5\r\n",
        );
    }),
    Fault::new("reset-mid-body-large", mid_body_large),
    Fault::new("reset-mid-body-nobody-reads", mid_body_that_nobody_reads),
    Fault::new("reset-before-small-responses", before_small_responses),
    Fault::new("reset-mid-response-small", mid_response_small),
    Fault::new("reset-mid-response-large", |scene| mid_response(scene, "/counted/2048")),
    Fault::new("reset-mid-response-chunked", |scene| mid_response(scene, "/chunked/2048")),
    Fault::new("reset-while-a-handler-waits", while_a_handler_waits),
];

const CLIENTS: usize = 50;

fn reset_all(scene: &mut Scene, clients: Vec<Client>) {
    for client in clients {
        reset(client);
        scene.saw("we reset");
    }
}

/// At most one harmless line for each client that goes away, and none if it had sent no request.
fn may_go(scene: &mut Scene) {
    scene.may_log("the client went away", 0, CLIENTS);
}

/// The server does not know of them before it accepts them.
fn while_queued(scene: &mut Scene) {
    stand_still(&scene.server);
    let mut clients = scene.clients(CLIENTS);
    for client in &mut clients[CLIENTS / 2..] {
        client.send(GET);
    }
    reset_all(scene, clients);
    resume(&scene.server);
    may_go(scene);
}

fn in_the_middle(scene: &mut Scene, bytes: &str) {
    let mut clients = scene.clients(CLIENTS);
    for client in &mut clients {
        client.send(bytes);
    }
    // Clients that are served now came after them.
    scene.check_service();
    reset_all(scene, clients);
    may_go(scene);
}

/// The handler is called, and waits for the rest.
fn mid_body_large(scene: &mut Scene) {
    let mut clients = scene.clients(CLIENTS);
    for client in &mut clients {
        client.send(post("/", 1 << 20)).send(vec![b'x'; 300 << 10]);
    }
    scene.check_service();
    reset_all(scene, clients);
    scene.logs("the client went away", CLIENTS);
}

/// The response comes before the body.
fn mid_body_that_nobody_reads(scene: &mut Scene) {
    let head = "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n";
    let mut clients = scene.clients(CLIENTS);
    for client in &mut clients {
        client.send(head).send(vec![b'x'; 100_000]);
    }
    scene.each(&mut clients, "200");
    reset_all(scene, clients);
    may_go(scene);
}

fn before_small_responses(scene: &mut Scene) {
    let mut clients = scene.clients(CLIENTS);
    for client in &mut clients {
        client.send(GET.repeat(200));
    }
    reset_all(scene, clients);
    may_go(scene);
}

fn mid_response_small(scene: &mut Scene) {
    let mut clients = scene.clients(CLIENTS);
    for client in &mut clients {
        client.send(GET).read_up_to(b"HTTP/1.1 200 OK\r\n");
    }
    reset_all(scene, clients);
    may_go(scene);
}

/// The handler has more to write than the systems at both ends buffer.
fn mid_response(scene: &mut Scene, path: &str) {
    let mut clients = scene.clients(CLIENTS);
    for client in &mut clients {
        client.send(get(path)).read_up_to(&[b'x'; 10_000]);
    }
    scene.check_service();
    reset_all(scene, clients);
    scene.logs("the client went away", CLIENTS);
}

fn while_a_handler_waits(scene: &mut Scene) {
    let mut clients = scene.clients(CLIENTS);
    for client in &mut clients {
        client.send(WAIT);
    }
    scene.server.tell("arrived 50");
    reset_all(scene, clients);
    scene.server.tell("release");
    may_go(scene);
}
