//! System errors that hardly ever occur, injected by strace: calls that are interrupted where possible, and resources that
//! run short inside the system.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use basehttp_tests::PATIENCE;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::exhaustion::without_threads;
use crate::scene::{Fault, GET, Scene, get, post};

pub(crate) const FAULTS: &[Fault] = &[
    Fault::new("EINTR-from-every-second-call", |scene| {
        served(scene, "recvfrom,readv,writev,sendto,sendmsg,accept4,epoll_wait,poll:error=EINTR:when=1+2");
    }),
    Fault::new("ECONNABORTED-from-accept", |scene| served(scene, "accept4:error=ECONNABORTED:when=1+2")),
    Fault::new("ENFILE-from-accept", |scene| short(scene, "accept4:error=ENFILE:when=1+3")),
    Fault::new("ENOMEM-from-accept", |scene| short(scene, "accept4:error=ENOMEM:when=1+3")),
    Fault::new("EPERM-from-accept", |scene| short(scene, "accept4:error=EPERM:when=1+3")),
    Fault::new("EPROTO-from-accept", |scene| short(scene, "accept4:error=EPROTO:when=1+3")),
    Fault::new("ENOSPC-from-epoll_ctl", |scene| {
        ended(scene, "epoll_ctl:error=ENOSPC:when=1+2");
        scene.may_log(
            "cannot serve a new connection, which is closed: No space left",
            usize::from(scene.round == 0),
            1,
        );
    }),
    Fault::new("EAGAIN-from-clone", no_threads).with(&["queue_timeout", "300"]),
    Fault::new("ETIMEDOUT-from-recv", |scene| ended(scene, "recvfrom:error=ETIMEDOUT:when=1+3")),
    Fault::new("EHOSTUNREACH-from-send", |scene| {
        ended(scene, "writev,sendto,sendmsg:error=EHOSTUNREACH:when=1+3");
    }),
    Fault::new("ENOBUFS-from-send", |scene| ended(scene, "writev,sendto,sendmsg:error=ENOBUFS:when=1+3")),
];

/// While it lives, calls of the server fail.
struct Injection(Child);

impl Injection {
    /// `Err` says why it cannot be used.
    fn into(server: u32, what: &str) -> Result<Self, String> {
        let calls = what.split(':').next().unwrap_or_default();
        let mut command = Command::new("strace");
        command.args(["-f", "-qq", "-o", "/dev/null", "-e", &format!("trace={calls}")]);
        command.args(["-e", &format!("inject={what}"), "-p", &server.to_string()]);
        let child =
            command.stderr(Stdio::null()).spawn().map_err(|error| format!("there is no strace: {error}"))?;
        let mut injection = Self(child);
        let deadline = Instant::now() + PATIENCE;
        while !is_traced(server) {
            if injection.0.try_wait().is_ok_and(|status| status.is_some()) || Instant::now() > deadline {
                return Err("strace may not trace another process here".to_owned());
            }
            thread::sleep(Duration::from_millis(1));
        }
        Ok(injection)
    }
}

impl Drop for Injection {
    fn drop(&mut self) {
        // Then it detaches from the server. A call that it holds halfway at that moment fails with ENOSYS, whatever was to
        // be injected: nothing may depend on such a call any more.
        let id = Pid::from_raw(self.0.id().try_into().unwrap_or_default());
        let _ = kill(id, Signal::SIGTERM);
        let _ = self.0.wait();
    }
}

fn is_traced(process: u32) -> bool {
    let Ok(threads) = fs::read_dir(format!("/proc/{process}/task")) else { return false };
    threads.flatten().all(|thread| {
        let status = fs::read_to_string(thread.path().join("status")).unwrap_or_default();
        status.lines().all(|line| line.strip_prefix("TracerPid:").is_none_or(|tracer| tracer.trim() != "0"))
    })
}

const CLIENTS: usize = 20;

fn inject(scene: &mut Scene, what: &str) -> Option<Injection> {
    match Injection::into(scene.server.id(), what) {
        Ok(injection) => Some(injection),
        Err(reason) => {
            scene.skip(reason);
            None
        }
    }
}

/// No client notices, in any round, and the tracer stays until the server has ended: a call that it released halfway could
/// be one that the server needs.
fn served(scene: &mut Scene, what: &str) {
    if scene.round == 0 {
        let Some(injection) = inject(scene, what) else { return };
        scene.accompany(injection);
    }
    let mut clients = scene.clients(CLIENTS);
    let large = "x".repeat(100_000);
    for request in [GET, &get("/counted/10"), &get("/chunked/3"), &(post("/", large.len()) + &large)] {
        for client in &mut clients {
            client.send(request);
        }
        scene.each(&mut clients, "200");
    }
}

/// Only the log shows it. (Not every second call: a server that was blocked for two seconds treats a call that succeeds as a
/// client to be turned away, and would never make another.)
fn short(scene: &mut Scene, what: &str) {
    served(scene, what);
    scene.may_log("cannot accept connections", 0, 1);
}

/// Some connections are lost. Each response that arrives is complete.
fn ended(scene: &mut Scene, what: &str) {
    let Some(injection) = inject(scene, what) else { return };
    let mut clients = scene.clients(CLIENTS);
    let large = "x".repeat(100_000);
    for request in [GET, &get("/counted/10"), &get("/chunked/3"), &(post("/", large.len()) + &large)] {
        for client in &mut clients {
            client.send(request);
        }
        clients.retain_mut(|client| {
            let outcome = scene.outcome(client);
            assert!(["200", "closed", "reset"].contains(&&*outcome), "{outcome}");
            outcome == "200"
        });
    }
    drop(clients);
    // Without connections it makes none of these calls.
    scene.wait_until_freed();
    drop(injection);
    scene.may_log("the client went away", 0, CLIENTS);
    scene.may_log("code ", 0, CLIENTS);
    scene.may_log("do_", 0, CLIENTS);
}

fn no_threads(scene: &mut Scene) {
    let Some(injection) = inject(scene, "clone,clone3:error=EAGAIN") else { return };
    // A thread whose start is released halfway cannot be added, or the C library retries.
    without_threads(scene, |_| drop(injection));
}
