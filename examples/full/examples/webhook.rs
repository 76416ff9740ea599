// A receiver of webhooks as GitHub sends them: it checks the signature and hands the delivery to a worker thread.
//
// ```text
// WEBHOOK_SECRET=secret cargo run --release -p basehttp-examples-full --example webhook [PORT]
// body='{"action": "opened", "repository": {"full_name": "ann/notes"}}'
// signature=$(printf %s "$body" | openssl dgst -sha256 -hmac secret | sed 's/.* //')
// curl -i -d "$body" -H "X-Hub-Signature-256: sha256=$signature" \
//     -H 'X-GitHub-Event: issues' -H 'X-GitHub-Delivery: 1' http://127.0.0.1:8000/hooks
// ```
//
// The server remembers the ids of the last 1000 deliveries, so a delivery that is sent twice is handled once. The signature
// covers the body alone: anyone who has seen a delivery can replay it with another id. Put a proxy that serves TLS in front.

use std::collections::VecDeque;
use std::io::{self, Write as _};
use std::panic::{RefUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use basehttp::HttpError;
use basehttp::prelude::*;
use data_encoding::HEXLOWER_PERMISSIVE;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// How many deliveries can wait for the worker. With bodies of up to 60 KiB, they take at most 4 MiB.
const QUEUE: usize = 64;
/// How many ids are remembered. A sender that gets no response tries again within minutes, before a thousand other deliveries.
const KNOWN_IDS: usize = 1000;

struct Delivery {
    id: String,
    event: String,
    body: Vec<u8>,
}

/// Shared by all handlers.
struct Hooks {
    /// Keyed with the secret. Each request uses a copy.
    mac: Hmac<Sha256>,
    known: Mutex<VecDeque<String>>,
    queue: SyncSender<Delivery>,
}

impl Hooks {
    fn new(secret: &[u8], queue: SyncSender<Delivery>) -> Self {
        let mac = Hmac::new_from_slice(secret).expect("HMAC takes keys of any length");
        Self { mac, known: Mutex::default(), queue }
    }

    fn is_signed(&self, body: &[u8], signature: &str) -> bool {
        let signature = signature.strip_prefix("sha256=").unwrap_or_default();
        let Ok(signature) = HEXLOWER_PERMISSIVE.decode(signature.as_bytes()) else { return false };
        // Takes the same time wherever the first difference is. Otherwise an attacker could find the signature byte by byte.
        self.mac.clone().chain_update(body).verify_slice(&signature).is_ok()
    }
}

struct Receive {
    base: BaseHTTPRequestHandler,
    hooks: Arc<Hooks>,
}

#[http_handler]
impl Receive {
    const protocol_version: &str = "HTTP/1.1";

    // A sender waits only some seconds for the response, so the work is done after it. GitHub sends up to 25 MB, but few hooks need
    // that much. Anyone can send a body slowly, as the signature is checked at its end. This limit is below `gather_limit`, 64 KiB
    // by default, so the server reads the whole body before it calls the handler, and slow senders hold no thread.
    #[route(POST, "/hooks", limit = 60 << 10)]
    fn receive(&self, body: Vec<u8>) -> Result<(u16, &str), HttpError> {
        let field = |name| self.headers().get(name).ok_or(HttpError::new(400, format!("{name} is missing")));
        let short = |name| match field(name)? {
            value if (1..=100).contains(&value.len()) => Ok(value.to_owned()),
            _ => Err(HttpError::new(400, format!("{name} is empty or too long"))),
        };
        let signature = field("X-Hub-Signature-256")?;
        if !self.hooks.is_signed(&body, signature) {
            return Err(HttpError::new(403, "Wrong signature"));
        }
        let (id, event) = (short("X-GitHub-Delivery")?, short("X-GitHub-Event")?);
        // The lock is held to the end, so that of two simultaneous deliveries with the same id only one is accepted.
        let mut known = self.hooks.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.contains(&id) {
            return Ok((200, "Already known\n"));
        }
        match self.hooks.queue.try_send(Delivery { id: id.clone(), event, body }) {
            Ok(()) => {}
            // The id is not remembered, because the sender has to try again.
            Err(TrySendError::Full(_)) => {
                return Err(HttpError::new(503, "Too many deliveries").with_header("Retry-After", 60));
            }
            Err(TrySendError::Disconnected(_)) => return Err(HttpError::new(500, "The worker has ended")),
        }
        if known.len() == KNOWN_IDS {
            known.pop_front();
        }
        known.push_back(id);
        Ok((202, "Accepted\n"))
    }
}

#[derive(serde::Deserialize)]
struct Payload {
    action: Option<String>,
    repository: Option<Repository>,
}

#[derive(serde::Deserialize)]
struct Repository {
    full_name: String,
}

/// Handles one delivery after another, until the server has gone. A delivery that makes `work` panic does not stop the others.
fn run(deliveries: Receiver<Delivery>, work: impl Fn(Delivery) + RefUnwindSafe) {
    for delivery in deliveries {
        let id = delivery.id.clone();
        if catch_unwind(|| work(delivery)).is_err() {
            // Unlike `eprintln!`, this does not panic if standard error is closed.
            let _ = writeln!(io::stderr(), "delivery {id:?} is lost");
        }
    }
}

/// Stands for the real work.
fn work(Delivery { id, event, body }: Delivery) {
    match serde_json::from_slice(&body) {
        Ok(Payload { action, repository }) => {
            let action = action.unwrap_or_default();
            let repository = repository.map_or("no repository".to_owned(), |it| it.full_name);
            println!("{event:?} {action:?} of {repository:?}");
        }
        Err(error) => println!("{event:?} that cannot be read, in delivery {id:?}: {error}"),
    }
}

fn main() -> io::Result<()> {
    let port = std::env::args().nth(1).unwrap_or("8000".to_owned());
    let secret = std::env::var("WEBHOOK_SECRET").unwrap_or_default();
    if secret.is_empty() {
        return Err(io::Error::other("WEBHOOK_SECRET must hold the secret that the sender signs with"));
    }
    let (queue, deliveries) = sync_channel(QUEUE);
    let hooks = Arc::new(Hooks::new(secret.as_bytes(), queue));
    thread::spawn(move || run(deliveries, work));
    let factory = move |base| Receive { base, hooks: Arc::clone(&hooks) };
    let mut server = HTTPServer::bind(format!("127.0.0.1:{port}"), factory)?;
    println!("http://{}/", server.server_address());
    server.serve_forever()
}
