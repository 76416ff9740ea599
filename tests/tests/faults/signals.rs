//! Signals: a process that is stopped and continued, interrupted calls, a requested shutdown.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use basehttp_tests::child::LimitedServer;
use basehttp_tests::process::state_of;
use basehttp_tests::wait_until;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::scene::{Fault, GET, Scene, WAIT, get, post, reset};

pub(crate) const FAULTS: &[Fault] = &[
    Fault::new("SIGSTOP-and-SIGCONT-mid-traffic", stop_and_continue),
    Fault::new("SIGSTOP-beyond-the-deadlines", stop_beyond_deadlines).with(&[
        "head_timeout",
        "1500",
        "idle_timeout",
        "1500",
        "body_timeout",
        "1500",
        "read_timeout",
        "1500",
        "write_timeout",
        "1500",
    ]),
    Fault::new("SIGPIPE-and-broken-pipes", broken_pipes),
    Fault::new("SIGUSR1-storm-mid-traffic", storm),
    Fault::new("SIGTERM-under-load", terminate),
];

const CLIENTS: usize = 20;

pub(crate) fn send(server: &LimitedServer, signal: Signal) {
    kill(Pid::from_raw(server.id().try_into().expect("a number of a process")), signal).expect("a process");
}

pub(crate) fn stand_still(server: &LimitedServer) {
    send(server, Signal::SIGSTOP);
    wait_until("the server stands still", || state_of(server.id()) == 'T');
}

pub(crate) fn resume(server: &LimitedServer) {
    send(server, Signal::SIGCONT);
}

/// Traffic of all kinds on persistent connections, while `disturb` continues; all of it is answered.
fn traffic(scene: &mut Scene, disturb: impl FnOnce(&LimitedServer) + Send) {
    let count = AtomicBool::new(false);
    let responses = thread::scope(|scope| {
        let (server, stop) = (&scene.server, &count);
        let talk = move |number: usize| {
            let mut client = server.connect().expect("a connection");
            let body = vec![b'x'; 100_000];
            let mut responses = 0;
            while !stop.load(Ordering::SeqCst) || responses < 8 {
                let (response, length) = match (number + responses) % 4 {
                    0 => (client.ask(GET), 1),
                    1 => (client.ask(get("/counted/20")), 20 << 14),
                    2 => (client.ask(get("/chunked/5")), 5 << 14),
                    _ => (client.send(post("/", body.len())).ask(&body), 6),
                };
                assert_eq!((response.status, response.body.len()), (200, length));
                responses += 1;
            }
            responses
        };
        let clients: Vec<_> = (0..CLIENTS).map(|number| scope.spawn(move || talk(number))).collect();
        disturb(server);
        stop.store(true, Ordering::SeqCst);
        clients.into_iter().map(|client| client.join().expect("all are served")).sum::<usize>()
    });
    for _ in 0..responses {
        scene.saw(200);
    }
}

fn stop_and_continue(scene: &mut Scene) {
    traffic(scene, |server| {
        for _ in 0..15 {
            stand_still(server);
            thread::sleep(Duration::from_millis(20));
            resume(server);
            thread::sleep(Duration::from_millis(20));
        }
    });
}

/// Input that arrived in time is answered, although the server reads it too late.
fn stop_beyond_deadlines(scene: &mut Scene) {
    let mut clients = scene.clients(CLIENTS);
    for (number, client) in clients.iter_mut().enumerate() {
        match number % 3 {
            0 => client.send("GET / HTTP/1.1\r\nHo"),
            1 => client.send(post("/", 8)).send("half"),
            _ => client.send(""),
        };
    }
    scene.check_service();
    stand_still(&scene.server);
    for (number, client) in clients.iter_mut().enumerate() {
        match number % 3 {
            0 => client.send("st: a\r\n\r\n"),
            1 => client.send("half"),
            _ => client.send(GET),
        };
    }
    thread::sleep(Duration::from_millis(2500));
    resume(&scene.server);
    scene.each(&mut clients, "200");
}

/// Sent to the process, and caused by writing to connections that are gone.
fn broken_pipes(scene: &mut Scene) {
    for _ in 0..50 {
        send(&scene.server, Signal::SIGPIPE);
        let mut client = scene.client();
        client.send(get("/counted/200")).read_up_to(b"HTTP/1.1 200 OK\r\n");
        reset(client);
        scene.saw("we reset");
    }
    scene.may_log("the client went away", 0, 50);
}

/// Poll, sleep and waits with a time-out are interrupted on any thread (signal(7)), and continue.
fn storm(scene: &mut Scene) {
    if scene.round == 0 {
        scene.server.tell("signals");
    }
    traffic(scene, |server| {
        // Without a pause: while a signal is pending for a thread, the system delivers the next to another thread.
        for _ in 0..100_000 {
            send(server, Signal::SIGUSR1);
        }
    });
}

/// A client that waits for a response gets it complete, and the last one announces the close; then the process ends by
/// itself.
fn terminate(scene: &mut Scene) {
    scene.server.tell("terminable");
    let mut waiting = scene.clients(CLIENTS);
    for client in &mut waiting {
        client.send(WAIT);
    }
    scene.server.tell("arrived 20");
    let mut idle = scene.clients(CLIENTS);
    scene.each_served(&mut idle);
    let responses = AtomicUsize::new(0);
    let mut busy = scene.clients(4);
    thread::scope(|scope| {
        let responses = &responses;
        for client in &mut busy {
            // Between two requests it may be closed, but not in the middle of a response.
            scope.spawn(move || {
                while let Ok(response) = client.send(get("/counted/20")).try_response() {
                    assert_eq!((response.status, response.body.len()), (200, 20 << 14));
                    responses.fetch_add(1, Ordering::SeqCst);
                }
                let rest = client.rest().unwrap_or_default();
                assert!(rest.is_empty(), "a response is cut: {} bytes of it", rest.len());
            });
        }
        wait_until("the server is busy", || responses.load(Ordering::SeqCst) > 40);
        send(&scene.server, Signal::SIGTERM);
    });
    for client in &mut idle {
        assert_eq!(scene.end_of(client), "closed");
    }
    scene.server.tell("go");
    for client in &mut waiting {
        let response = client.response();
        assert_eq!((response.status, response.field("connection")), (200, Some("close")));
        scene.saw("200, the last");
    }
    scene.server.wait();
    scene.is_over();
}
