// A receiver of webhooks, as GitHub sends them: signed, and handed to a thread that does the work.
//
// ```text
// WEBHOOK_SECRET=secret cargo run --release -p basehttp-examples-full --example webhook [PORT]
// body='{"action": "opened", "repository": {"full_name": "ann/notes"}}'
// signature=$(printf %s "$body" | openssl dgst -sha256 -hmac secret | sed 's/.* //')
// curl -i -d "$body" -H "X-Hub-Signature-256: sha256=$signature" \
//     -H 'X-GitHub-Event: issues' -H 'X-GitHub-Delivery: 1' http://127.0.0.1:8000/hooks
// ```
//
// The signature covers the body alone. Somebody who has seen a delivery could send it again under another id, so let a proxy
// in front of this server speak TLS.

use std::collections::VecDeque;
use std::io;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use basehttp::HttpError;
use basehttp::prelude::*;
use data_encoding::HEXLOWER_PERMISSIVE;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// Deliveries that wait for the thread: with bodies of up to 1 MiB, they take 64 MiB at most.
const QUEUE: usize = 64;
/// Ids of deliveries that are known. A sender that gets no answer tries again after minutes, not after a thousand others.
const KNOWN_IDS: usize = 1000;

struct Delivery {
    id: String,
    event: String,
    body: Vec<u8>,
}

/// What all handlers share.
struct Hooks {
    /// With the secret in it; each request takes a copy.
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
        // Takes the same time wherever the first difference is, so that nobody can find the right one byte by byte.
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

    // A sender waits for the response only for some seconds, so the work is done after it. GitHub sends up to 25 MB; few hooks need
    // that much.
    #[route(POST, "/hooks", limit = 1 << 20)]
    fn receive(&self, body: Vec<u8>) -> Result<(u16, &str), HttpError> {
        let field = |name| self.headers().get(name).ok_or(HttpError::new(400, format!("{name} is missing")));
        let signature = field("X-Hub-Signature-256")?;
        if !self.hooks.is_signed(&body, signature) {
            return Err(HttpError::new(403, "Wrong signature"));
        }
        let (id, event) = (field("X-GitHub-Delivery")?.to_owned(), field("X-GitHub-Event")?.to_owned());
        if id.len() > 100 {
            return Err(HttpError::new(400, "X-GitHub-Delivery is too long"));
        }
        // The lock is held for all of it, so that of two equal deliveries at a time one is taken.
        let mut known = self.hooks.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.contains(&id) {
            return Ok((200, "Known already\n"));
        }
        match self.hooks.queue.try_send(Delivery { id: id.clone(), event, body }) {
            Ok(()) => {}
            // The id stays unknown, because the sender has to come again.
            Err(TrySendError::Full(_)) => {
                return Err(HttpError::new(503, "Too many deliveries").with_header("Retry-After", 60));
            }
            Err(TrySendError::Disconnected(_)) => return Err(HttpError::new(500, "Nobody does the work")),
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

/// In place of the work: one delivery after the other, as long as there is a server.
fn work(deliveries: Receiver<Delivery>) {
    for Delivery { id, event, body } in deliveries {
        match serde_json::from_slice(&body) {
            Ok(Payload { action, repository }) => {
                let action = action.unwrap_or_default();
                let repository = repository.map_or("no repository".to_owned(), |it| it.full_name);
                println!("{event} {action:?} of {repository:?}");
            }
            Err(error) => println!("{event} that cannot be read, in delivery {id:?}: {error}"),
        }
    }
}

fn main() -> io::Result<()> {
    let port = std::env::args().nth(1).unwrap_or("8000".to_owned());
    let secret = std::env::var("WEBHOOK_SECRET").unwrap_or_default();
    if secret.is_empty() {
        return Err(io::Error::other("WEBHOOK_SECRET has to have the secret that the sender signs with"));
    }
    let (queue, deliveries) = sync_channel(QUEUE);
    let hooks = Arc::new(Hooks::new(secret.as_bytes(), queue));
    thread::spawn(move || work(deliveries));
    let factory = move |base| Receive { base, hooks: Arc::clone(&hooks) };
    let mut server = HTTPServer::bind(format!("127.0.0.1:{port}"), factory)?;
    println!("http://{}/", server.server_address());
    server.serve_forever()
}
