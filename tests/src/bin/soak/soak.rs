//! The course of a soak: traffic, pauses, figures, the end.

use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};
use std::{env, io, thread};

use basehttp_tests::{PATIENCE, vector};

use crate::child;
use crate::crowd::Crowd;
use crate::dice::Dice;
use crate::growth::{Quiet, growth, slope};
use crate::peer::{Peer, Wanted};
use crate::server::{Figures, Server};
use crate::stage::Stage;
use crate::visitor::Visitor;

#[derive(Debug)]
struct Plan {
    minutes: f64,
    seed: u64,
    clients: u64,
    /// From one pause to the next, in seconds.
    round: u64,
    lost: Vec<String>,
}

const USAGE: &str =
    "soak [MINUTES] [--seed N] [--clients N] [--round SECONDS] [--lose memory|threads|descriptors]...";

impl Plan {
    fn read(arguments: &[String]) -> Result<Self, String> {
        let now = SystemTime::UNIX_EPOCH.elapsed().map_or(1, |elapsed| elapsed.as_secs());
        let mut plan = Self { minutes: 20.0, seed: now, clients: 16, round: 60, lost: Vec::new() };
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or(format!("{argument} what?"));
            let wrong = |value: &str| format!("{argument}: {value:?} is no number");
            match &**argument {
                "--seed" => plan.seed = value().and_then(|it| it.parse().map_err(|_| wrong(it)))?,
                "--clients" => plan.clients = value().and_then(|it| it.parse().map_err(|_| wrong(it)))?,
                "--round" => plan.round = value().and_then(|it| it.parse().map_err(|_| wrong(it)))?,
                "--lose" => plan.lost.push(value()?.clone()),
                minutes => plan.minutes = minutes.parse().map_err(|_| wrong(minutes))?,
            }
        }
        // With more clients the server would run out of threads where there has to be room.
        let bound = child::MAX_THREADS as u64 / 3;
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
            for wrong in wrong.iter().take(20) {
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
    let server = Server::start(&plan.lost)?;
    let stage = Stage::default();
    let vectors: Vec<_> = vector::load("requests").into_iter().map(|vector| vector.input).collect();
    thread::scope(|scope| {
        for client in 0..plan.clients {
            let dice = Dice::new(plan.seed, client + 1);
            let mut visitor = Visitor { address: server.address, dice, stage: &stage, vectors: &vectors };
            stage.enter();
            scope.spawn(move || visitor.visit());
        }
        let mut crowd = Crowd { server: &server, dice: Dice::new(plan.seed, 0), stage: &stage };
        stage.enter();
        scope.spawn(move || crowd.come());
        let mut soak = Soak::new(plan, &server, &stage);
        if let Err(error) = soak.run() {
            soak.wrong.push(error.to_string());
        }
        stage.set_ending();
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
    began: Instant,
    /// Without a client.
    base: Figures,
    most: Figures,
    quiets: Vec<Quiet>,
    /// The processor time at the last row of the table.
    ticks: (Instant, u64),
    lines: usize,
    wrong: Vec<String>,
}

impl<'a> Soak<'a> {
    fn new(plan: &'a Plan, server: &'a Server, stage: &'a Stage) -> Self {
        let began = Instant::now();
        let ticks = (began, server.ticks());
        let (base, most) = (Figures::default(), Figures::default());
        Self { plan, server, stage, began, base, most, quiets: vec![], ticks, lines: 0, wrong: vec![] }
    }

    fn run(&mut self) -> io::Result<()> {
        self.base = self.begin()?;
        let length = Duration::from_secs_f64(self.plan.minutes * 60.0);
        while self.began.elapsed() < length && self.is_well() {
            self.round()?;
        }
        if self.is_well() {
            self.end()?;
        }
        self.sum_up();
        Ok(())
    }

    fn is_well(&self) -> bool {
        self.wrong.is_empty() && !self.stage.is_wrong()
    }

    /// The figures without clients, once they have been stable for a second after the first request.
    fn begin(&mut self) -> io::Result<Figures> {
        let mut peer = Peer::new(self.server.address)?;
        peer.send(b"GET /some/1 HTTP/1.1\r\nHost: soak\r\nConnection: close\r\n\r\n");
        let response = peer.response(&Wanted { last: true, ..Wanted::page("GET /some/1\n") });
        response.map_err(|trouble| io::Error::other(format!("the first request: {trouble:?}")))?;
        drop(peer);
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
                self.line("");
            }
        }
        if !self.stage.rest(2 * PATIENCE) {
            self.wrong.push("a client does not come to an end".to_owned());
        }
        if self.is_well() {
            self.settle()?;
            self.wrong.extend(growth(&self.quiets));
            self.line("quiet");
        }
        Ok(())
    }

    /// Waits until everything is as it was, and reports what is not.
    fn settle(&mut self) -> io::Result<()> {
        let deadline = Instant::now() + self.patience();
        let (mut figures, mut missing) = (self.server.figures(), self.missing_lines()?);
        while (figures.descriptors > self.base.descriptors
            || figures.threads > self.base.threads
            || missing > 0)
            && Instant::now() < deadline
        {
            thread::sleep(Duration::from_millis(50));
            (figures, missing) = (self.server.figures(), self.missing_lines()?);
        }
        for (what, now, base) in [
            ("descriptors", figures.descriptors, self.base.descriptors),
            ("threads", figures.threads, self.base.threads),
        ] {
            if now > base {
                self.wrong.push(format!("{now} {what} without a client, {base} at the start"));
            }
        }
        if missing > 0 {
            self.wrong.push(format!("{missing} lines of the log are missing and were not counted as lost"));
        }
        // The first request may have left a spare thread.
        self.base.threads = self.base.threads.min(figures.threads);
        let minute = self.began.elapsed().as_secs_f64() / 60.0;
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
        self.stage.play();
        thread::sleep(Duration::from_secs(2));
        self.stage.set_ending();
        let report = self.server.end(PATIENCE)?;
        self.stage.close();
        println!("the end, under load: connections: {report}");
        Ok(())
    }

    fn line(&mut self, note: &str) {
        if self.lines.is_multiple_of(20) {
            println!(
                "{:>8} {:>9} {:>8} {:>7} {:>6} {:>7} {:>8} {:>7} {:>9} {:>6} {:>8} {:>5}",
                "time",
                "good",
                "refused",
                "late",
                "failed",
                "hostile",
                "excused",
                "lost",
                "KiB",
                "fds",
                "threads",
                "cpu"
            );
        }
        self.lines += 1;
        let figures = self.server.figures();
        self.most.memory = self.most.memory.max(figures.memory);
        self.most.descriptors = self.most.descriptors.max(figures.descriptors);
        self.most.threads = self.most.threads.max(figures.threads);
        let counts = &self.stage.counts;
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let (now, ticks) = (Instant::now(), self.server.ticks());
        let (before, ticks_before) = std::mem::replace(&mut self.ticks, (now, ticks));
        let used = Duration::from_millis(ticks.saturating_sub(ticks_before) * 10);
        let share = 100.0 * used.as_secs_f64() / (now - before).as_secs_f64().max(0.001);
        println!(
            "{:>7.0}s {:>9} {:>8} {:>7} {:>6} {:>7} {:>8} {:>7} {:>9} {:>6} {:>8} {:>4.0}% {note}",
            self.began.elapsed().as_secs_f64(),
            of(&counts.good),
            of(&counts.refused),
            of(&counts.late),
            of(&counts.failed),
            of(&counts.hostile),
            of(&counts.broken),
            self.server.log.account().lost,
            figures.memory,
            figures.descriptors,
            figures.threads,
            share,
        );
    }

    fn sum_up(&self) {
        let counts = &self.stage.counts;
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let log = self.server.log.account();
        println!(
            "{:.1} minutes: {} good responses, {} refused (503), {} late (408, or closed), {} failed on purpose, {} hostile \
             clients, {} connections broken while that was to be expected",
            self.began.elapsed().as_secs_f64() / 60.0,
            of(&counts.good),
            of(&counts.refused),
            of(&counts.late),
            of(&counts.failed),
            of(&counts.hostile),
            of(&counts.broken),
        );
        println!(
            "log: {} lines of requests, {} of the server's own, {} lost and counted",
            log.requests, log.complaints, log.lost
        );
        if let (Some(first), Some(last)) = (self.quiets.first(), self.quiets.last()) {
            println!(
                "without clients: {} descriptors, {} threads; {} KiB at the first quiet point, {} KiB at the last of {}, \
                 {:.1} KiB a minute; at most {} descriptors, {} threads, {} KiB",
                self.base.descriptors,
                self.base.threads,
                first.memory,
                last.memory,
                self.quiets.len(),
                slope(&self.quiets),
                self.most.descriptors,
                self.most.threads,
                self.most.memory,
            );
        }
    }
}

/// From one row of the table to the next.
const LINE: Duration = Duration::from_secs(10);

/// How long a pause takes: a spare thread stays for five seconds.
const REST: Duration = Duration::from_secs(7);

/// The least traffic between two pauses.
const LEAST: Duration = Duration::from_secs(2);
