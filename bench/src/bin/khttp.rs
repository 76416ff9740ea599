//! khttp with its epoll loop, which hands each request to a pool of `--threads` threads.

use basehttp_bench::{HELLO, Options, big, blocking, burn, nap};
use khttp::{Headers, Method, RequestContext, ResponseHandle, Server};

fn main() {
    let options = Options::from_args();
    let mut server = Server::builder(options.address()).expect("an address");
    if let Some(threads) = options.threads {
        server.thread_count(threads);
    }
    server.route(Method::Get, "/", |request, reply| text(&request, reply, HELLO.as_bytes()));
    server.route(Method::Get, "/big", |request, reply| text(&request, reply, big().as_bytes()));
    server.route(Method::Get, "/blocking", |request, reply| {
        blocking();
        text(&request, reply, HELLO.as_bytes())
    });
    server.route(Method::Get, "/nap", |request, reply| {
        nap();
        text(&request, reply, HELLO.as_bytes())
    });
    server.route(Method::Get, "/burn", |request, reply| {
        burn();
        text(&request, reply, HELLO.as_bytes())
    });
    server.route(Method::Post, "/echo", |mut request, reply| {
        let body = request.body().vec()?;
        text(&request, reply, &body)
    });
    server.build().serve_epoll().expect("a free port");
}

fn text(request: &RequestContext, reply: &mut ResponseHandle, body: &[u8]) -> std::io::Result<()> {
    let mut headers = Headers::new();
    headers.add("Content-Type", b"text/plain");
    // It closes when asked to, and does not say so by itself.
    if request.headers.is_connection_close() {
        headers.set_connection_close();
    }
    reply.ok(&headers, body)
}
