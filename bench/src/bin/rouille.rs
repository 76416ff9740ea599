//! rouille, on tiny_http with a pool of `--threads` threads.

use std::io::Read;

use basehttp_bench::{ECHO_LIMIT, HELLO, Options, big, blocking, burn, nap};
use rouille::{Request, Response, Server};

fn main() {
    let options = Options::from_args();
    let server = Server::new(options.address(), answer).expect("a free port");
    match options.threads {
        Some(threads) => server.pool_size(threads).run(),
        None => server.run(),
    }
}

fn answer(request: &Request) -> Response {
    match (request.method(), request.raw_url()) {
        ("GET", "/") => Response::text(HELLO),
        ("GET", "/big") => Response::from_data("text/plain", big()),
        ("GET", "/blocking") => {
            blocking();
            Response::text(HELLO)
        }
        ("GET", "/nap") => {
            nap();
            Response::text(HELLO)
        }
        ("GET", "/burn") => {
            burn();
            Response::text(HELLO)
        }
        ("POST", "/echo") => {
            let mut body = Vec::new();
            match request.data().map(|data| data.take(ECHO_LIMIT as u64).read_to_end(&mut body)) {
                Some(Ok(_)) => Response::from_data("text/plain", body),
                _ => Response::empty_400(),
            }
        }
        _ => Response::empty_404(),
    }
}
