//! A server under limits, for tests that must not lower those of their own process. Arguments are settings in pairs, a
//! name and a number. The first line of the output is the port. Each line of the input is an order, answered by `done`:
//! `nofile N` and `nproc N` set a limit, `go` lets the handlers of `/wait` go on, `end` shuts the server down.

#[cfg(target_os = "linux")]
mod linux {
    use std::io::{self, BufRead};
    use std::thread;
    use std::time::Duration;

    use basehttp::ServerBuilder;
    use basehttp::prelude::*;
    use basehttp_tests::gate::{Bar, gate};
    use nix::sys::resource::{Resource, getrlimit, setrlimit};

    struct Limited {
        base: BaseHTTPRequestHandler,
        bar: Bar,
    }

    #[http_handler]
    impl Limited {
        const protocol_version: &str = "HTTP/1.1";

        fn do_GET(&self) -> io::Result<()> {
            if self.path().starts_with("/wait") {
                self.bar.pass()?;
            }
            self.send_response(200);
            self.end_headers()?;
            self.wfile.write_all(self.path().as_bytes())
        }

        fn log_request(&self, code: Option<HTTPStatus>, size: Option<u64>) {
            if self.path().starts_with("/logged") {
                BaseHTTPRequestHandler::log_request(self, code, size);
            }
        }
    }

    fn settings(arguments: &[String]) -> ServerBuilder {
        let mut builder = HTTPServer::builder();
        for pair in arguments.chunks(2) {
            let [name, value] = pair else { panic!("a name without a value: {pair:?}") };
            let value: u32 = value.parse().expect("a number");
            let time = Duration::from_millis(value.into());
            builder = match &**name {
                "max_threads" => builder.max_threads(value as usize),
                "queue_timeout" => builder.queue_timeout(time),
                "idle_timeout" => builder.idle_timeout(time),
                _ => panic!("no such setting: {name}"),
            };
        }
        builder
    }

    /// The soft limit only, so that it can be raised again.
    fn limit(resource: Resource, count: u64) {
        let (_, hard) = getrlimit(resource).expect("the limit");
        setrlimit(resource, count.min(hard), hard).expect("another limit");
    }

    pub(crate) fn main() -> io::Result<()> {
        let arguments: Vec<_> = std::env::args().skip(1).collect();
        let (gate, bar) = gate();
        let factory = move |base| Limited { base, bar: bar.clone() };
        let mut server = settings(&arguments).bind(("127.0.0.1", 0), factory)?;
        let handle = server.handle();
        println!("{}", server.server_port());
        let serving = thread::spawn(move || server.serve_forever());
        for line in io::stdin().lock().lines() {
            let line = line?;
            let (order, count) = line.split_once(' ').unwrap_or((&line, "0"));
            let count = count.parse().expect("a number");
            match order {
                "nofile" => limit(Resource::RLIMIT_NOFILE, count),
                "nproc" => limit(Resource::RLIMIT_NPROC, count),
                "go" => gate.stay_open(),
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
