//! ntex on tokio; handlers that wait run in `web::block`.

use basehttp_bench::{HELLO, Options, big, blocking, burn, nap};
use ntex::SharedCfg;
use ntex::http::HttpServiceConfig;
use ntex::time::Seconds;
use ntex::util::Bytes;
use ntex::web::{self, App, HttpServer};

#[ntex::main]
async fn main() -> std::io::Result<()> {
    let options = Options::from_args();
    let app = async || {
        App::new()
            .route("/", web::get().to(async || HELLO))
            .route("/big", web::get().to(async || big()))
            .route("/blocking", web::get().to(async || waits(blocking).await))
            .route("/nap", web::get().to(async || waits(nap).await))
            .route("/burn", web::get().to(burns))
            .route("/echo", web::post().to(async |body: Bytes| body))
    };
    // The defaults would close idle clients before they are measured.
    let http = HttpServiceConfig::new().set_keepalive(Seconds(60)).set_headers_read_rate(
        Seconds(60),
        Seconds(60),
        1,
    );
    HttpServer::new(app)
        .workers(options.threads.unwrap_or(2))
        .config(SharedCfg::new("bench").add(http))
        .bind(options.address())?
        .run()
        .await
}

async fn waits(work: fn()) -> &'static str {
    let _ = web::block(move || {
        work();
        Ok::<_, ()>(())
    })
    .await;
    HELLO
}

async fn burns() -> &'static str {
    burn();
    HELLO
}
