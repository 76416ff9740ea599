//! A log that cannot be written. Lines are lost then, but the server keeps running.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use basehttp_tests::child::{Errors, LimitedServer};
use nix::sys::signal::Signal;

use crate::scene::{Fault, Scene, get};
use crate::signals::send;

pub(crate) const FAULTS: &[Fault] = &[
    Fault::new("log-on-a-full-disk", chat).started(|launch| Ok(launch.errors(Errors::Full))),
    Fault::new("log-closed", chat).started(|launch| Ok(launch.errors(Errors::Closed))),
    Fault::new("log-pipe-without-a-reader", chat).started(|launch| Ok(launch.errors(Errors::Broken))),
    Fault::new("log-pipe-that-nobody-reads", chat).started(|launch| Ok(launch.errors(Errors::Unheard))),
    Fault::new("log-pipe-that-nobody-reads-under-signals", chat_under_signals)
        .started(|launch| Ok(launch.errors(Errors::Unheard))),
];

/// 600 KB of lines: more than a pipe holds, and more than the server keeps.
fn chat(scene: &mut Scene) {
    let responses = talk(&scene.server);
    for _ in 0..responses {
        scene.saw(200);
    }
}

fn talk(server: &LimitedServer) -> usize {
    let path = format!("/logged/{}", "x".repeat(1000));
    let mut clients: Vec<_> = (0..4).map(|_| server.connect().expect("a connection")).collect();
    for _ in 0..150 {
        for client in &mut clients {
            assert_eq!(client.ask(get(&path)).text(), path);
        }
    }
    600
}

/// The check for room in the pipe is interrupted as well, and that must not be taken for a yes.
fn chat_under_signals(scene: &mut Scene) {
    if scene.round == 0 {
        scene.server.tell("signals");
    }
    let done = AtomicBool::new(false);
    let responses = thread::scope(|scope| {
        let (server, done) = (&scene.server, &done);
        scope.spawn(move || {
            while !done.load(Ordering::SeqCst) {
                send(server, Signal::SIGUSR1);
            }
        });
        let talking = scope.spawn(move || talk(server)).join();
        done.store(true, Ordering::SeqCst);
        talking
    });
    for _ in 0..responses.expect("all are served") {
        scene.saw(200);
    }
}
