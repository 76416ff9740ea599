//! Runs the proxies, one after the other, and prints the table.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use std::{env, fs, io, process, thread};

use basehttp::{HTTPServer, ServerHandle};

use crate::client::{self, Protocol};
use crate::edge::{Edge, KINDS, Kind};
use crate::http2;
use crate::requests::{self, Case};
use crate::server::Echo;
use crate::tap::{Report, Tap};

const CLIENTS: usize = 32;
/// How many cases are sent before a look at the proxy.
const BATCH: u64 = 1000;
/// How long the server waits for a body. Innocent clients wait for it behind a proxy that never sends the rest of one.
const SERVER_PATIENCE: Duration = Duration::from_secs(10);
/// How often a proxy may end by itself.
const MOST_CRASHES: u64 = 20;
/// How long a server may take to start.
const PATIENCE: Duration = Duration::from_secs(30);

struct Options {
    requests: u64,
    seed: u64,
    only: Vec<String>,
    server: Option<String>,
    keep: PathBuf,
    require_all: bool,
    /// Only this case, and its bytes are shown.
    case: Option<u64>,
}

pub(crate) fn main() -> ExitCode {
    match options().and_then(|options| run(&options)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            println!("FAILED: {error}");
            ExitCode::FAILURE
        }
    }
}

fn options() -> io::Result<Options> {
    let mut options = Options {
        requests: 10_000,
        seed: 1,
        only: Vec::new(),
        server: None,
        keep: env::temp_dir().join(format!("basehttp-proxies-{}", process::id())),
        require_all: false,
        case: None,
    };
    let mut arguments = env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value =
            || arguments.next().ok_or_else(|| io::Error::other(format!("{argument} needs a value")));
        match argument.as_str() {
            "--requests" => options.requests = value()?.parse().map_err(io::Error::other)?,
            "--seed" => options.seed = value()?.parse().map_err(io::Error::other)?,
            "--only" => options.only = value()?.split(',').map(str::to_owned).collect(),
            "--server" => options.server = Some(value()?),
            "--keep" => options.keep = value()?.into(),
            "--case" => options.case = Some(value()?.parse().map_err(io::Error::other)?),
            "--require-all" => options.require_all = true,
            _ => return Err(io::Error::other(format!("unknown argument: {argument}"))),
        }
    }
    Ok(options)
}

/// What the clients of one proxy have seen.
#[derive(Default)]
struct Clients {
    requests: u64,
    served: u64,
    by_server: u64,
    by_proxy: u64,
    gave_up: u64,
    /// Clean requests without a response.
    unanswered: u64,
    /// Clean requests that the proxy refused.
    refused: u64,
    /// Responses that were another client's.
    foreign: u64,
    /// How often the proxy ended by itself.
    crashes: u64,
}

struct Row {
    name: String,
    clients: Clients,
    report: Report,
    seconds: f64,
}

impl Row {
    /// Whether the server has made no mistake. The clients of a proxy that has lost its place itself suffer from that.
    fn is_good(&self, is_single: bool) -> bool {
        // Fewer served would be a proxy that does not reach the server. Some refuse a clean request now and then, or close
        // its connection when they replace a worker. What the server got and answered is judged at the tap.
        let reaches = is_single || self.report.tally.served > self.clients.requests / 3;
        let refuses = self.clients.refused > self.clients.requests / 100;
        let loses = self.clients.unanswered > self.clients.requests / 1000;
        let is_clean = self.clients.foreign == 0 && !refuses && !loses;
        reaches && self.report.of_server.is_empty() && (is_clean || !self.report.of_proxy.is_empty())
    }
}

fn run(options: &Options) -> io::Result<bool> {
    let unknown = options.only.iter().find(|name| KINDS.iter().all(|kind| kind.name != **name));
    if let Some(name) = unknown {
        return Err(io::Error::other(format!("unknown proxy: {name}")));
    }
    fs::create_dir_all(&options.keep)?;
    let (mut rows, mut missing, mut is_good) = (Vec::new(), Vec::new(), true);
    for kind in KINDS
        .iter()
        .filter(|kind| options.only.is_empty() || options.only.iter().any(|name| name == kind.name))
    {
        if !kind.is_installed() {
            missing.push(kind.name);
            continue;
        }
        let protocols: &[_] =
            if kind.has_http2 { &[Protocol::Http1, Protocol::Http2] } else { &[Protocol::Http1] };
        for protocol in protocols {
            match run_proxy(options, kind, *protocol) {
                Ok(row) => rows.push(row),
                Err(error) => {
                    println!("{}: FAILED: {error}", kind.name);
                    is_good = false;
                }
            }
        }
    }
    print_table(&rows);
    if !missing.is_empty() {
        println!("Left out, since they are not installed: {}", missing.join(", "));
        is_good &= !options.require_all;
    }
    is_good &= !rows.is_empty() && rows.iter().all(|row| row.is_good(options.case.is_some()));
    println!(
        "{}; the bytes of what was found are in {}",
        if is_good { "passed" } else { "FAILED" },
        options.keep.display()
    );
    Ok(is_good)
}

/// One proxy, with clients that speak one protocol.
fn run_proxy(options: &Options, kind: &Kind, protocol: Protocol) -> io::Result<Row> {
    let started = Instant::now();
    let name =
        if protocol == Protocol::Http2 { format!("{}, HTTP/2", kind.name) } else { kind.name.to_owned() };
    let server = Backend::start(options.server.as_deref())?;
    let mut row = Row { name, clients: Clients::default(), report: Report::default(), seconds: 0.0 };
    let mut next = 0;
    let most = if options.case.is_some() { 1 } else { options.requests };
    while row.clients.requests < most {
        let tap = Tap::start(
            server.address,
            kind.mark(),
            options.keep.join(row.name.replace(", ", "-").replace('/', "")),
        )?;
        let scratch = options.keep.join(format!("{}-files", kind.name));
        let configurations = Path::new(env!("CARGO_MANIFEST_DIR")).join("proxies");
        let mut edge = Edge::start(kind, &configurations, &scratch, tap.port)?;
        let port = if protocol == Protocol::Http2 { edge.http2 } else { edge.http1 };
        while row.clients.requests < most && edge.runs() {
            let mut clients = send(options, &row.name, port, protocol, next);
            next += BATCH;
            if !edge.runs() {
                // What was sent then was sent to nobody.
                (clients.unanswered, clients.refused) = (0, 0);
                row.clients.crashes += 1;
                if row.clients.crashes > MOST_CRASHES {
                    return Err(io::Error::other("the proxy ends again and again"));
                }
                let log = fs::read_to_string(scratch.join("log")).unwrap_or_default();
                println!("{} has ended: {}", row.name, log.lines().take(2).collect::<Vec<_>>().join(" "));
            }
            row.clients.add(&clients);
        }
        edge.stop();
        row.report.add(tap.finish());
        fs::remove_dir_all(&scratch)?;
    }
    server.stop()?;
    row.seconds = started.elapsed().as_secs_f64();
    Ok(row)
}

/// Sends a batch of cases to a proxy, with several clients at a time.
fn send(options: &Options, name: &str, port: u16, protocol: Protocol, first: u64) -> Clients {
    let make = |number| match protocol {
        Protocol::Http1 => requests::case(options.seed, number),
        Protocol::Http2 => http2::case(options.seed, number),
    };
    if let Some(number) = options.case {
        let mut clients = Clients::default();
        for case in [make(number), make_victim(number, protocol)] {
            let seen = client::run(port, protocol, &case, number);
            println!("{:?}\n{}\n{seen:?}\n", case.kinds, basehttp_tests::show(&case.parts.concat()));
            clients.count(name, &case, number, &seen);
        }
        return clients;
    }
    let (all, next) = (Mutex::new(Clients::default()), AtomicU64::new(first));
    thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= first + BATCH {
                        return;
                    }
                    let case = make(number);
                    let seen = client::run(port, protocol, &case, number);
                    let victim = make_victim(number, protocol);
                    let victims = client::run(port, protocol, &victim, number);
                    let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
                    all.count(name, &case, number, &seen);
                    all.count(name, &victim, number, &victims);
                }
            });
        }
    });
    all.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn make_victim(number: u64, protocol: Protocol) -> Case {
    match protocol {
        Protocol::Http1 => requests::victim(number),
        Protocol::Http2 => http2::victim(number),
    }
}

impl Clients {
    fn count(&mut self, name: &str, case: &Case, number: u64, seen: &client::Seen) {
        self.requests += case.requests;
        self.served += seen.served.len() as u64;
        self.by_server += seen.by_server;
        self.by_proxy += seen.by_proxy;
        self.gave_up += u64::from(seen.gave_up);
        self.unanswered += u64::from(seen.is_short);
        self.refused += seen.refused;
        if seen.is_short && self.unanswered < 4 {
            println!(
                "{name}, case {number} ({}): a clean case was not answered: {seen:?}",
                case.kinds.join(", ")
            );
        }
        if let Some(fault) = &seen.fault {
            println!("{name}, case {number} ({}): {fault}", case.kinds.join(", "));
            self.foreign += 1;
        }
    }

    fn add(&mut self, other: &Self) {
        self.requests += other.requests;
        self.served += other.served;
        self.by_server += other.by_server;
        self.by_proxy += other.by_proxy;
        self.gave_up += other.gave_up;
        self.unanswered += other.unanswered;
        self.refused += other.refused;
        self.foreign += other.foreign;
        self.crashes += other.crashes;
    }
}

/// The server behind the tap: ours, or a command.
struct Backend {
    address: SocketAddr,
    kind: BackendKind,
}

enum BackendKind {
    Own(ServerHandle, JoinHandle<io::Result<()>>),
    Command(Child),
}

impl Backend {
    fn start(command: Option<&str>) -> io::Result<Self> {
        let Some(command) = command else {
            let mut server = HTTPServer::builder()
                .read_timeout(SERVER_PATIENCE)
                .bind((Ipv4Addr::LOCALHOST, 0), |base| Echo { base })?;
            let port = server.server_port();
            let handle = server.handle();
            let serving = thread::spawn(move || server.serve_forever());
            return Ok(Self {
                address: (Ipv4Addr::LOCALHOST, port).into(),
                kind: BackendKind::Own(handle, serving),
            });
        };
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let command = command.replace("@port@", &port.to_string());
        let mut child = Command::new("/bin/sh").arg("-c").arg(format!("exec {command}")).spawn()?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect(address).is_err() {
            if child.try_wait()?.is_some() || Instant::now() > deadline {
                return Err(io::Error::other(format!("`{command}` does not start")));
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(Self { address, kind: BackendKind::Command(child) })
    }

    fn stop(self) -> io::Result<()> {
        match self.kind {
            BackendKind::Own(handle, serving) => {
                handle.shutdown();
                serving.join().map_err(|_| io::Error::other("the server panicked"))?
            }
            BackendKind::Command(mut child) => {
                child.kill()?;
                child.wait().map(drop)
            }
        }
    }
}

fn print_table(rows: &[Row]) {
    println!();
    println!(
        "| proxy | requests | refused by the proxy | served | refused by the server | in part | unanswered | desyncs of the proxy | of the server | s |"
    );
    println!("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|");
    for row in rows {
        let (clients, report) = (&row.clients, &row.report);
        let refused: u64 = report.tally.refused.values().sum();
        let of_proxy: u64 = report.of_proxy.values().sum();
        let of_server = report.of_server.values().sum::<u64>();
        println!(
            "| {} | {} | {} | {} | {refused} | {} | {} | {of_proxy} | {of_server} | {:.0} |",
            row.name,
            clients.requests,
            clients.by_proxy,
            report.tally.served,
            report.tally.incomplete,
            report.tally.unanswered,
            row.seconds
        );
    }
    for row in rows {
        let report = &row.report;
        println!(
            "\n{}: {} connections to the server; the clients saw {} of its responses and {} of its refusals, and gave up {} times; {} clean cases were not answered, {} clean requests were refused by it, {} responses were another client's, and it ended {} times",
            row.name,
            report.connections,
            row.clients.served,
            row.clients.by_server,
            row.clients.gave_up,
            row.clients.unanswered,
            row.clients.refused,
            row.clients.foreign,
            row.clients.crashes
        );
        println!("  refused by status: {:?}", report.tally.refused);
        for (what, count) in &report.tally.bad {
            println!("  passed on and refused: {what}: {count}");
        }
        for (what, count) in &report.of_proxy {
            println!("  desync of the proxy: {what}: {count}");
        }
        for (what, count) in &report.of_server {
            println!("  DESYNC OF THE SERVER: {what}: {count}");
        }
    }
}
