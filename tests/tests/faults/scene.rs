//! The scene of a fault: a server, what its clients saw, and the required state afterwards.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::io::{self, ErrorKind};
use std::thread;
use std::time::{Duration, Instant};

use basehttp_tests::PATIENCE;
use basehttp_tests::child::{Launch, LimitedServer};
use basehttp_tests::client::Client;
use basehttp_tests::process::{descriptors_of, memory_of, threads_of};
use socket2::SockRef;

pub(crate) const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
pub(crate) const WAIT: &str = "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n";

/// A request for a path.
pub(crate) fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n")
}

/// The head of a request with a body of this length.
pub(crate) fn post(path: &str, length: usize) -> String {
    format!("POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n")
}

/// One kind of fault.
#[derive(Clone, Copy)]
pub(crate) struct Fault {
    pub(crate) name: &'static str,
    settings: &'static [&'static str],
    launch: fn(Launch) -> Result<Launch, String>,
    act: fn(&mut Scene),
    /// How much more memory, in KiB, the last round may use than the one before.
    growth: u64,
}

/// The heap is laid out differently in each round, and threads leave the memory that their stacks have used, until the worst
/// case has occurred. So rounds are added until one uses hardly more than the one before. A leak of about a kilobyte per
/// connection makes every round use more: no fault has fewer than 50 connections, or requests, for long.
const GROWTH: u64 = 64;

const LEAST_ROUNDS: usize = 3;
/// Two hundred threads, each with a buffer and a stack of its own, take up to thirty.
const SPARE_ROUNDS: usize = 40;

/// The main thread, the one in `serve_forever`, the watchdog, the reserve, and a driver.
const THREADS: usize = 5;

impl Fault {
    pub(crate) const fn new(name: &'static str, act: fn(&mut Scene)) -> Self {
        Self { name, settings: &[], launch: Ok, act, growth: GROWTH }
    }

    /// Settings of the server.
    pub(crate) const fn with(mut self, settings: &'static [&'static str]) -> Self {
        self.settings = settings;
        self
    }

    /// Starts the server in another way; `Err` is the reason why that is impossible here.
    pub(crate) const fn started(mut self, launch: fn(Launch) -> Result<Launch, String>) -> Self {
        self.launch = launch;
        self
    }

    pub(crate) const fn growing(mut self, growth: u64) -> Self {
        self.growth = growth;
        self
    }

    /// Causes the fault. `Err` says why that is impossible here.
    pub(crate) fn happen(&self) -> Result<Outcome, String> {
        let launch = Launch::of(env!("CARGO_BIN_EXE_limited"))
            .settings(self.settings)
            // One heap, which returns free memory at its end at once, and contains no buffers: those have pages of their
            // own. So the memory of the process is what it uses.
            .variable("MALLOC_ARENA_MAX", "1")
            .variable("MALLOC_TRIM_THRESHOLD_", "4096")
            .variable("MALLOC_MMAP_THRESHOLD_", "4096");
        let server = (self.launch)(launch)?.start();
        let mut scene = Scene {
            descriptors: descriptors_of(server.id()),
            server,
            round: 0,
            seen: BTreeMap::new(),
            lines: Vec::new(),
            skipped: None,
            is_over: false,
            companion: None,
        };
        scene.recover();
        let mut states = vec![scene.state()];
        let least =
            std::env::var("FAULT_ROUNDS").map_or(LEAST_ROUNDS, |count| count.parse().expect("a number"));
        while !scene.is_over && (scene.round < least || self.grows(&states)) {
            assert!(
                scene.round < least + SPARE_ROUNDS,
                "memory grows with every round: {:?}",
                memory(&states)
            );
            (self.act)(&mut scene);
            if let Some(reason) = scene.skipped {
                return Err(reason);
            }
            if !scene.is_over {
                scene.recover();
                states.push(scene.state());
            }
            scene.round += 1;
        }
        scene.check_log();
        if !scene.is_over {
            // Spare threads stay for some seconds.
            scene.wait_until("all threads are back", || threads_of(scene.server.id()) <= THREADS);
            states.push(scene.state());
        }
        let Scene { server, seen, is_over, .. } = scene;
        let lines = server.log.lines().len();
        if !is_over {
            server.end();
        }
        Ok(Outcome { seen, lines, states })
    }

    /// Whether the last round used more than the one before.
    fn grows(&self, states: &[State]) -> bool {
        matches!(states, [.., before, after] if after.memory > before.memory + self.growth)
    }
}

fn memory(states: &[State]) -> Vec<u64> {
    states.iter().map(|state| state.memory).collect()
}

/// The resources of a server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct State {
    pub(crate) threads: usize,
    pub(crate) descriptors: usize,
    /// In KiB.
    pub(crate) memory: u64,
}

/// The result of a fault.
pub(crate) struct Outcome {
    pub(crate) seen: BTreeMap<String, usize>,
    /// Lines in the log.
    pub(crate) lines: usize,
    /// Before, after each round, and when all is quiet again. Only the first if the server has ended.
    pub(crate) states: Vec<State>,
}

pub(crate) struct Scene {
    pub(crate) server: LimitedServer,
    /// Counts from 0.
    pub(crate) round: usize,
    seen: BTreeMap<String, usize>,
    /// Which lines the log must have, and how many.
    lines: Vec<(String, usize, usize)>,
    skipped: Option<String>,
    is_over: bool,
    /// Without connections.
    pub(crate) descriptors: usize,
    companion: Option<Box<dyn Any>>,
}

impl Scene {
    pub(crate) fn client(&self) -> Client {
        self.server.connect().expect("a connection")
    }

    pub(crate) fn clients(&self, count: usize) -> Vec<Client> {
        (0..count).map(|_| self.client()).collect()
    }

    /// The fault cannot be caused here.
    pub(crate) fn skip(&mut self, reason: impl Into<String>) {
        self.skipped = Some(reason.into());
    }

    /// The server has ended, as intended.
    pub(crate) fn is_over(&mut self) {
        self.is_over = true;
    }

    /// What lives as long as the server.
    pub(crate) fn accompany(&mut self, companion: impl Any) {
        self.companion = Some(Box::new(companion));
    }

    /// Records what a client saw.
    pub(crate) fn saw(&mut self, what: impl Display) {
        *self.seen.entry(what.to_string()).or_default() += 1;
    }

    /// Reads a response, or what comes instead, and records it.
    pub(crate) fn outcome(&mut self, client: &mut Client) -> String {
        let outcome = match client.try_response() {
            Ok(response) => response.status.to_string(),
            Err(error) => name_of(&error),
        };
        self.saw(&outcome);
        outcome
    }

    /// Checks that each client gets this.
    pub(crate) fn each(&mut self, clients: &mut [Client], wanted: &str) {
        for client in clients {
            let outcome = self.outcome(client);
            assert_eq!(outcome, wanted);
        }
    }

    /// Each client sends a request and is served.
    pub(crate) fn each_served(&mut self, clients: &mut [Client]) {
        for client in &mut *clients {
            client.send(GET);
        }
        self.each(clients, "200");
    }

    /// Reads up to the end of the connection, and records which kind it was.
    pub(crate) fn end_of(&mut self, client: &mut Client) -> String {
        let end = client.rest().map_or_else(|error| name_of(&error), |_| "closed".to_owned());
        self.saw(&end);
        end
    }

    /// From this round on, the log must have this many more lines with `text` in them, and no other lines.
    pub(crate) fn logs(&mut self, text: &str, count: usize) {
        self.may_log(text, count, count);
    }

    /// As [`logs`](Self::logs), if the number depends on chance.
    pub(crate) fn may_log(&mut self, text: &str, least: usize, most: usize) {
        match self.lines.iter_mut().find(|(other, ..)| other == text) {
            Some(line) => (line.1, line.2) = (line.1 + least, line.2 + most),
            None => self.lines.push((text.to_owned(), least, most)),
        }
    }

    /// Checks that a normal client is served: on its own connection, twice.
    pub(crate) fn check_service(&self) {
        let mut client = self.client();
        for _ in 0..2 {
            let response = client.ask(GET);
            assert_eq!((response.status, response.text()), (200, "/".to_owned()));
        }
    }

    fn state(&self) -> State {
        let id = self.server.id();
        State { threads: threads_of(id), descriptors: descriptors_of(id), memory: memory_of(id) }
    }

    /// Waits until a normal client is served, and all other connections are freed.
    fn recover(&self) {
        self.wait_until("a normal client is served", || {
            self.server.connect().is_ok_and(|mut client| {
                client.send(GET).try_response().is_ok_and(|response| response.status == 200)
            })
        });
        // Before that, all connections but this one may be in use.
        self.wait_until_freed();
        self.check_service();
        self.wait_until_freed();
    }

    /// Waits until the server has closed all connections.
    pub(crate) fn wait_until_freed(&self) {
        self.wait_until("all descriptors are back", || descriptors_of(self.server.id()) <= self.descriptors);
    }

    /// As [`basehttp_tests::wait_until`]; if it fails, the log may say why.
    pub(crate) fn wait_until(&self, what: &str, mut condition: impl FnMut() -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !condition() {
            let lines = || self.server.log.lines();
            assert!(Instant::now() < deadline, "waited in vain: {what}; in the log: {:?}", lines());
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Whether the expected lines have arrived.
    pub(crate) fn has_logged(&self) -> bool {
        self.lines.iter().all(|(text, least, _)| self.server.log.count(text) >= *least)
    }

    /// Waits for the expected lines; there must be no others.
    pub(crate) fn check_log(&self) {
        let log = &self.server.log;
        let deadline = Instant::now() + PATIENCE;
        while !self.has_logged() && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(1));
        }
        let is_known = |line: &String| self.lines.iter().any(|(text, ..)| line.contains(&**text));
        for (text, least, most) in &self.lines {
            let found = log.count(text);
            let other = log.lines().into_iter().find(|line| !is_known(line));
            assert!(
                (*least..=*most).contains(&found),
                "{found} times {text:?} in the log instead of {least} to {most}, and {other:?}"
            );
        }
        let lines = self.server.log.lines();
        let other = lines.iter().find(|line| !is_known(line));
        assert!(other.is_none(), "in the log: {other:?}");
        let longest = lines.iter().map(String::len).max().unwrap_or(0);
        assert!(longest <= LONGEST_LINE, "a line of {longest} bytes");
        let is_plain = |line: &&String| !line.chars().any(char::is_control);
        assert!(lines.iter().all(|line| is_plain(&line)), "control characters in the log");
    }
}

/// In bytes. No client can make a longer log line.
const LONGEST_LINE: usize = 4096;

fn name_of(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::UnexpectedEof => "closed".to_owned(),
        ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => "reset".to_owned(),
        _ => panic!("neither a response nor an end: {error}"),
    }
}

/// Closes a connection so that the server sees a reset, whatever was sent or left unread before.
pub(crate) fn reset(client: Client) {
    SockRef::from(client.stream()).set_linger(Some(Duration::ZERO)).expect("an option of every socket");
    drop(client);
}
