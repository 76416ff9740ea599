//! axum on tokio's multi-thread scheduler; handlers that wait run in `spawn_blocking`.

use axum::Router;
use axum::http::{StatusCode, Uri};
use axum::routing::{get, post};
use axum::serve::ListenerExt;
use basehttp_bench::{HELLO, Options, Work, big, blocking, burn, nap};
use bytes::Bytes;
use tokio::net::TcpListener;
use tokio::task::spawn_blocking;

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
    let router = Router::new()
        .route("/", get(|| async { HELLO }))
        .route("/big", get(|| async { big() }))
        .route("/blocking", get(|| waits(blocking)))
        .route("/nap", get(|| waits(nap)))
        .route("/burn", get(burns))
        .route("/echo", post(|body: Bytes| async { body }))
        .fallback(get(works));
    let listener = TcpListener::bind(options.address()).await.expect("a free port").tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, router).await.expect("it never ends");
}

async fn waits(work: fn()) -> &'static str {
    let _ = spawn_blocking(work).await;
    HELLO
}

async fn burns() -> &'static str {
    burn();
    HELLO
}

async fn works(uri: Uri) -> Result<&'static str, StatusCode> {
    let work = Work::of(uri.path(), uri.query()).ok_or(StatusCode::NOT_FOUND)?;
    if work.is_long() {
        let _ = spawn_blocking(move || work.run()).await;
    } else {
        work.run();
    }
    Ok(HELLO)
}
