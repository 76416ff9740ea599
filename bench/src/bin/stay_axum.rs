//! Clients that stay, served by axum: events by tokio's broadcast, WebSockets that echo.

use std::convert::Infallible;

use axum::Router;
use axum::extract::State;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::serve::ListenerExt;
use basehttp_bench::{HELLO, Options};
use tokio::net::TcpListener;
use tokio::sync::broadcast::Sender;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::BroadcastStream;

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
        .route("/events", get(events))
        .route("/send", post(send))
        .route("/echo", get(|upgrade: WebSocketUpgrade| async { upgrade.on_upgrade(echo) }))
        .with_state(Sender::new(64));
    let listener = TcpListener::bind(options.address()).await.expect("a free port").tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, router).await.expect("it never ends");
}

async fn events(State(sender): State<Sender<String>>) -> Response {
    let events = BroadcastStream::new(sender.subscribe());
    let events = events.filter_map(Result::ok).map(|text| Ok::<_, Infallible>(Event::default().data(text)));
    Sse::new(events).keep_alive(KeepAlive::default()).into_response()
}

async fn send(State(sender): State<Sender<String>>, text: String) -> &'static str {
    let _ = sender.send(text);
    HELLO
}

async fn echo(mut socket: WebSocket) {
    while let Some(Ok(message)) = socket.recv().await {
        if matches!(message, Message::Text(_) | Message::Binary(_)) && socket.send(message).await.is_err() {
            return;
        }
    }
}
