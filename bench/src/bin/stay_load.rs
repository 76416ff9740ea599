//! The clients of `bench/stay`: many long-lived connections, in their own process, and their cost to the server.
//!
//! ```text
//! stay_load PORT PID events|sockets CONNECTIONS ROUNDS
//! ```
//!
//! It prints one line of JSON: threads, memory and CPU of the idle server; for each round (an event to all, or an echo over a
//! thousand connections) the server's CPU and the time until the last client has it; the latency of `GET /` alone and beside the rounds.

use std::fs;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use mio::{Events, Interest, Poll, Token};

/// The end of an event or a message; it occurs nowhere else.
const END: u8 = b'#';

const SETTLING: Duration = Duration::from_secs(12);
const IDLE: Duration = Duration::from_secs(5);
const PATIENCE: Duration = Duration::from_secs(60);

/// The most connections that echo at once.
const SPEAKERS: usize = 1000;

fn main() -> io::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [port, pid, kind, connections, rounds] = &args[..] else { panic!("see the top of the source") };
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port.parse().expect("a port")));
    let (connections, rounds): (usize, usize) = (number(connections), number(rounds));
    let server = Process(pid.clone());
    let request = match kind.as_str() {
        "events" => "GET /events HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(),
        "sockets" => "GET /echo HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
            .to_owned(),
        other => panic!("unknown kind {other}"),
    };
    let threads_before = server.threads();
    let memory_before = server.memory();
    let alone = probe(address, |done| {
        thread::sleep(Duration::from_secs(2));
        done.store(true, Ordering::SeqCst);
        Ok(())
    })?
    .1;

    let mut crowd = Crowd::new(address, connections, &request)?;
    // Superfluous threads end meanwhile.
    thread::sleep(SETTLING);
    let memory = server.memory().saturating_sub(memory_before) / connections as u64;
    let threads = server.threads();
    let (ticks, wakes) = (server.ticks(), server.wakes());
    thread::sleep(IDLE);
    // The count of a thread is lost when it ends.
    let (ticks, wakes) = (server.ticks() - ticks, server.wakes().saturating_sub(wakes));

    let ((cpu, times), beside) = probe(address, |done| {
        let result = run_rounds(&mut crowd, &server, address, kind == "events", rounds);
        done.store(true, Ordering::SeqCst);
        result
    })?;
    let mut times = times;
    times.sort_unstable();
    println!(
        "{{\"threads_before\": {threads_before}, \"threads\": {threads}, \"bytes_each\": {memory}, \"idle_ticks\": {ticks}, \
         \"idle_wakes_per_second\": {:.1}, \"cpu_us_each\": {cpu:.2}, \"round_ms_p50\": {:.2}, \"round_ms_worst\": {:.2}, \
         \"get_alone_p50_us\": {}, \"get_alone_p99_us\": {}, \"get_beside_p50_us\": {}, \"get_beside_p99_us\": {}}}",
        wakes as f64 / IDLE.as_secs_f64(),
        times[times.len() / 2].as_secs_f64() * 1000.0,
        times[times.len() - 1].as_secs_f64() * 1000.0,
        percentile(&alone, 50),
        percentile(&alone, 99),
        percentile(&beside, 50),
        percentile(&beside, 99),
    );
    Ok(())
}

fn number(text: &str) -> usize {
    text.parse().expect("a number")
}

/// The server's CPU for each message in microseconds, and the duration of each round.
fn run_rounds(
    crowd: &mut Crowd,
    server: &Process,
    address: SocketAddr,
    is_events: bool,
    rounds: usize,
) -> io::Result<(f64, Vec<Duration>)> {
    let mut sender = TcpStream::connect(address)?;
    sender.set_nodelay(true)?;
    let speakers = if is_events { crowd.clients.len() } else { crowd.clients.len().min(SPEAKERS) };
    let before = server.ticks();
    let mut times = Vec::new();
    for _ in 0..rounds {
        let began = Instant::now();
        if is_events {
            let text = format!("{}{}", "e".repeat(99), char::from(END));
            write!(
                sender,
                "POST /send HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n{text}",
                text.len()
            )?;
        } else {
            // A text of 32 bytes, with a mask of zeros.
            let frame = [&[0x81, 0x80 | 32, 0, 0, 0, 0][..], &[b'w'; 31], &[END]].concat();
            for client in &mut crowd.clients[..speakers] {
                client.stream.write_all(&frame)?;
            }
        }
        crowd.wait_for(speakers)?;
        times.push(began.elapsed());
        if is_events {
            read_response(&mut sender)?;
        }
        // The next round finds an idle server.
        thread::sleep(Duration::from_millis(20));
    }
    let ticks = server.ticks() - before;
    Ok((ticks as f64 * 10_000.0 / (rounds * speakers) as f64, times))
}

/// Requests `/` at most a thousand times a second while `run` runs. Returns the sorted latencies in microseconds.
fn probe<T>(
    address: SocketAddr,
    run: impl FnOnce(&AtomicBool) -> io::Result<T>,
) -> io::Result<(T, Vec<u64>)> {
    let done = Arc::new(AtomicBool::new(false));
    let is_done = done.clone();
    let asking = thread::spawn(move || -> io::Result<Vec<u64>> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        let mut latencies = Vec::new();
        while !is_done.load(Ordering::SeqCst) {
            let began = Instant::now();
            stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")?;
            read_response(&mut stream)?;
            latencies.push(u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX));
            thread::sleep(Duration::from_millis(1));
        }
        latencies.sort_unstable();
        Ok(latencies)
    });
    let result = run(&done);
    done.store(true, Ordering::SeqCst);
    let latencies = asking.join().expect("it does not panic")?;
    Ok((result?, latencies))
}

fn percentile(sorted: &[u64], percent: usize) -> u64 {
    sorted.get((sorted.len() * percent / 100).min(sorted.len().saturating_sub(1))).copied().unwrap_or(0)
}

/// Reads a response whose body is `Hello, World!`.
fn read_response(stream: &mut TcpStream) -> io::Result<()> {
    let mut response = Vec::new();
    let mut buffer = [0; 1024];
    while !response.ends_with(b"Hello, World!") {
        let count = stream.read(&mut buffer)?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        response.extend_from_slice(&buffer[..count]);
    }
    Ok(())
}

struct Crowd {
    poll: Poll,
    events: Events,
    clients: Vec<Client>,
}

struct Client {
    stream: mio::net::TcpStream,
}

impl Crowd {
    /// Connects them, a hundred at a time, and waits until each has received its head.
    fn new(address: SocketAddr, connections: usize, request: &str) -> io::Result<Self> {
        let mut clients = Vec::new();
        let poll = Poll::new()?;
        while clients.len() < connections {
            let mut batch = Vec::new();
            for _ in 0..100.min(connections - clients.len()) {
                let mut stream = TcpStream::connect(address)?;
                stream.set_nodelay(true)?;
                stream.set_read_timeout(Some(PATIENCE))?;
                stream.write_all(request.as_bytes())?;
                batch.push(stream);
            }
            for mut stream in batch {
                let mut head = Vec::new();
                let mut byte = [0; 1];
                while !head.ends_with(b"\r\n\r\n") {
                    if stream.read(&mut byte)? == 0 {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                    head.push(byte[0]);
                }
                stream.set_nonblocking(true)?;
                let mut stream = mio::net::TcpStream::from_std(stream);
                poll.registry().register(&mut stream, Token(clients.len()), Interest::READABLE)?;
                clients.push(Client { stream });
            }
        }
        Ok(Self { poll, events: Events::with_capacity(1024), clients })
    }

    /// Waits until this many ends have arrived.
    fn wait_for(&mut self, ends: usize) -> io::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        let mut left = ends;
        let mut buffer = [0; 16 * 1024];
        while left > 0 {
            if Instant::now() > deadline {
                return Err(io::Error::other(format!("{left} of {ends} have not arrived")));
            }
            self.poll.poll(&mut self.events, Some(Duration::from_secs(1)))?;
            for event in &self.events {
                let client = &mut self.clients[event.token().0];
                loop {
                    match client.stream.read(&mut buffer) {
                        Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                        Ok(count) => left -= buffer[..count].iter().filter(|byte| **byte == END).count(),
                        Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                        Err(error) => return Err(error),
                    }
                }
            }
        }
        Ok(())
    }
}

/// What the system reports about the server.
struct Process(String);

impl Process {
    fn threads(&self) -> usize {
        fs::read_dir(format!("/proc/{}/task", self.0)).map_or(0, Iterator::count)
    }

    /// Resident memory in bytes.
    fn memory(&self) -> u64 {
        let rollup = fs::read_to_string(format!("/proc/{}/smaps_rollup", self.0)).unwrap_or_default();
        let line = rollup.lines().find_map(|line| line.strip_prefix("Rss:")).unwrap_or_default();
        line.trim().trim_end_matches("kB").trim().parse().unwrap_or(0) * 1024
    }

    /// User and system time, in hundredths of a second.
    fn ticks(&self) -> u64 {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.0)).unwrap_or_default();
        let fields: Vec<&str> =
            stat.rsplit(')').next().unwrap_or_default().split_ascii_whitespace().collect();
        let field = |at: usize| fields.get(at).and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
        field(11) + field(12)
    }

    /// How often its threads went to sleep.
    fn wakes(&self) -> u64 {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.0)).into_iter().flatten().flatten();
        tasks
            .map(|task| {
                let status = fs::read_to_string(task.path().join("status")).unwrap_or_default();
                let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
                line.and_then(|text| text.trim().parse::<u64>().ok()).unwrap_or(0)
            })
            .sum()
    }
}
