//! A server in its own process, for tests that must not lower their own limits, or that count a process's resources.
//! Arguments are settings in pairs, a name and a number; times are in milliseconds. Any number switches on `hooks`, and also
//! `log_requests`, without which only requests for `/logged` are logged. With `LIMITED_FOLDER` in its environment it serves
//! the files of that folder instead. The setting `addresses` is the number of its addresses, one by default. The first line
//! of the output has their ports. Each line of the input is a command, answered by `done`:
//!
//! - `nofile N` and `nproc N` set a limit,
//! - `arrived N` waits until this number of handlers of `/wait` have arrived, `release` lets those continue, and `go` lets
//!   all continue from now on, up to `shut`,
//! - `panic PLACE` makes the handler's code panic there, see `handler.rs`, and `panic nowhere` ends that,
//! - `signals` installs a handler for SIGUSR1, on any thread but this one,
//! - `terminable` makes SIGTERM shut the server down; then the report is printed,
//! - `end` shuts the server down.

#[cfg(target_os = "linux")]
mod handler;

#[cfg(target_os = "linux")]
mod linux {
    use std::fmt::Debug;
    use std::io::{self, BufRead};
    use std::mem::ManuallyDrop;
    use std::str::FromStr;
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;
    use std::thread;
    use std::time::Duration;

    use basehttp::prelude::*;
    use basehttp::{Address, Directory, FileHandler, ServerBuilder, ServerHandle};
    use basehttp_tests::gate::{Gate, gate};
    use nix::sys::resource::{Resource, getrlimit, rlim_t, setrlimit};
    use nix::sys::signal::{SigSet, Signal};
    use signal_hook::consts::{SIGTERM, SIGUSR1};
    use signal_hook::iterator::Signals;

    use super::handler::{Limited, Trap};

    fn settings(arguments: &[String], trap: &Trap) -> ServerBuilder {
        let mut builder = HTTPServer::builder();
        for pair in arguments.chunks(2) {
            let [name, value] = pair else { panic!("a name without a value: {pair:?}") };
            let value: u32 = value.parse().expect("a number");
            let time = Duration::from_millis(value.into());
            builder = match &**name {
                "max_threads" => builder.max_threads(value as usize),
                "max_connections" => builder.max_connections(value as usize),
                "gather_limit" => builder.gather_limit(value as usize),
                "queue_timeout" => builder.queue_timeout(time),
                "idle_timeout" => builder.idle_timeout(time),
                "head_timeout" => builder.head_timeout(time),
                "read_timeout" => builder.read_timeout(time),
                "body_timeout" => builder.body_timeout(time),
                "write_timeout" => builder.write_timeout(time),
                "response_timeout" => builder.response_timeout(time),
                "shutdown_grace" => builder.shutdown_grace(time),
                "hooks" => with_hooks(builder, trap),
                "addresses" => (1..value).fold(builder, |builder, _| builder.also_bind(("127.0.0.1", 0))),
                // For the handler.
                "log_requests" => builder,
                _ => panic!("no such setting: {name}"),
            };
        }
        builder
    }

    fn with_hooks(builder: ServerBuilder, trap: &Trap) -> ServerBuilder {
        let (of_verify, of_error) = (trap.clone(), trap.clone());
        builder
            .verify_request(move |_| {
                of_verify.spring("verify_request");
                true
            })
            .handle_error(move |_| of_error.spring("handle_error"))
    }

    fn count<N: FromStr<Err: Debug>>(argument: &str) -> N {
        argument.parse().expect("a number")
    }

    /// The soft limit only, so that it can be raised again.
    fn limit(resource: Resource, count: rlim_t) {
        let (_, hard) = getrlimit(resource).expect("the limit");
        setrlimit(resource, count.min(hard), hard).expect("another limit");
    }

    /// The signal handler does nothing, but blocking calls are interrupted.
    fn handle_signals() {
        signal_hook::flag::register(SIGUSR1, Arc::new(AtomicBool::new(false))).expect("a handler of signals");
        // Otherwise the system would deliver all of them to this thread.
        let mut signals = SigSet::empty();
        signals.add(Signal::SIGUSR1);
        signals.thread_block().expect("a mask");
    }

    fn end_when_told(handle: ServerHandle) {
        let mut signals = Signals::new([SIGTERM]).expect("a handler of signals");
        thread::spawn(move || {
            signals.forever().next();
            handle.shutdown();
            println!("{}", handle.wait());
            std::process::exit(0);
        });
    }

    pub(crate) fn main() -> io::Result<()> {
        let arguments: Vec<_> = std::env::args().skip(1).collect();
        let (gate, bar) = gate();
        // Waiting handlers wait for good. If the gate opened at the end of `main`, they would race with the end of the
        // process.
        let gate = ManuallyDrop::new(gate);
        let trap = Trap::default();
        Trap::keep_quiet();
        let builder = settings(&arguments, &trap);
        let logs_all = arguments.iter().any(|argument| argument == "log_requests");
        let factory = {
            let trap = trap.clone();
            move |base| Limited::new(base, &bar, &trap, logs_all)
        };
        match std::env::var_os("LIMITED_FOLDER") {
            Some(folder) => {
                let files = Directory::open(folder)?;
                serve(
                    builder.bind(("127.0.0.1", 0), move |base| FileHandler::new(base, &files))?,
                    &gate,
                    &trap,
                )
            }
            None => serve(builder.bind(("127.0.0.1", 0), factory)?, &gate, &trap),
        }
    }

    fn serve(mut server: HTTPServer, gate: &Gate, trap: &Trap) -> io::Result<()> {
        let handle = server.handle();
        let ports = server.server_addresses().iter().filter_map(Address::port);
        println!("{}", ports.map(|port| port.to_string()).collect::<Vec<_>>().join(" "));
        // If a test waits for this server in vain, the log shows what has ended it.
        let serving = thread::spawn(move || {
            server.serve_forever().inspect_err(|error| eprintln!("serve_forever: {error}"))
        });
        let mut released = 0;
        for line in io::stdin().lock().lines() {
            let line = line?;
            let (order, argument) = line.split_once(' ').unwrap_or((&line, ""));
            match order {
                "nofile" => limit(Resource::RLIMIT_NOFILE, count(argument)),
                "nproc" => limit(Resource::RLIMIT_NPROC, count(argument)),
                "arrived" => gate.wait_for(released + count::<usize>(argument)),
                "release" => {
                    let waiting = gate.came() - released;
                    gate.open(waiting);
                    released += waiting;
                }
                "go" => gate.stay_open(),
                "shut" => {
                    gate.shut();
                    released = gate.came();
                }
                "panic" => trap.set(argument),
                "signals" => handle_signals(),
                "terminable" => end_when_told(handle.clone()),
                "end" => {
                    handle.shutdown();
                    serving.join().expect("no panic")?;
                    println!("done");
                    return Ok(());
                }
                _ => panic!("no such order: {order}"),
            }
            println!("done");
        }
        Ok(())
    }
}

#[cfg(target_os = "linux")]
fn main() -> std::io::Result<()> {
    linux::main()
}

#[cfg(not(target_os = "linux"))]
fn main() {}
