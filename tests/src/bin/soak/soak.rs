//! The course of a soak: traffic, pauses, figures, the end.

use std::collections::HashSet;
use std::fs::File;
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime};
use std::{env, io, thread};

use basehttp_tests::{PATIENCE, vector};

use crate::child;
use crate::crowd::Crowd;
use crate::ending;
use crate::growth::{Quiet, growth};
use crate::peer::Wanted;
use crate::registrar::Registrar;
use crate::server::{Figures, Server};
use crate::stage::{Stage, Way};
use crate::table::Table;
use crate::visitor::Visitor;
use basehttp_tests::dice::Dice;

#[derive(Debug)]
struct Plan {
    minutes: f64,
    seed: u64,
    clients: u64,
    /// From one pause to the next, in seconds.
    round: u64,
    /// How long the server may take to end, in seconds. Less than its other time-outs, so that it is the bound.
    grace: u64,
    /// How long the server lets a client be silent, in seconds.
    patience: u64,
    /// Whether it continues after a failure.
    keeps_going: bool,
    /// Where the server's log goes.
    log: Option<String>,
    lost: Vec<String>,
}

const USAGE: &str = "soak [MINUTES] [--seed N] [--clients N] [--round SECONDS] [--grace SECONDS] [--patience SECONDS] \
    [--keep-going] [--log FILE] [--lose memory|threads|descriptors|processes]...";

impl Plan {
    fn read(arguments: &[String]) -> Result<Self, String> {
        let now = SystemTime::UNIX_EPOCH.elapsed().map_or(1, |elapsed| elapsed.as_secs());
        let mut plan = Self {
            minutes: 20.0,
            seed: now,
            clients: 16,
            round: 60,
            grace: 6,
            patience: 12,
            keeps_going: false,
            log: None,
            lost: Vec::new(),
        };
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or(format!("{argument} what?"));
            let wrong = |value: &str| format!("{argument}: {value:?} is no number");
            match &**argument {
                "--seed" => plan.seed = value().and_then(|it| it.parse().map_err(|_| wrong(it)))?,
                "--clients" => plan.clients = value().and_then(|it| it.parse().map_err(|_| wrong(it)))?,
                "--round" => plan.round = value().and_then(|it| it.parse().map_err(|_| wrong(it)))?,
                "--grace" => plan.grace = value().and_then(|it| it.parse().map_err(|_| wrong(it)))?,
                "--patience" => plan.patience = value().and_then(|it| it.parse().map_err(|_| wrong(it)))?,
                "--keep-going" => plan.keeps_going = true,
                "--log" => plan.log = Some(value()?.clone()),
                "--lose" => plan.lost.push(value()?.clone()),
                minutes => plan.minutes = minutes.parse().map_err(|_| wrong(minutes))?,
            }
        }
        // With more clients the server would run out of threads where there has to be room.
        let bound = child::MAX_THREADS as u64 / 3;
        if plan.grace >= plan.patience {
            return Err("a grace below the patience, so that it is the bound at the end".to_owned());
        }
        if plan.clients == 0 || plan.clients > bound || !(0.05..=10_000.0).contains(&plan.minutes) {
            return Err(format!("1 to {bound} clients, and at least 0.05 minutes"));
        }
        Ok(plan)
    }
}

pub(crate) fn main() -> ExitCode {
    let arguments: Vec<_> = env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == "serve") {
        return match child::main(&arguments[1..]) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("{error}");
                ExitCode::FAILURE
            }
        };
    }
    let plan = match Plan::read(&arguments) {
        Ok(plan) => plan,
        Err(wrong) => {
            eprintln!("{wrong}\n{USAGE}");
            return ExitCode::FAILURE;
        }
    };
    println!("soak: {} minutes, {} clients, --seed {}", plan.minutes, plan.clients, plan.seed);
    match run(&plan) {
        Ok(wrong) if wrong.is_empty() => {
            println!("soak: passed");
            ExitCode::SUCCESS
        }
        Ok(wrong) => {
            // One of each kind.
            let mut kinds = HashSet::new();
            let is_new = |wrong: &&String| kinds.insert(wrong.get(..50).unwrap_or(wrong).to_owned());
            for wrong in wrong.iter().filter(is_new).take(20) {
                println!("soak: FAILED: {wrong}");
            }
            ExitCode::FAILURE
        }
        Err(error) => {
            println!("soak: FAILED: {error}");
            ExitCode::FAILURE
        }
    }
}

/// All failures.
fn run(plan: &Plan) -> io::Result<Vec<String>> {
    let server = {
        let (grace, patience) = (Duration::from_secs(plan.grace), Duration::from_secs(plan.patience));
        let copy = plan.log.as_ref().map(File::create).transpose()?;
        Server::start(grace, patience, copy, &plan.lost)?
    };
    let stage = Stage::default();
    let vectors: Vec<_> = vector::load("requests").into_iter().map(|vector| vector.input).collect();
    thread::scope(|scope| {
        for client in 0..plan.clients {
            let dice = Dice::new(plan.seed, client + 1);
            let (server, stage, vectors) = (&server, &stage, &vectors[..]);
            let mut visitor = Visitor { server, dice, stage, vectors, way: Way::Http };
            stage.enter();
            scope.spawn(move || visitor.visit());
        }
        let dice = Dice::new(plan.seed, 0);
        let mut crowd = Crowd { server: &server, dice, stage: &stage, way: Way::Http };
        stage.enter();
        scope.spawn(move || crowd.come());
        let dice = Dice::new(plan.seed, plan.clients + 1);
        let mut registrar = Registrar { certificates: &server.certificates, dice, stage: &stage };
        stage.enter();
        scope.spawn(move || registrar.replace());
        let mut soak = Soak::new(plan, &server, &stage);
        if let Err(error) = soak.run() {
            soak.wrong.push(error.to_string());
        }
        stage.abandon();
        stage.close();
        // Clients that still wait for a response see the end of the connection.
        server.kill();
        soak.wrong.extend(stage.take_wrong());
        Ok(soak.wrong)
    })
}

struct Soak<'a> {
    plan: &'a Plan,
    server: &'a Server,
    stage: &'a Stage,
    /// Without a client.
    base: Figures,
    table: Table<'a>,
    quiets: Vec<Quiet>,
    wrong: Vec<String>,
}

impl<'a> Soak<'a> {
    fn new(plan: &'a Plan, server: &'a Server, stage: &'a Stage) -> Self {
        let (base, table) = (Figures::default(), Table::new(server, stage));
        Self { plan, server, stage, base, table, quiets: vec![], wrong: vec![] }
    }

    fn run(&mut self) -> io::Result<()> {
        self.base = self.begin()?;
        let length = Duration::from_secs_f64(self.plan.minutes * 60.0);
        while self.table.began.elapsed() < length && self.is_well() {
            self.round()?;
        }
        if self.is_well() {
            self.end()?;
        }
        self.table.sum_up(&self.base, &self.quiets);
        Ok(())
    }

    fn is_well(&self) -> bool {
        self.plan.keeps_going || self.wrong.is_empty() && !self.stage.is_wrong()
    }

    /// The figures without clients, once they have been stable for a second after the first requests.
    fn begin(&mut self) -> io::Result<Figures> {
        for way in [Way::Http, Way::Https] {
            let mut peer = self.server.connect(way)?;
            peer.send(b"GET /some/1 HTTP/1.1\r\nHost: soak\r\nConnection: close\r\n\r\n");
            let response = peer.response(&Wanted { last: true, ..Wanted::page("GET /some/1\n") });
            response.map_err(|trouble| io::Error::other(format!("the first request: {trouble:?}")))?;
        }
        let mut figures = self.server.figures();
        let mut since = Instant::now();
        while since.elapsed() < Duration::from_secs(1) {
            thread::sleep(Duration::from_millis(50));
            let now = self.server.figures();
            if (now.descriptors, now.threads) != (figures.descriptors, figures.threads) {
                (figures, since) = (now, Instant::now());
            }
        }
        Ok(figures)
    }

    /// Traffic, and the pause after it.
    fn round(&mut self) -> io::Result<()> {
        let until = Instant::now() + Duration::from_secs(self.plan.round).saturating_sub(REST).max(LEAST);
        self.stage.play();
        let mut line = Instant::now() + LINE;
        while Instant::now() < until && self.is_well() {
            thread::sleep(Duration::from_millis(100));
            if Instant::now() >= line {
                line += LINE;
                self.table.line("");
            }
        }
        if !self.stage.rest(2 * PATIENCE) {
            self.wrong.push("a client does not come to an end".to_owned());
        }
        if self.is_well() {
            self.settle()?;
            self.wrong.extend(growth(&self.quiets));
            self.table.line("quiet");
        }
        Ok(())
    }

    /// What there is now, and what there may be without a client.
    fn excess(&self) -> io::Result<Vec<(&'static str, usize, usize)>> {
        let figures = self.server.figures();
        let missing = usize::try_from(self.missing_lines()?).unwrap_or(usize::MAX);
        let alive = usize::try_from(self.server.alive()?).unwrap_or(usize::MAX);
        let mut excess = vec![
            ("descriptors", figures.descriptors, self.base.descriptors),
            ("threads", figures.threads, self.base.threads),
            ("processes", figures.processes, 0),
            ("temporary files", figures.temporary, 0),
            ("sockets, tunnels and threads of handlers", alive, 0),
            ("lines of the log that are missing and were not counted as lost", missing, 0),
        ];
        excess.retain(|(_, now, base)| now > base);
        Ok(excess)
    }

    /// Waits until everything is as it was, and reports what is not.
    fn settle(&mut self) -> io::Result<()> {
        let deadline = Instant::now() + self.patience();
        let mut excess = self.excess()?;
        while !excess.is_empty() && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(50));
            excess = self.excess()?;
        }
        for (what, now, base) in excess {
            self.wrong.push(format!("{now} {what} without a client, {base} at the start"));
        }
        // The newest certificate is in force.
        while !self.server.certificates.newest_is_seen() && Instant::now() < deadline {
            self.server.connect(Way::Https)?;
        }
        if !self.server.certificates.newest_is_seen() {
            self.wrong.push("the newest certificate is not used".to_owned());
        }
        let figures = self.server.figures();
        // The first request may have left a spare thread.
        self.base.threads = self.base.threads.min(figures.threads);
        let minute = self.table.began.elapsed().as_secs_f64() / 60.0;
        self.quiets.push(Quiet { minute, tries: self.stage.counts.tries(), memory: figures.memory });
        Ok(())
    }

    /// How long connections and threads may take to disappear: the server's time-outs, the life of a spare thread, and a
    /// margin.
    fn patience(&self) -> Duration {
        if self.plan.lost.is_empty() { PATIENCE } else { 2 * REST }
    }

    /// Lines that the handlers have logged, and that neither arrived nor were counted as dropped.
    fn missing_lines(&self) -> io::Result<u64> {
        let logged = self.server.logged()?;
        let account = self.server.log.account();
        Ok(logged.saturating_sub(account.requests + account.lost))
    }

    fn end(&mut self) -> io::Result<()> {
        self.stage.calm();
        let wrong = ending::end(self.server, self.stage)?;
        self.wrong.extend(wrong);
        Ok(())
    }
}

/// From one row of the table to the next.
const LINE: Duration = Duration::from_secs(10);

/// How long a pause takes: a spare thread stays for five seconds.
const REST: Duration = Duration::from_secs(7);

/// The least traffic between two pauses.
const LEAST: Duration = Duration::from_secs(2);
