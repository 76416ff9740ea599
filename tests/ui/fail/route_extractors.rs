#![allow(dead_code)]

use basehttp::prelude::*;

struct Path<T>(T);
struct Query<T>(T);
struct State<T>(T);
struct HeaderMap;
struct Params;

struct Api {
    base: BaseHTTPRequestHandler,
}

#[http_handler]
impl Api {
    #[route(GET, "/users/{id}")]
    fn user(&self, Path(id): Path<u32>) -> String {
        id.to_string()
    }

    #[route(GET, "/users/{id}/notes/{name}")]
    fn note(&self, Path((id, name)): Path<(u32, String)>, State(state): State<Vec<u8>>) -> String {
        format!("{id} {name} {}", state.len())
    }

    #[route(GET, "/files/{name}/{version}")]
    fn file(&self, path: Path<Params>) -> String {
        let _ = path;
        String::new()
    }

    #[route(GET, "/users")]
    fn users(&self, Query(q): Query<Params>, headers: HeaderMap) -> String {
        let _ = (q, headers);
        String::new()
    }

    #[route(POST, "/users")]
    fn add(&self, State(db): State<u8>, body: String) -> String {
        format!("{db} {body}")
    }
}

fn main() -> std::io::Result<()> {
    HTTPServer::bind("127.0.0.1:0", |base| Api { base })?.serve_forever()
}
