//! actix-web; handlers that wait run in `web::block`.

use std::time::Duration;

use actix_web::web::{self, Bytes};
use actix_web::{App, Either, HttpRequest, HttpResponse, HttpServer};
use basehttp_bench::{HELLO, Options, Work, big, blocking, burn, nap};

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let options = Options::from_args();
    let app = || {
        App::new()
            .route("/", web::get().to(async || HELLO))
            .route("/big", web::get().to(async || big()))
            .route("/blocking", web::get().to(async || waits(blocking).await))
            .route("/nap", web::get().to(async || waits(nap).await))
            .route("/burn", web::get().to(burns))
            .route("/echo", web::post().to(async |body: Bytes| body))
            .default_service(web::get().to(works))
    };
    HttpServer::new(app)
        .workers(options.threads.unwrap_or(2))
        // The defaults of 5 seconds would close idle clients before they are measured.
        .keep_alive(Duration::from_secs(60))
        .client_request_timeout(Duration::from_secs(60))
        .bind(options.address())?
        .run()
        .await
}

async fn waits(work: fn()) -> &'static str {
    let _ = web::block(work).await;
    HELLO
}

async fn burns() -> &'static str {
    burn();
    HELLO
}

async fn works(request: HttpRequest) -> Either<&'static str, HttpResponse> {
    let Some(work) = Work::of(request.path(), request.uri().query()) else {
        return Either::Right(HttpResponse::NotFound().finish());
    };
    if work.is_long() {
        let _ = web::block(move || work.run()).await;
    } else {
        work.run();
    }
    Either::Left(HELLO)
}
