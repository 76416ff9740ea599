//! Over TCP, with settings of all kinds, and clients that are slow or go away.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use basehttp::HTTPServer;
use basehttp::testing::TestServer;
use basehttp_tests::client::Client;
use basehttp_tests::log::Log;
use basehttp_tests::strict::{End, Version};
use basehttp_tests::{PATIENCE, process, show, wait_until, without_dates};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::TestCaseError;
use socket2::{Domain, SockRef, Socket, Type};

use crate::actor::{Actor, Actor10, Score};
use crate::check::{Outcome, check};
use crate::memory::{config, play};
use crate::model::Bounds;
use crate::program::{Act, Case, Finish, Program, Request, Upload};
use crate::strategy::case;

const USUAL: Bounds = Bounds { response_buffer: 65_536, drain_limit: 262_144, gather_limit: 65_536 };

/// Settings with which the limits are reached sooner.
const SETTINGS: [(Bounds, usize); 5] = [
    (USUAL, 65_536),
    (Bounds { response_buffer: 0, drain_limit: 0, ..USUAL }, 0),
    (Bounds { response_buffer: 1, gather_limit: 0, ..USUAL }, 1),
    (Bounds { drain_limit: 0, gather_limit: 0, ..USUAL }, 1000),
    (Bounds { response_buffer: 1000, drain_limit: 100, gather_limit: 100 }, 0),
];

/// How much a client reads at a time, and the size of its receive buffer.
#[derive(Clone, Copy, Debug)]
struct Pace {
    piece: usize,
    receive_buffer: Option<usize>,
}

const FAST: Pace = Pace { piece: 65_536, receive_buffer: None };
const SLOW: Pace = Pace { piece: 700, receive_buffer: Some(2048) };

/// A server for each version that handlers speak.
struct Stage {
    servers: [TestServer; 2],
    bounds: Bounds,
    score: Score,
    log: Log,
}

impl Stage {
    fn new((bounds, high_water): (Bounds, usize), threads: Option<usize>) -> Self {
        let (score, log) = (Score::default(), Log::default());
        let builder = || {
            let builder = HTTPServer::builder()
                .response_buffer(bounds.response_buffer)
                .drain_limit(bounds.drain_limit)
                .gather_limit(bounds.gather_limit)
                .write_high_water(high_water)
                .shutdown_grace(Duration::ZERO);
            match threads {
                Some(threads) => builder.compute_threads(1).max_threads(threads),
                None => builder,
            }
        };
        let servers = [
            TestServer::with(builder(), Actor::factory(score.clone(), log.clone())),
            TestServer::with(builder(), Actor10::factory(score.clone(), log.clone())),
        ];
        Self { servers, bounds, score, log }
    }

    fn connect(&self, case: &Case, pace: Pace) -> TcpStream {
        let address = self.servers[usize::from(!case.speaks_1_1)].address();
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        if let Some(bytes) = pace.receive_buffer {
            socket.set_recv_buffer_size(bytes).expect("an option that every system has");
        }
        socket.connect(&address.into()).expect("the server takes the connection");
        let stream = TcpStream::from(socket);
        stream.set_nodelay(true).expect("an option that every system has");
        stream.set_read_timeout(Some(PATIENCE)).expect("an option that every system has");
        stream.set_write_timeout(Some(PATIENCE)).expect("an option that every system has");
        stream
    }

    /// Gives the programs to the handlers. No other case has the same paths.
    fn prepare(&self, case: &Case) -> String {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let prefix = format!("/{}", NEXT.fetch_add(1, Ordering::Relaxed));
        for (index, request) in case.requests.iter().enumerate() {
            self.score.set(format!("{prefix}/{index}"), request.program.clone());
        }
        self.log.take();
        prefix
    }

    /// Sends all requests, while all responses are read.
    fn play(&self, case: &Case, pace: Pace) -> Outcome {
        let prefix = self.prepare(case);
        let input = case.input(&prefix);
        let mut stream = self.connect(case, pace);
        let mut output = Vec::new();
        let end = thread::scope(|scope| {
            let mut sender = stream.try_clone().expect("a descriptor");
            let sent = scope.spawn(move || {
                for piece in input.chunks(input.len().div_ceil(case.pieces).max(1)) {
                    sender.write_all(piece)?;
                }
                sender.shutdown(Shutdown::Write)
            });
            let mut piece = vec![0; pace.piece];
            let read = loop {
                match stream.read(&mut piece) {
                    Ok(0) => break Ok(()),
                    Ok(count) => output.extend_from_slice(&piece[..count]),
                    Err(error) => break Err(error),
                }
            };
            // The server may have closed before all was sent. The system reports a reset once, to the first call.
            let sent = sent.join().expect("a sender that does not panic");
            let is_reset = |error: &io::Error| error.kind() == ErrorKind::ConnectionReset;
            match (read, sent) {
                (Err(error), _) if !is_reset(&error) => panic!("{error} after {}", show(&output)),
                (Ok(()), Ok(())) => End::Closed,
                (Ok(()), Err(error)) if !is_reset(&error) => End::Closed,
                _ => End::Reset,
            }
        });
        Outcome::new(output, end, case, &prefix, &self.score)
    }

    fn check(&self, case: &Case, pace: Pace) -> Result<Outcome, TestCaseError> {
        let outcome = self.play(case, pace);
        check(case, self.bounds, &outcome).map_err(TestCaseError::fail)?;
        Ok(outcome)
    }
}

/// Whether what a client gets depends only on the programs: it waits for nothing, and the system takes each write as a
/// whole.
fn is_calm(case: &Case, outcome: &Outcome) -> bool {
    let is_calm = |request: &Request| !request.expects && request.upload.len() < USUAL.gather_limit;
    case.requests.iter().all(is_calm) && outcome.end == End::Closed && outcome.output.len() < 16 * 1024
}

#[test]
fn a_server_answers_as_the_wire_in_memory_does() {
    let _turn = process::in_turn();
    let stage = Stage::new(SETTINGS[0], None);
    proptest!(config(200), |(case in case())| {
        let outcome = stage.check(&case, FAST)?;
        let (run, in_memory, _) = play(&case);
        if is_calm(&case, &outcome) && in_memory.end == End::Closed {
            prop_assert_eq!(show(&without_dates(&outcome.output)), show(&without_dates(&run.output)));
        }
    });
}

#[test]
fn whatever_the_settings_are() {
    let _turn = process::in_turn();
    let stages = SETTINGS.map(|settings| Stage::new(settings, None));
    proptest!(config(300), |(case in case(), settings in 1..SETTINGS.len())| {
        stages[settings].check(&case, FAST)?;
    });
}

#[test]
fn whatever_the_client_takes_its_time_for() {
    let _turn = process::in_turn();
    let stages = SETTINGS.map(|settings| Stage::new(settings, None));
    proptest!(config(100), |(case in case(), settings in 0..SETTINGS.len())| {
        stages[settings].check(&case, SLOW)?;
    });
}

/// How a client goes away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Leaving {
    InOrder,
    ByReset,
}

/// A request that is answered with its own body.
fn good_case() -> Case {
    let acts = vec![Act::Respond(200, None), Act::EndHeaders, Act::Write(100)];
    let program = Program { acts, passes_on: true, finish: Finish::Well };
    let request = Request {
        method: "GET",
        version: Version::Http11,
        connection: None,
        upload: Upload::None,
        expects: false,
        program,
    };
    Case { speaks_1_1: true, requests: vec![request], pieces: 1 }
}

#[test]
fn a_client_that_goes_away_at_any_byte_takes_no_thread_with_it() {
    let _turn = process::in_turn();
    // The threads of an earlier test may still close their connections.
    wait_until("the threads of other tests ended", || process::server_threads() == 0);
    let descriptors = process::descriptors();
    {
        // Only two threads, so that lost ones are noticed.
        let stages = SETTINGS.map(|settings| Stage::new(settings, Some(2)));
        let strategy = (
            case(),
            0..SETTINGS.len(),
            select(vec![0, 1, 20, 100, 500, 5000, 70_000]),
            any::<prop::sample::Index>(),
            select(vec![Leaving::InOrder, Leaving::ByReset]),
        );
        proptest!(config(100), |((case, settings, take, sent, leaving) in strategy)| {
            let stage = &stages[settings];
            let prefix = stage.prepare(&case);
            let input = case.input(&prefix);
            let mut stream = stage.connect(&case, SLOW);
            // All of the input or some: it may be more than the server takes while it waits for its client.
            let sent = if take % 2 == 0 { input.len() } else { sent.index(input.len()) };
            let sent = sent.min(10_000);
            let _ = stream.write_all(&input[..sent]);
            // Otherwise both would wait, each for the other.
            let _ = stream.shutdown(Shutdown::Write);
            let _ = Read::by_ref(&mut stream).take(take).read_to_end(&mut Vec::new());
            if leaving == Leaving::ByReset {
                SockRef::from(&stream).set_linger(Some(Duration::ZERO)).expect("an option");
            }
            drop(stream);
            let good = good_case();
            let mut outcome = stage.play(&good, FAST);
            // A path may be truncated as well.
            outcome.strays.clear();
            check(&good, stage.bounds, &outcome).map_err(TestCaseError::fail)?;
        });
        for stage in &stages {
            for server in &stage.servers {
                let response = Client::new(server).ask("SPEM / HTTP/1.1\r\nHost: a\r\n\r\n");
                assert_eq!(response.status, 501);
            }
        }
    }
    wait_until("all threads ended", || process::server_threads() == 0);
    wait_until("all descriptors closed", || process::descriptors() == descriptors);
}
