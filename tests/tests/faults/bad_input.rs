//! Requests that are refused: a clear answer where one can be framed, a line in the log that says why, nothing else.

use crate::scene::{Fault, Scene};

pub(crate) const FAULTS: &[Fault] = &[
    Fault::new("bad-request-line-of-60-KiB", |scene| {
        let line = "x".repeat(60 << 10);
        refused(scene, &format!("GET {line} {line}\r\n"), "414");
    }),
];

const CLIENTS: usize = 20;

fn refused(scene: &mut Scene, request: &str, status: &str) {
    let mut clients = scene.clients(CLIENTS);
    for client in &mut clients {
        client.send(request).end();
    }
    scene.each(&mut clients, status);
    scene.logs("code", CLIENTS);
}
