//! Exhaustion: no descriptors, no threads, handlers that do not return.

use basehttp_tests::client::Client;
use basehttp_tests::process::{descriptors_of, threads_of};
use basehttp_tests::wait_until;

use crate::scene::{Fault, GET, Scene, WAIT};

pub(crate) const FAULTS: &[Fault] = &[
    Fault::new("no-descriptors", no_descriptors).with(&["idle_timeout", "600000"]),
    Fault::new("no-descriptors-for-long", no_descriptors_for_long).with(&["idle_timeout", "600000"]),
    Fault::new("all-threads-stuck", all_threads_stuck).with(&["max_threads", "4", "queue_timeout", "300"]),
    Fault::new("all-threads-stuck-for-less-than-the-timeout", all_threads_stuck_for_a_while).with(&[
        "max_threads",
        "4",
        "queue_timeout",
        "600000",
    ]),
    Fault::new("no-more-threads-RLIMIT_NPROC", no_more_threads)
        .with(&["queue_timeout", "300"])
        .started(|launch| Ok(launch.unprivileged())),
    Fault::new("a-handler-blocks-for-ever", a_handler_blocks),
    Fault::new("a-handler-blocks-for-ever-at-shutdown", a_handler_blocks_at_shutdown)
        .with(&["shutdown_grace", "300"]),
];

/// The clients use all descriptors, and some wait; the server notices by itself when others leave.
fn no_descriptors(scene: &mut Scene) {
    let id = scene.server.id();
    scene.server.tell("nofile 64");
    let mut clients = scene.clients(80);
    for client in &mut clients {
        client.send(GET);
    }
    wait_until("all descriptors are taken", || descriptors_of(id) >= 63);
    let mut waiting = clients.split_off(40);
    scene.each(&mut clients, "200");
    scene.each_served(&mut clients);
    drop(clients);
    for client in &mut waiting {
        // After two seconds some are turned away.
        let outcome = scene.outcome(client);
        assert!(["200", "closed", "reset"].contains(&&*outcome), "{outcome}");
    }
    scene.may_log("cannot accept connections", usize::from(scene.round == 0), 2);
}

/// No client leaves: those that wait are turned away, those that are connected remain served.
fn no_descriptors_for_long(scene: &mut Scene) {
    scene.server.tell("nofile 40");
    let mut clients = scene.clients(30);
    scene.each_served(&mut clients);
    let mut waiting = scene.clients(10);
    for client in &mut waiting {
        client.send(GET);
    }
    let mut sent_away = 0;
    for client in &mut waiting {
        sent_away += usize::from(scene.outcome(client) != "200");
        if sent_away == 2 {
            break;
        }
    }
    assert_eq!(sent_away, 2);
    scene.each_served(&mut clients);
    scene.may_log("cannot accept connections", 0, 2);
}

/// Clients whose handlers block, on all threads.
fn occupy(scene: &mut Scene) -> Vec<Client> {
    let mut clients = scene.clients(4);
    for client in &mut clients {
        client.send(WAIT);
    }
    scene.server.tell("arrived 4");
    clients
}

fn release(scene: &mut Scene, mut clients: Vec<Client>) {
    scene.server.tell("release");
    scene.each(&mut clients, "200");
}

fn all_threads_stuck(scene: &mut Scene) {
    let stuck = occupy(scene);
    let mut others = scene.clients(20);
    for client in &mut others {
        client.send(GET);
    }
    for client in &mut others {
        let response = client.response();
        assert_eq!(response.status, 503);
        assert!(response.field("retry-after").is_some());
        scene.saw(503);
    }
    scene.may_log("all 4 threads are in handlers", usize::from(scene.round == 0), 1);
    scene.may_log(
        "a request found no free thread within 300ms (queue_timeout)",
        usize::from(scene.round == 0),
        1,
    );
    release(scene, stuck);
}

fn all_threads_stuck_for_a_while(scene: &mut Scene) {
    let stuck = occupy(scene);
    let mut others = scene.clients(20);
    for client in &mut others {
        client.send(GET);
    }
    release(scene, stuck);
    scene.each(&mut others, "200");
    scene.may_log("all 4 threads are in handlers", 0, 1);
}

fn no_more_threads(scene: &mut Scene) {
    // The user may have one thread, and has more.
    scene.server.tell("nproc 1");
    without_threads(scene, |scene| scene.server.tell("nproc 100000"));
}

/// There may be spare threads, but not for all; the other clients are told to retry.
pub(crate) fn without_threads(scene: &mut Scene, end: impl FnOnce(&mut Scene)) {
    let mut clients = scene.clients(20);
    for client in &mut clients {
        client.send(WAIT);
    }
    let (bound, refusal) =
        ("no thread can be added", "a request found no free thread within 300ms (queue_timeout)");
    if scene.round == 0 {
        scene.server.log.wait_for(bound);
        scene.server.log.wait_for(refusal);
    }
    // Then they are reported now and then.
    scene.may_log(bound, usize::from(scene.round == 0), 1);
    scene.may_log(refusal, usize::from(scene.round == 0), 1);
    end(scene);
    scene.server.tell("go");
    for client in &mut clients {
        let outcome = scene.outcome(client);
        assert!(["200", "503"].contains(&&*outcome), "{outcome}");
    }
    scene.server.tell("shut");
}

/// It keeps its thread and its connection, and affects no other client.
fn a_handler_blocks(scene: &mut Scene) {
    let mut stuck = scene.clients(40);
    for client in &mut stuck {
        client.send(WAIT);
    }
    scene.server.tell("arrived 40");
    let id = scene.server.id();
    assert!(threads_of(id) >= 40);
    let mut others = scene.clients(20);
    for _ in 0..20 {
        scene.each_served(&mut others);
    }
    // Their clients have not waited: the handlers find that out when they return.
    drop(stuck.split_off(20));
    scene.server.tell("release");
    scene.each(&mut stuck, "200");
    scene.may_log("the client went away", 0, 20);
}

/// The grace period ends, and so does the server.
fn a_handler_blocks_at_shutdown(scene: &mut Scene) {
    let mut stuck = scene.clients(10);
    for client in &mut stuck {
        client.send(WAIT);
    }
    scene.server.tell("arrived 10");
    scene.server.tell("end");
    scene.server.wait();
    for client in &mut stuck {
        scene.end_of(client);
    }
    scene.logs("the grace period is over, connections: ", 1);
    scene.is_over();
}
