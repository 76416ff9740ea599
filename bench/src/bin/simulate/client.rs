//! The client of the check: batches over many connections. It counts responses by their bytes and does not look into them.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};
use std::{fs, thread};

use crate::check::Server;
use crate::costs::Costs;
use crate::threads::processor_time;

/// The pause between two rounds through the connections. A client that slept in a poller would be woken by the server for every
/// response, and would measure that.
pub const PAUSE: Duration = Duration::from_micros(100);

/// The result of a run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Run {
    /// Requests answered per second.
    pub rate: f64,
    /// Nanoseconds of the client's own processor time for each batch, without empty reads and the pauses.
    pub visit: f64,
    /// Nanoseconds of the servers' processor time for each request.
    pub used: f64,
    /// The share of the machine's processor time that others took.
    pub disturbed: f64,
}

pub struct Client {
    connections: Vec<(TcpStream, usize)>,
    batch: usize,
    request: Vec<u8>,
    /// The length of a batch of responses.
    answer: usize,
}

impl Client {
    /// Connects to the ports in turn.
    pub fn connect(ports: &[u16], connections: usize, batch: usize, path: &str) -> io::Result<Self> {
        let one = request(path);
        let mut made = Vec::new();
        for index in 0..connections {
            let stream = TcpStream::connect(("127.0.0.1", ports[index % ports.len()]))?;
            stream.set_nodelay(true)?;
            made.push((stream, 0));
        }
        let mut answer = 0;
        for (stream, _) in &mut made {
            // Several times, so that the server knows that this handler is quick.
            for _ in 0..4 {
                stream.write_all(&one)?;
                answer = answer_length(stream)? * batch;
            }
            stream.set_nonblocking(true)?;
        }
        Ok(Self { connections: made, batch, request: one.repeat(batch), answer })
    }

    /// Runs for `time`, after a run-up of a third of it.
    pub fn run(&mut self, costs: &Costs, servers: &[Server], time: Duration) -> io::Result<Run> {
        let mut buffer = vec![0; 1 << 16];
        for (stream, left) in &mut self.connections {
            stream.write_all(&self.request)?;
            *left = self.answer;
        }
        let (mut batches, mut empty, mut pauses) = (0, 0, 0);
        let mut began = Instant::now();
        let mut before = None;
        loop {
            for (stream, left) in &mut self.connections {
                match stream.read(&mut buffer) {
                    Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                    Ok(bytes) => {
                        *left = left.checked_sub(bytes).ok_or(io::ErrorKind::InvalidData)?;
                        if *left == 0 {
                            batches += 1;
                            stream.write_all(&self.request)?;
                            *left = self.answer;
                        }
                    }
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => empty += 1,
                    Err(error) => return Err(error),
                }
            }
            match before {
                None if began.elapsed() > time / 3 => {
                    before = Some(Usage::now(servers)?);
                    (batches, empty, pauses, began) = (0, 0, 0, Instant::now());
                }
                Some(before) if began.elapsed() > time => {
                    let used = Usage::now(servers)?.since(&before);
                    let rest =
                        used.own - costs.empty_read * f64::from(empty) - costs.pause * f64::from(pauses);
                    return Ok(Run {
                        rate: f64::from(batches) * self.batch as f64 / began.elapsed().as_secs_f64(),
                        visit: rest / f64::from(batches),
                        used: used.servers / f64::from(batches) / self.batch as f64,
                        disturbed: used.others / used.all,
                    });
                }
                _ => {}
            }
            pauses += 1;
            thread::sleep(PAUSE);
        }
    }
}

/// Nanoseconds of processor time: the calling thread's, the servers', that of all others, and the total available.
#[derive(Clone, Copy)]
struct Usage {
    own: f64,
    servers: f64,
    others: f64,
    all: f64,
}

impl Usage {
    fn now(servers: &[Server]) -> io::Result<Self> {
        // Jiffies of all processors: user, nice, system, idle, iowait, irq, softirq, stolen.
        const JIFFY: f64 = 1e7;
        let text = fs::read_to_string("/proc/stat")?;
        let jiffies = text.split_whitespace().skip(1).take(8).filter_map(|count| count.parse::<f64>().ok());
        let jiffies: Vec<_> = jiffies.map(|count| count * JIFFY).collect();
        let [user, nice, system, idle, waiting, irq, softirq, stolen] = jiffies[..] else {
            return Err(io::ErrorKind::InvalidData.into());
        };
        let busy = user + nice + system + irq + softirq + stolen;
        let own = processor_time("/proc/thread-self/schedstat")?;
        let servers = servers.iter().map(Server::processor_time).sum::<io::Result<f64>>()?;
        Ok(Self { own, servers, others: busy - own - servers, all: busy + idle + waiting })
    }

    fn since(&self, before: &Self) -> Self {
        Self {
            own: self.own - before.own,
            servers: self.servers - before.servers,
            others: self.others - before.others,
            all: self.all - before.all,
        }
    }
}

pub fn request(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").into_bytes()
}

/// Reads one response; all have one length.
fn answer_length(stream: &mut TcpStream) -> io::Result<usize> {
    const BODY: &[u8] = b"Hello, World!";
    let mut answer = Vec::new();
    while !answer.ends_with(BODY) {
        let mut some = [0; 4096];
        let count = stream.read(&mut some)?;
        answer.extend_from_slice(&some[..count]);
        if count == 0 || (answer.len() > 12 && &answer[..12] != b"HTTP/1.1 200") {
            return Err(io::Error::other(String::from_utf8_lossy(&answer)));
        }
    }
    Ok(answer.len())
}
