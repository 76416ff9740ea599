//! Clients that stay, served by actix-web: events by tokio's broadcast, WebSockets by actix-ws.

use std::time::Duration;

use actix_web::web::{self, Bytes, Data, Payload};
use actix_web::{App, Error, HttpRequest, HttpResponse, HttpServer};
use actix_ws::Message;
use basehttp_bench::{HELLO, Options};
use tokio::sync::broadcast::Sender;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::BroadcastStream;

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let options = Options::from_args();
    let sender = Data::new(Sender::<Bytes>::new(64));
    let app = move || {
        App::new()
            .app_data(sender.clone())
            .route("/", web::get().to(async || HELLO))
            .route("/events", web::get().to(events))
            .route("/send", web::post().to(send))
            .route("/echo", web::get().to(echo))
    };
    HttpServer::new(app)
        .workers(options.threads.unwrap_or(2))
        .keep_alive(Duration::from_secs(600))
        .client_request_timeout(Duration::from_secs(60))
        .bind(options.address())?
        .run()
        .await
}

async fn events(sender: Data<Sender<Bytes>>) -> HttpResponse {
    let events = BroadcastStream::new(sender.subscribe()).filter_map(Result::ok).map(Ok::<_, Error>);
    HttpResponse::Ok().content_type("text/event-stream").streaming(events)
}

/// Encoded once for all clients.
async fn send(sender: Data<Sender<Bytes>>, text: String) -> &'static str {
    let _ = sender.send(format!("data: {text}\n\n").into());
    HELLO
}

async fn echo(request: HttpRequest, body: Payload) -> Result<HttpResponse, Error> {
    let (response, mut session, mut messages) = actix_ws::handle(&request, body)?;
    actix_web::rt::spawn(async move {
        while let Some(Ok(message)) = messages.recv().await {
            let sent = match message {
                Message::Text(text) => session.text(text).await,
                Message::Binary(bytes) => session.binary(bytes).await,
                Message::Ping(bytes) => session.pong(&bytes).await,
                _ => Ok(()),
            };
            if sent.is_err() {
                return;
            }
        }
    });
    Ok(response)
}
