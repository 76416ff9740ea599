//! tiny_http: it reads each connection on a thread of its own; `--threads` threads answer the requests.

use std::borrow::Cow;
use std::io::{Cursor, Read};
use std::sync::Arc;
use std::thread;

use basehttp_bench::{ECHO_LIMIT, HELLO, Options, big, blocking, burn, nap};
use tiny_http::{Header, Method, Request, Response, Server};

fn main() {
    let options = Options::from_args();
    let server = Arc::new(Server::http(options.address()).expect("a free port"));
    let workers: Vec<_> = (0..options.threads.unwrap_or(4))
        .map(|_| {
            let server = server.clone();
            thread::spawn(move || server.incoming_requests().for_each(answer))
        })
        .collect();
    for worker in workers {
        worker.join().expect("no panic");
    }
}

fn answer(mut request: Request) {
    let body: Cow<'static, [u8]> = match (request.method(), request.url()) {
        (Method::Get, "/") => HELLO.as_bytes().into(),
        (Method::Get, "/big") => big().as_bytes().into(),
        (Method::Get, "/blocking") => {
            blocking();
            HELLO.as_bytes().into()
        }
        (Method::Get, "/nap") => {
            nap();
            HELLO.as_bytes().into()
        }
        (Method::Get, "/burn") => {
            burn();
            HELLO.as_bytes().into()
        }
        (Method::Post, "/echo") => {
            let mut body = Vec::new();
            if request.as_reader().take(ECHO_LIMIT as u64).read_to_end(&mut body).is_err() {
                return;
            }
            body.into()
        }
        _ => {
            let _ = request.respond(Response::empty(404));
            return;
        }
    };
    let _ = request.respond(text(body));
}

fn text(body: Cow<'static, [u8]>) -> Response<impl Read> {
    let header = Header::from_bytes("Content-Type", "text/plain").expect("a header");
    let length = body.len();
    // A threshold, since tiny_http sends bodies over 32 KiB in chunks although it knows the length.
    Response::new(200.into(), vec![header], Cursor::new(body), Some(length), None)
        .with_chunked_threshold(usize::MAX)
}
