//! Clients that send or take too slowly. A deadline ends each.

use std::io::Read;
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use basehttp_tests::PATIENCE;
use basehttp_tests::client::Client;
use socket2::{Domain, Socket, Type};

use crate::scene::{Fault, GET, Scene, get, post};

pub(crate) const FAULTS: &[Fault] = &[
    Fault::new("never-reads-large-response-x-200", |scene| never_read(scene, 200, &get("/counted/2048")))
        .with(SHORT),
    Fault::new("never-reads-chunked-response", |scene| never_read(scene, 50, &get("/chunked/2048")))
        .with(SHORT),
    Fault::new("never-reads-and-asks-on", |scene| never_read(scene, 50, &get("/counted/1").repeat(1000)))
        .with(SHORT),
    Fault::new("takes-a-response-byte-by-byte", take_byte_by_byte).with(&["response_timeout", "1000"]),
    Fault::new("a-byte-at-a-time-in-the-head", |scene| {
        trickle(scene, "", &get(&"x".repeat(10_000)).replace("GET x", "GET /x"));
        scene.logs("code 408", TRICKLERS);
    })
    .with(SHORT),
    Fault::new("a-byte-at-a-time-in-the-second-head", |scene| {
        trickle(scene, GET, &get(&"x".repeat(10_000)).replace("GET x", "GET /x"));
        scene.logs("code 408", TRICKLERS);
    })
    .with(SHORT),
    Fault::new("a-byte-at-a-time-in-a-body-gathered", |scene| {
        trickle(scene, &post("/", 20_000), &"x".repeat(20_000));
        scene.logs("code 408", TRICKLERS);
    })
    .with(SHORT),
    Fault::new("a-byte-at-a-time-in-a-body-read", |scene| {
        trickle(scene, &(post("/", 200_000) + &"x".repeat(GATHERED)), &"x".repeat(20_000));
        scene.logs("do_POST: timed out", TRICKLERS);
        scene.logs("code 408", TRICKLERS);
    })
    .with(SHORT),
    Fault::new("a-byte-at-a-time-in-a-chunked-body", |scene| {
        let head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
        trickle(scene, head, &"1\r\nx\r\n".repeat(4000));
        scene.logs("code 408", TRICKLERS);
    })
    .with(SHORT),
    Fault::new("silent-after-half-a-head", |scene| {
        silent(scene, "GET / HTTP/1.1\r\nHo");
        scene.logs("code 408", SILENT);
    })
    .with(SHORT),
    Fault::new("silent-after-half-a-body", |scene| {
        silent(scene, &(post("/", 1000) + "half of it"));
        scene.logs("code 408", SILENT);
    })
    .with(SHORT),
    Fault::new("silent-after-half-a-body-read", |scene| {
        silent(scene, &(post("/", 200_000) + &"x".repeat(GATHERED)));
        scene.logs("do_POST: timed out", SILENT);
        scene.logs("code 408", SILENT);
    })
    .with(SHORT),
];

/// Short, so that a test need not wait for long. No client is late by chance: these clients are never in time.
const SHORT: &[&str] = &[
    "head_timeout",
    "1000",
    "read_timeout",
    "1000",
    "body_timeout",
    "1000",
    "write_timeout",
    "1000",
    "response_timeout",
    "1000",
];

/// This much of a long body arrives before its handler is called: `gather_limit`.
const GATHERED: usize = 64 * 1024;

const TRICKLERS: usize = 20;
const SILENT: usize = 100;

/// More than the systems at both ends buffer, so that the server has to wait: on a thread, in a handler that writes what may
/// not wait without one, or with the connection. After its time the connection is over, and the log reports it once.
fn never_read(scene: &mut Scene, count: usize, request: &str) {
    let mut clients: Vec<_> = (0..count).map(|_| narrow(scene)).collect();
    for client in &mut clients {
        client.send(request);
    }
    scene.check_service();
    scene.logs("timed out", count);
    scene.check_log();
    for mut client in clients {
        assert_eq!(scene.end_of(&mut client), "reset");
    }
}

/// A connection whose client has very small buffers.
fn narrow(scene: &Scene) -> Client {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket.set_recv_buffer_size(4096).expect("an option of every socket");
    socket.connect(&scene.server.address().into()).expect("a connection");
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(PATIENCE)).expect("an option of every socket");
    Client::over(stream)
}

/// Takes some bytes now and then, of a long response.
fn take_byte_by_byte(scene: &mut Scene) {
    let mut clients: Vec<_> = (0..TRICKLERS).map(|_| narrow(scene)).collect();
    for client in &mut clients {
        client.send(get("/counted/2048"));
    }
    scene.logs("timed out (response_timeout)", TRICKLERS);
    // There are always some bytes left to take: the window is closed long before.
    while !scene.has_logged() {
        for client in &clients {
            assert_eq!(client.stream().read(&mut [0]).expect("a byte"), 1);
        }
        thread::sleep(Duration::from_millis(5));
    }
    for client in &mut clients {
        assert_eq!(scene.end_of(client), "reset");
    }
}

/// Sends `start`, and then one byte after the other for as long as the server accepts them.
fn trickle(scene: &mut Scene, start: &str, bytes: &str) {
    let mut clients = scene.clients(TRICKLERS);
    for client in &mut clients {
        client.send(start);
    }
    if start == GET {
        scene.each(&mut clients, "200");
    }
    let stop = AtomicBool::new(false);
    let streams: Vec<_> = clients.iter().map(|client| client.stream().try_clone().expect("a copy")).collect();
    thread::scope(|scope| {
        scope.spawn(|| {
            for byte in bytes.as_bytes() {
                for stream in &streams {
                    let _ = std::io::Write::write(&mut &*stream, &[*byte]);
                }
                if stop.load(Ordering::SeqCst) {
                    return;
                }
                // Often enough that the clients are never silent for long.
                thread::sleep(Duration::from_millis(50));
            }
        });
        scene.each(&mut clients, "408");
        stop.store(true, Ordering::SeqCst);
    });
    scene.check_service();
}

fn silent(scene: &mut Scene, bytes: &str) {
    let mut clients = scene.clients(SILENT);
    for client in &mut clients {
        client.send(bytes);
    }
    scene.check_service();
    scene.each(&mut clients, "408");
    for mut client in clients {
        assert_eq!(scene.end_of(&mut client), "closed");
    }
}
