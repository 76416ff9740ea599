//! Failing handlers: an error or a panic costs one connection, wherever it happens.

use basehttp_tests::process::descriptors_of;
use basehttp_tests::wait_until;

use crate::scene::{Fault, GET, Scene, get};

pub(crate) const FAULTS: &[Fault] = &[
    Fault::new("handler-error-before-the-head", error_before),
    Fault::new("handler-error-after-the-head", |scene| after(scene, "/error-after", "do_GET: on purpose")),
    Fault::new("handler-panics-before-the-head", |scene| {
        panics(scene, "do_GET", &["500"], "do_GET: panicked: a trap in do_GET");
    }),
    Fault::new("what-handlers-panic-with-is-freed", |scene| {
        let mut clients = scene.clients(CLIENTS);
        for client in &mut clients {
            client.send(get("/panic-with-memory"));
        }
        scene.each(&mut clients, "500");
        scene.logs("do_GET: panicked: no message", CLIENTS);
        scene.may_log("code 500", 0, CLIENTS);
    }),
    Fault::new("handler-panics-after-the-head", |scene| {
        after(scene, "/panic-after", "panicked: a trap in do_GET, after the head");
    }),
    Fault::new("handler-panics-in-log_message", |scene| {
        panics(scene, "log_message", &["500", "reset", "closed"], "do_GET panicked: a trap in log_message");
    }),
    Fault::new("handler-panics-in-log_request", |scene| {
        panics(scene, "log_request", &["500", "reset", "closed"], "do_GET: panicked: a trap in log_request");
    }),
    Fault::new("handler-panics-in-setup", |scene| {
        panics(scene, "setup", &["closed", "reset"], "setup: panicked: a trap in setup");
    }),
    Fault::new("handler-panics-in-finish", |scene| {
        panics(scene, "finish", &["200"], "finish: panicked: a trap in finish");
    }),
    Fault::new("handler-panics-in-drop", |scene| {
        panics(scene, "drop", &["200"], "dropping a handler panicked: a trap in drop");
    }),
    Fault::new("factory-panics", |scene| {
        panics(scene, "factory", &["closed", "reset"], "making a handler panicked: a trap in factory");
    }),
    Fault::new("hook-verify_request-panics", |scene| {
        panics(
            scene,
            "verify_request",
            &["closed", "reset"],
            "verify_request panicked: a trap in verify_request",
        );
    })
    .with(&["hooks", "1"]),
    Fault::new("hook-handle_error-panics", |scene| {
        scene.server.tell("panic handle_error");
        let mut clients = scene.clients(CLIENTS);
        for client in &mut clients {
            client.send(get("/error"));
        }
        scene.each(&mut clients, "500");
        drop(clients);
        scene.server.tell("panic nowhere");
        scene.logs("do_GET: on purpose", CLIENTS);
        scene.logs("do_GET: panicked: a trap in handle_error", CLIENTS);
        scene.logs("reporting that panicked: a trap in handle_error", CLIENTS);
        scene.may_log("code 500", 0, CLIENTS);
    })
    .with(&["hooks", "1"]),
];

const CLIENTS: usize = 50;

fn error_before(scene: &mut Scene) {
    let mut clients = scene.clients(CLIENTS);
    for client in &mut clients {
        // It is unknown what the next request would find.
        client.send(get("/error")).send(GET);
    }
    scene.each(&mut clients, "500");
    scene.each(&mut clients, "closed");
    scene.logs("do_GET: on purpose", CLIENTS);
    scene.may_log("code 500", 0, CLIENTS);
}

/// The client sees that the response is cut.
fn after(scene: &mut Scene, path: &str, text: &str) {
    let mut clients = scene.clients(CLIENTS);
    for client in &mut clients {
        client.send(get(path)).send(GET);
    }
    for client in &mut clients {
        let error = client.try_response().expect_err("a truncated response");
        scene.saw(format!("cut: {:?}", error.kind()));
    }
    scene.server.tell("panic nowhere");
    scene.logs(text, CLIENTS);
}

/// All handlers panic there, and each panic is reported once.
fn panics(scene: &mut Scene, place: &str, outcomes: &[&str], text: &str) {
    scene.server.tell(&format!("panic {place}"));
    let mut clients = scene.clients(CLIENTS);
    for client in &mut clients {
        client.send("GET /logged HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    }
    for client in &mut clients {
        let outcome = scene.outcome(client);
        assert!(outcomes.contains(&&*outcome), "{outcome}");
    }
    for mut client in clients {
        // If it was reset, that was seen already.
        let _ = client.rest();
    }
    scene.logs(text, CLIENTS);
    // A panic may prevent its own report.
    scene.may_log("reporting that panicked: a trap in ", 0, CLIENTS);
    scene.may_log("\"GET /logged HTTP/1.1\" ", 0, CLIENTS);
    scene.may_log("code 500", 0, CLIENTS);
    wait_until("they are told", || scene.has_logged());
    // Some handlers are dropped a little later.
    let id = scene.server.id();
    let descriptors = scene.descriptors;
    wait_until("the connections are freed", || descriptors_of(id) <= descriptors);
    scene.server.tell("panic nowhere");
}
