//! The same scenarios in reality and in the simulation.

use std::io;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use crate::client::{Client, Run};
use crate::costs::Costs;
use crate::measure::{median, undisturbed};
use crate::model::{Load, Outcome, Scenario, simulate};
use crate::threads::{pin, processor_time, unpin};

pub const CONNECTIONS: usize = 64;

/// Microseconds that a handler computes.
pub const HANDLERS: [u32; 4] = [0, 4, 8, 30];

struct Setting {
    name: &'static str,
    servers: usize,
    permits: usize,
    /// The server has one core and the client the other; otherwise they share both.
    apart: bool,
    batch: usize,
}

const fn setting(name: &'static str, servers: usize, permits: usize, apart: bool, batch: usize) -> Setting {
    Setting { name, servers, permits, apart, batch }
}

const SETTINGS: [Setting; 6] = [
    setting("1 permit on 1 core, the client on the other", 1, 1, true, 4),
    setting("1 permit on 1 core, the client on the other", 1, 1, true, 16),
    setting("2 permits and the client on 2 cores", 1, 2, false, 16),
    setting("2 permits and the client on 2 cores", 1, 2, false, 32),
    setting("2 servers of 1 permit and the client on 2 cores", 2, 1, false, 16),
    setting("2 servers of 1 permit and the client on 2 cores", 2, 1, false, 32),
];

/// Prints the table. False if a row is further off than `GOAL`.
pub fn check(costs: &Costs, rounds: usize) -> io::Result<bool> {
    println!(
        "| scenario | batch | handler, us | measured, requests/s (server's us) | simulated | difference |"
    );
    println!("|---|--:|--:|--:|--:|--:|");
    let mut good = true;
    for setting in &SETTINGS {
        for handler in HANDLERS {
            let (mut rates, mut used, mut disturbed) = (Vec::new(), Vec::new(), 0.0f64);
            for _ in 0..rounds {
                let (run, ()) = undisturbed(|| Ok((setting.measure(costs, handler)?, ())))?;
                rates.push(run.rate);
                used.push(run.used / 1000.0);
                disturbed = run.disturbed.max(disturbed);
            }
            let measured = median(&mut rates);
            let simulated = setting.simulate(costs, handler);
            let difference = 100.0 * (simulated.rate / measured - 1.0);
            good &= difference.abs() <= GOAL;
            // The time that others took is missing from the measurement.
            let others = if disturbed > 0.05 {
                format!(" (!) others took {:.0} %", 100.0 * disturbed)
            } else {
                String::new()
            };
            println!(
                "| {} | {} | {handler} | {measured:.0} ({:.1}) | {:.0} ({:.1}) | {difference:+.1} %{others} |",
                setting.name,
                setting.batch,
                median(&mut used),
                simulated.rate,
                simulated.used / 1000.0
            );
        }
    }
    Ok(good)
}

/// Percent.
const GOAL: f64 = 15.0;

impl Setting {
    fn measure(&self, costs: &Costs, handler: u32) -> io::Result<Run> {
        unpin();
        let core = self.apart.then_some(0);
        let servers =
            (0..self.servers).map(|_| Server::start(self.permits, core)).collect::<io::Result<Vec<_>>>()?;
        let ports: Vec<_> = servers.iter().map(|server| server.port).collect();
        if self.apart {
            pin(1);
        }
        let mut client = Client::connect(&ports, CONNECTIONS, self.batch, &path(handler))?;
        let run = client.run(costs, &servers, Duration::from_millis(500));
        unpin();
        run
    }

    /// The server measures whether a second driver pays, so the better of the two is what it does.
    fn simulate(&self, costs: &Costs, handler: u32) -> Outcome {
        let run = |shards, steals| simulate(costs, &self.scenario(costs, handler, shards, steals));
        if self.servers > 1 || self.permits == 1 {
            return run(self.servers, false);
        }
        let (one, all) = (run(1, false), run(self.permits, true));
        if all.rate > one.rate * GAIN { all } else { one }
    }

    fn scenario(&self, costs: &Costs, handler: u32, shards: usize, steals: bool) -> Scenario {
        Scenario {
            cores: 2,
            shards,
            permits: 1,
            connections: CONNECTIONS,
            batch: self.batch,
            handler: f64::from(handler) * costs.microsecond,
            rare: None,
            load: Load::Local { apart: self.apart },
            steals,
            time: 400_000_000,
        }
    }
}

/// What more drivers have to gain, as in the server's `control.rs`.
const GAIN: f64 = 1.1;

/// The path of such a handler.
pub fn path(handler: u32) -> String {
    if handler == 0 { "/".to_owned() } else { format!("/spin/{handler}") }
}

/// A `bench_server` of its own.
pub struct Server {
    process: Child,
    pub port: u16,
}

impl Server {
    pub fn start(permits: usize, core: Option<usize>) -> io::Result<Self> {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let program = env::current_exe()?.with_file_name("bench_server");
        let mut command = match core {
            Some(core) => {
                let mut command = Command::new("taskset");
                command.arg("-c").arg(core.to_string()).arg(program);
                command
            }
            None => Command::new(program),
        };
        command.arg("--port").arg(port.to_string()).arg("--compute-threads").arg(permits.to_string());
        let process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let server = Self { process, port };
        let began = Instant::now();
        while let Err(error) = TcpStream::connect(("127.0.0.1", port)) {
            if began.elapsed() > Duration::from_secs(20) {
                return Err(error);
            }
            thread::sleep(Duration::from_millis(2));
        }
        Ok(server)
    }

    /// Nanoseconds of its threads on a processor.
    pub fn processor_time(&self) -> io::Result<f64> {
        let mut sum = 0.0;
        for thread in fs::read_dir(format!("/proc/{}/task", self.process.id()))? {
            sum += processor_time(&format!("{}/schedstat", thread?.path().display()))?;
        }
        Ok(sum)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
