//! khttp with its epoll loop, which hands each request to a pool of `--threads` threads.

use basehttp_bench::{HELLO, Options, big, blocking, burn, nap};
use khttp::{Headers, Method, RequestContext, ResponseHandle, Server};

fn main() {
    let options = Options::from_args();
    let mut server = Server::builder(options.address()).expect("an address");
    if let Some(threads) = options.threads {
        server.thread_count(threads);
    }
    server.route(Method::Get, "/", |request, response| text(&request, response, HELLO.as_bytes()));
    server.route(Method::Get, "/big", |request, response| text(&request, response, big().as_bytes()));
    server.route(Method::Get, "/blocking", |request, response| {
        blocking();
        text(&request, response, HELLO.as_bytes())
    });
    server.route(Method::Get, "/nap", |request, response| {
        nap();
        text(&request, response, HELLO.as_bytes())
    });
    server.route(Method::Get, "/burn", |request, response| {
        burn();
        text(&request, response, HELLO.as_bytes())
    });
    server.route(Method::Post, "/echo", |mut request, response| {
        let body = request.body().vec()?;
        text(&request, response, &body)
    });
    server.build().serve_epoll().expect("a free port");
}

fn text(request: &RequestContext, response: &mut ResponseHandle, body: &[u8]) -> std::io::Result<()> {
    let mut headers = Headers::new();
    headers.add("Content-Type", b"text/plain");
    // It closes when asked to, but does not announce it by itself.
    if request.headers.is_connection_close() {
        headers.set_connection_close();
    }
    response.ok(&headers, body)
}
