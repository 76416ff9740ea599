//! The table of a soak.

use std::time::{Duration, Instant};

use crate::growth::{Quiet, slope};
use crate::server::{Figures, Server};
use crate::stage::Stage;

pub(crate) struct Table<'a> {
    server: &'a Server,
    stage: &'a Stage,
    pub(crate) began: Instant,
    most: Figures,
    /// The processor time at the last row.
    ticks: (Instant, u64),
    lines: usize,
}

impl<'a> Table<'a> {
    pub(crate) fn new(server: &'a Server, stage: &'a Stage) -> Self {
        let began = Instant::now();
        Self { server, stage, began, most: Figures::default(), ticks: (began, server.ticks()), lines: 0 }
    }

    pub(crate) fn line(&mut self, note: &str) {
        let counts = self.stage.counts.all();
        if self.lines.is_multiple_of(20) {
            print!("{:>9}", "time");
            for (name, _) in counts {
                print!(" {name:>8}");
            }
            let rest = ["lost", "certs", "KiB", "fds", "threads", "procs", "tmp", "cpu"];
            println!("{}", rest.map(|name| format!(" {name:>7}")).concat());
        }
        self.lines += 1;
        let figures = self.server.figures();
        self.most.memory = self.most.memory.max(figures.memory);
        self.most.descriptors = self.most.descriptors.max(figures.descriptors);
        self.most.threads = self.most.threads.max(figures.threads);
        self.most.processes = self.most.processes.max(figures.processes);
        self.most.temporary = self.most.temporary.max(figures.temporary);
        let (now, ticks) = (Instant::now(), self.server.ticks());
        let (before, ticks_before) = std::mem::replace(&mut self.ticks, (now, ticks));
        let used = Duration::from_millis(ticks.saturating_sub(ticks_before) * 10);
        let share = 100.0 * used.as_secs_f64() / (now - before).as_secs_f64().max(0.001);
        print!("{:>8.0}s", self.began.elapsed().as_secs_f64());
        for (_, tally) in counts {
            print!(" {:>8}", tally.sum());
        }
        println!(
            " {:>7} {:>7} {:>7} {:>7} {:>7} {:>7} {:>7} {share:>6.0}% {note}",
            self.server.log.account().lost,
            self.server.certificates.seen().0,
            figures.memory,
            figures.descriptors,
            figures.threads,
            figures.processes,
            figures.temporary,
        );
    }

    pub(crate) fn sum_up(&self, base: &Figures, quiets: &[Quiet]) {
        println!("{:.1} minutes", self.began.elapsed().as_secs_f64() / 60.0);
        for (name, tally) in self.stage.counts.all() {
            println!("{name}: {}", tally.sum());
            for (kind, count) in tally.kinds() {
                println!("{count:>12} {kind}");
            }
        }
        let log = self.server.log.account();
        println!(
            "log: {} lines of requests, {} of the server's own, {} lost and counted",
            log.requests, log.complaints, log.lost
        );
        let (issued, seen) = self.server.certificates.seen();
        println!("certificates: {issued}, of which clients have seen {seen}");
        if let (Some(first), Some(last)) = (quiets.first(), quiets.last()) {
            println!(
                "without clients: {} descriptors, {} threads; {} KiB at the first quiet point, {} KiB at the last of {}, \
                 {:.1} KiB a minute; at most {} descriptors, {} threads, {} KiB, {} processes, {} temporary files",
                base.descriptors,
                base.threads,
                first.memory,
                last.memory,
                quiets.len(),
                slope(quiets),
                self.most.descriptors,
                self.most.threads,
                self.most.memory,
                self.most.processes,
                self.most.temporary,
            );
        }
    }
}
