//! A database that all handlers share: SQLite by the crate `rusqlite`, one connection behind a lock.
//!
//! ```text
//! cargo run --release --example database [PORT [FILE]]
//! curl -d 'buy eggs' http://127.0.0.1:8000/notes
//! curl http://127.0.0.1:8000/notes
//! ```

use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use basehttp::prelude::*;
use rusqlite::Connection;

struct Notes {
    base: BaseHTTPRequestHandler,
    database: Arc<Mutex<Connection>>,
}

#[http_handler]
impl Notes {
    const protocol_version: &str = "HTTP/1.1";

    // An error of the database is a 500, and a line in the log.
    fn do_GET(&self) -> Result<(), Box<dyn Error>> {
        if self.path() != "/notes" {
            return Ok(self.send_error(404)?);
        }
        // The lock is let go before the response is written: a client that reads slowly must not hold it.
        let notes = self.with(|database| {
            let mut query = database.prepare_cached("SELECT id, text FROM notes ORDER BY id")?;
            let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            rows.collect::<rusqlite::Result<Vec<(i64, String)>>>()
        })?;
        self.send_response(200);
        self.send_header("Content-Type", "text/plain; charset=utf-8");
        self.end_headers()?;
        for (id, text) in notes {
            writeln!(self.wfile, "{id} {text}")?;
        }
        Ok(())
    }

    fn do_POST(&self) -> Result<(), Box<dyn Error>> {
        if self.path() != "/notes" {
            return Ok(self.send_error(404)?);
        }
        let Ok(text) = String::from_utf8(self.read_body(4096)?) else {
            return Ok(self.send_error((400, "Send text"))?);
        };
        let id = self.with(|database| {
            // A parameter, and no text put together: what a client sends is never SQL.
            database.prepare_cached("INSERT INTO notes (text) VALUES (?1)")?.insert([text])
        })?;
        self.send_response(201);
        self.end_headers()?;
        Ok(writeln!(self.wfile, "{id}")?)
    }

    /// Handlers wait here for each other. SQLite writes one at a time anyway; for another database, take a pool (`r2d2`).
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
    // Another program may have the file for a moment.
    database.busy_timeout(Duration::from_secs(5))?;
    database
        .execute_batch("CREATE TABLE IF NOT EXISTS notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL)")?;
    let database = Arc::new(Mutex::new(database));
    let factory = move |base| Notes { base, database: database.clone() };
    let mut server = HTTPServer::bind(format!("127.0.0.1:{port}"), factory)?;
    println!("http://{}/", server.server_address());
    Ok(server.serve_forever()?)
}
