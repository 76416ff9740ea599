//! More clients than are served at a time, most of them idle.

use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};

use basehttp_tests::PATIENCE;
use basehttp_tests::client::Client;
use basehttp_tests::process::descriptors_of;
use basehttp_tests::wait_until;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use socket2::{Domain, Socket, Type};

use crate::scene::{Fault, GET, Scene, reset};

pub(crate) const FAULTS: &[Fault] = &[
    Fault::new("10000-idle-connections", idle_connections)
        .with(&["idle_timeout", "600000", "max_connections", "11000"])
        .growing(1024),
    Fault::new("5000-half-sent-heads", half_sent_heads).with(&["head_timeout", "2500"]).growing(1024),
    Fault::new("more-connections-than-allowed", too_many).with(&["max_connections", "100"]),
];

const IDLE: usize = 10_000;
const HALF: usize = 5000;

/// The other open descriptors of the two processes.
const OTHERS: u64 = 3000;

/// Raises the limit of both processes. False if the system does not allow that many.
fn has_descriptors(scene: &mut Scene, count: usize) -> bool {
    let count = count as u64 + OTHERS;
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).expect("the limit");
    if hard < count {
        scene.skip(format!("a process may have {hard} descriptors here, and {count} are needed"));
        return false;
    }
    setrlimit(Resource::RLIMIT_NOFILE, soft.max(count), hard).expect("a limit below the hard one");
    scene.server.tell(&format!("nofile {count}"));
    true
}

/// Connects from a separate address in each round, so that there are enough ports.
fn crowd(scene: &Scene, count: usize) -> Vec<Client> {
    let round = u8::try_from(scene.round).expect("few rounds");
    let source = SocketAddr::from((Ipv4Addr::new(127, 0, 7, round + 1), 0));
    let connect = || {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        socket.bind(&source.into()).expect("an address of this machine");
        socket.connect(&scene.server.address().into()).expect("a connection");
        let stream = TcpStream::from(socket);
        stream.set_read_timeout(Some(PATIENCE)).expect("an option of every socket");
        Client::over(stream)
    };
    (0..count).map(|_| connect()).collect()
}

fn idle_connections(scene: &mut Scene) {
    if !has_descriptors(scene, IDLE) {
        return;
    }
    let mut clients = crowd(scene, IDLE);
    // Some have been served before, most have never sent anything.
    for client in clients.iter_mut().step_by(10) {
        assert_eq!(client.ask(GET).status, 200);
    }
    let id = scene.server.id();
    wait_until("all are taken", || descriptors_of(id) > IDLE);
    for _ in 0..10 {
        scene.check_service();
    }
    for mut client in clients {
        // No client was turned away meanwhile.
        if scene.round == 1 {
            assert_eq!(client.ask(GET).status, 200);
        }
        if scene.round == 2 {
            reset(client);
        } else {
            drop(client);
        }
        scene.saw("we closed");
    }
}

fn half_sent_heads(scene: &mut Scene) {
    if !has_descriptors(scene, HALF) {
        return;
    }
    let mut clients = crowd(scene, HALF);
    for client in &mut clients {
        client.send("GET / HTTP/1.1\r\nHost: a\r\nUser-Ag");
    }
    for _ in 0..10 {
        scene.check_service();
    }
    scene.each(&mut clients, "408");
    for client in &mut clients {
        client.assert_closed();
    }
    scene.logs("code 408", HALF);
}

fn too_many(scene: &mut Scene) {
    let id = scene.server.id();
    let mut fitting = Vec::new();
    // Earlier clients have gone, and may still be counted for a moment.
    wait_until("a hundred fit", || {
        fitting.clear();
        fitting = scene.clients(100);
        let have_asked = fitting.iter_mut().all(|client| client.stream().write_all(GET.as_bytes()).is_ok());
        have_asked
            && fitting
                .iter_mut()
                .all(|client| client.try_response().is_ok_and(|response| response.status == 200))
    });
    for _ in &fitting {
        scene.saw("200");
    }
    wait_until("all are taken", || descriptors_of(id) > 100);
    // Some get the answer; beyond those, connections are only closed.
    let mut others = scene.clients(200);
    for client in &mut others {
        let outcome = scene.outcome(client);
        assert!(["503", "closed", "reset"].contains(&&*outcome), "{outcome}");
    }
    scene.each_served(&mut fitting);
    scene.may_log("100 connections are open (max_connections)", usize::from(scene.round == 0), 1);
}
