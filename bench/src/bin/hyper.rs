//! hyper on tokio's multi-thread scheduler; handlers that wait run in `spawn_blocking`.

use std::convert::Infallible;

use basehttp_bench::{HELLO, Options, Work, big, blocking, burn, nap};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::task::{spawn, spawn_blocking};

fn main() {
    let options = Options::from_args();
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(options.threads.unwrap_or(2))
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(serve(options));
}

async fn serve(options: Options) {
    let listener = TcpListener::bind(options.address()).await.expect("a free port");
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let _ = stream.set_nodelay(true);
        spawn(
            http1::Builder::new()
                .timer(TokioTimer::new())
                .pipeline_flush(true)
                .serve_connection(TokioIo::new(stream), service_fn(answer)),
        );
    }
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let body = match (request.method(), request.uri().path()) {
        (&Method::GET, "/") => HELLO.into(),
        (&Method::GET, "/big") => big().into(),
        (&Method::GET, "/blocking") => {
            let _ = spawn_blocking(blocking).await;
            HELLO.into()
        }
        (&Method::GET, "/nap") => {
            let _ = spawn_blocking(nap).await;
            HELLO.into()
        }
        (&Method::GET, "/burn") => {
            burn();
            HELLO.into()
        }
        (&Method::POST, "/echo") => match request.into_body().collect().await {
            Ok(body) => body.to_bytes(),
            Err(_) => return Ok(empty(StatusCode::BAD_REQUEST)),
        },
        (&Method::GET, path) => {
            let Some(work) = Work::of(path, request.uri().query()) else {
                return Ok(empty(StatusCode::NOT_FOUND));
            };
            if work.is_long() {
                let _ = spawn_blocking(move || work.run()).await;
            } else {
                work.run();
            }
            HELLO.into()
        }
        _ => return Ok(empty(StatusCode::NOT_FOUND)),
    };
    let mut response = Response::new(body.into());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    Ok(response)
}

fn empty(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::default();
    *response.status_mut() = status;
    response
}
