//! A database that all handlers share: SQLite with the crate `rusqlite`, one connection behind a lock.
//!
//! ```text
//! cargo run --release -p basehttp-examples-full --example database [PORT [FILE]]
//! curl -d 'buy eggs' http://127.0.0.1:8000/notes
//! curl http://127.0.0.1:8000/notes http://127.0.0.1:8000/notes/1
//! ```

use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use basehttp::prelude::*;
use rusqlite::{Connection, OptionalExtension as _};

struct Notes {
    base: BaseHTTPRequestHandler,
    database: Arc<Mutex<Connection>>,
}

#[http_handler]
impl Notes {
    const protocol_version: &str = "HTTP/1.1";

    // A database error becomes a 500 and a log line.
    #[route(GET, "/notes")]
    fn notes(&self) -> rusqlite::Result<String> {
        self.with(|database| {
            let mut query = database.prepare_cached("SELECT id, text FROM notes ORDER BY id")?;
            let line = |id: i64, text: String| format!("{id} {text}\n");
            query.query_map([], |row| Ok(line(row.get(0)?, row.get(1)?)))?.collect()
        })
    }

    /// `None` becomes a 404.
    #[route(GET, "/notes/{id}")]
    fn note(&self, id: i64) -> rusqlite::Result<Option<String>> {
        self.with(|database| {
            let mut query = database.prepare_cached("SELECT text FROM notes WHERE id = ?1")?;
            query.query_one([id], |row| row.get(0)).optional()
        })
    }

    #[route(POST, "/notes", limit = 4096)]
    fn add_note(&self, text: String) -> rusqlite::Result<(u16, String)> {
        let id = self.with(|database| {
            // A parameter, so that client input never becomes SQL.
            database.prepare_cached("INSERT INTO notes (text) VALUES (?1)")?.insert([text])
        })?;
        Ok((201, format!("{id}\n")))
    }

    /// Handlers wait here for each other, but not for their clients: the response is written after the lock is released.
    /// SQLite writes one at a time anyway; for another database, use a pool (`r2d2`).
    fn with<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> rusqlite::Result<T> {
        work(&self.database.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let port = arguments.next().unwrap_or("8000".to_owned());
    let database = match arguments.next() {
        Some(file) => Connection::open(file)?,
        None => Connection::open_in_memory()?,
    };
    // Another program may hold a lock on the file for a moment.
    database.busy_timeout(Duration::from_secs(5))?;
    database
        .execute_batch("CREATE TABLE IF NOT EXISTS notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL)")?;
    let database = Arc::new(Mutex::new(database));
    let factory = move |base| Notes { base, database: database.clone() };
    let mut server = HTTPServer::bind(format!("127.0.0.1:{port}"), factory)?;
    println!("http://{}/", server.server_address());
    Ok(server.serve_forever()?)
}
