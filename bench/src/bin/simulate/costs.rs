//! Costs in nanoseconds: from `measure`, or from others' measurements where this machine cannot show them.

use std::fmt::Write as _;
use std::{fs, io};

/// The batches of requests for which reads and writes are measured.
pub const BATCHES: [usize; 5] = [1, 4, 8, 16, 32];

macro_rules! costs {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        #[derive(Clone, Debug, Default)]
        pub struct Costs { $($(#[$doc])* pub $name: f64,)* pub io: [Io; 5] }

        impl Costs {
            fn fields(&mut self) -> Vec<(String, &mut f64)> {
                let mut fields = vec![$((stringify!($name).to_owned(), &mut self.$name),)*];
                for (batch, io) in BATCHES.iter().zip(&mut self.io) {
                    fields.push((format!("server_read_{batch}"), &mut io.server_read));
                    fields.push((format!("server_write_{batch}"), &mut io.server_write));
                    fields.push((format!("client_read_{batch}"), &mut io.client_read));
                    fields.push((format!("client_write_{batch}"), &mut io.client_write));
                }
                fields
            }
        }
    };
}

costs! {
    /// An `epoll_wait` that finds nothing, and what each event adds.
    poll,
    poll_event,
    /// From a write by another core until a thread that slept in `epoll_wait` runs.
    poll_wake,
    /// Waking a thread that sleeps on a futex: the call, and the time until it runs on another core.
    wake_call,
    wake_latency,
    /// Locking and unlocking a mutex of the same core, with one `push_back` or `pop_front` of a `VecDeque`.
    lock,
    /// How long `std::sync::Mutex` spins before it sleeps.
    spin,
    /// A cache line from one core to another.
    transfer,
    /// The 690 bytes of a connection from one core to another, line by line.
    state,
    /// From one thread to another on the same core.
    switch,
    /// How much longer the client's pause lasts than requested, and the processor time that it costs.
    oversleep,
    pause,
    /// A read that finds nothing.
    empty_read,
    /// A query of a thread's usage (`getrusage`).
    usage,
    /// The time of a handler that computes for a microsecond of a core at its best, by which servers calibrate their rounds.
    microsecond,
    /// The server's own code for each request, and in addition for each turn, without the calls above.
    request,
    turn,
    /// The same for each batch of the client's.
    visit,
}

/// Calls on a connection's socket, with the other side on another core.
#[derive(Clone, Copy, Debug, Default)]
pub struct Io {
    pub server_read: f64,
    pub server_write: f64,
    pub client_read: f64,
    pub client_write: f64,
}

impl Costs {
    pub fn io(&self, batch: usize) -> Io {
        let index = BATCHES.iter().position(|&known| known == batch).expect("a measured batch");
        self.io[index]
    }

    pub fn to_text(&self) -> String {
        self.clone().fields().into_iter().fold(String::new(), |mut text, (name, value)| {
            let _ = writeln!(text, "{name:16} {value:9.2}");
            text
        })
    }

    pub fn load(path: &str) -> io::Result<Self> {
        let mut costs = Self::default();
        let text = fs::read_to_string(path)?;
        for (name, value) in costs.fields() {
            let found =
                text.lines().filter_map(|line| line.trim().split_once(' ')).find(|(key, _)| *key == name);
            let wrong = || io::Error::new(io::ErrorKind::InvalidData, format!("{path} does not have {name}"));
            *value = found.and_then(|(_, value)| value.trim().parse().ok()).ok_or_else(wrong)?;
        }
        Ok(costs)
    }

    /// A cache line from core to core. Cores are numbered through the complexes and the sockets.
    pub fn transfer(&self, from: usize, to: usize) -> f64 {
        if from == to {
            0.0
        } else if from / COMPLEX == to / COMPLEX {
            self.transfer
        } else if from / SOCKET == to / SOCKET {
            self.transfer.max(ACROSS_COMPLEXES)
        } else {
            self.transfer.max(ACROSS_SOCKETS)
        }
    }

    /// A connection from core to core.
    pub fn move_state(&self, from: usize, to: usize) -> f64 {
        self.state * self.transfer(from, to) / self.transfer
    }
}

/// Cores that share a third-level cache, and cores that share a socket, on AMD's Milan, like the figures below.
const COMPLEX: usize = 8;
const SOCKET: usize = 64;

/// Medians for AMD EPYC 7R13 (Milan) from github.com/nviennot/core-to-core-latency: 23 ns in a complex, 107 across, 197
/// from socket to socket.
const ACROSS_COMPLEXES: f64 = 107.0;
const ACROSS_SOCKETS: f64 = 197.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_that_were_written_are_read_back() {
        let mut costs = Costs::default();
        for (index, (_, value)) in costs.fields().into_iter().enumerate() {
            *value = index as f64 + 0.5;
        }
        let path = std::env::temp_dir().join(format!("simulate-{}", std::process::id()));
        fs::write(&path, costs.to_text()).expect("written");
        let read = Costs::load(path.to_str().expect("a path of text")).expect("read");
        fs::remove_file(&path).expect("removed");
        assert_eq!(read.to_text(), costs.to_text());
    }
}
