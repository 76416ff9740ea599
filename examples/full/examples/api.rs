// An API with routes: each function has a method and a path, and gets its arguments from the path, the query and the body.
//
//     cargo run --release -p basehttp-examples-full --example api
//     curl -H 'Content-Type: application/json' -d '{"name": "Ann"}' http://127.0.0.1:8000/users
//     curl 'http://127.0.0.1:8000/users?q=An'
//     curl http://127.0.0.1:8000/users/1

use basehttp::prelude::*;
use basehttp::{HttpError, Json};
use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};

#[derive(serde::Deserialize)]
struct NewUser {
    name: String,
}

#[derive(Clone, serde::Serialize)]
struct User {
    id: u32,
    name: String,
}

struct Api {
    base: BaseHTTPRequestHandler,
    users: Arc<Mutex<BTreeMap<u32, User>>>,
}

#[http_handler]
impl Api {
    const protocol_version: &str = "HTTP/1.1";

    /// All users, or those whose name contains `q`.
    #[route(GET, "/users?{q}&{limit}")]
    fn users(&self, q: Option<&str>, limit: Option<usize>) -> Json<Vec<User>> {
        let users = self.users.lock().unwrap();
        let found = users.values().filter(|user| q.is_none_or(|q| user.name.contains(q)));
        Json(found.take(limit.unwrap_or(100)).cloned().collect())
    }

    #[route(GET, "/users/{id}")]
    fn user(&self, id: u32) -> Result<Json<User>, HttpError> {
        let users = self.users.lock().unwrap();
        users.get(&id).cloned().map(Json).ok_or(HttpError::new(404, "No such user"))
    }

    #[route(POST, "/users")]
    fn add_user(&mut self, new: Json<NewUser>) -> Result<(u16, Json<User>), HttpError> {
        let mut users = self.users.lock().unwrap();
        let id = users.keys().next_back().map_or(1, |last| last + 1);
        let user = User { id, name: new.0.name };
        users.insert(id, user.clone());
        Ok((201, Json(user)))
    }

    #[route(GET, "/files/{path..}")]
    fn file(&self, path: &str) -> io::Result<()> {
        // Python's style inside a route: the method writes
        self.send_response(200);
        self.end_headers()?;
        writeln!(self.wfile, "{path}")
    }

    fn do_GET(&self) -> io::Result<()> {
        // requests that no route takes
        self.send_error((404, "Nothing here"))
    }
}

fn main() -> io::Result<()> {
    let users = Arc::default();
    HTTPServer::bind("127.0.0.1:8000", move |base| Api { base, users: Arc::clone(&users) })?.serve_forever()
}
