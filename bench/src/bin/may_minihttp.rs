//! may_minihttp, on coroutines. Code must not block the threads of their scheduler: the routes that wait use a timer of the
//! scheduler (`coroutine::sleep`), so these two are not comparable with the others.

use std::io::{self, Read};

use basehttp_bench::{BLOCKING, ECHO_LIMIT, HELLO, NAP, Options, big, burn};
use may::coroutine;
use may_minihttp::{HttpServer, HttpService, Request, Response};

#[derive(Clone)]
struct Bench;

impl HttpService for Bench {
    fn call(&mut self, request: Request, response: &mut Response) -> io::Result<()> {
        response.header("Content-Type: text/plain");
        match (request.method(), request.path()) {
            ("GET", "/") => response.body(HELLO),
            ("GET", "/big") => response.body(big()),
            ("GET", "/blocking") => {
                coroutine::sleep(BLOCKING);
                response.body(HELLO);
            }
            ("GET", "/nap") => {
                coroutine::sleep(NAP);
                response.body(HELLO);
            }
            ("GET", "/burn") => {
                burn();
                response.body(HELLO);
            }
            ("POST", "/echo") => {
                let mut body = Vec::new();
                request.body().take(ECHO_LIMIT as u64).read_to_end(&mut body)?;
                response.body_vec(body);
            }
            _ => {
                response.status_code(404, "Not Found");
            }
        }
        Ok(())
    }
}

fn main() {
    let options = Options::from_args();
    may::config().set_workers(options.threads.unwrap_or(2));
    let server = HttpServer(Bench).start(options.address()).expect("a free port");
    server.join().expect("no panic");
}
