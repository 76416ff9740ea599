//! Queries and forms: what a browser sends for a `<form>`.
//!
//! ```text
//! cargo run --release -p basehttp-examples-full --example form [PORT]      # and open http://127.0.0.1:8000/
//! curl 'http://127.0.0.1:8000/hello?name=Ann%20Lee&age=30'
//! curl -d 'name=Ann Lee' -d 'age=30' http://127.0.0.1:8000/hello
//! ```

use std::io;

use basehttp::prelude::*;
use basehttp::{Form, Html};

struct Greeter {
    base: BaseHTTPRequestHandler,
}

#[derive(serde::Deserialize)]
struct Guest {
    name: String,
    age: Option<u8>,
}

const PAGE: &str = r#"<!DOCTYPE html>
<title>Hello</title>
<form method="post" action="/hello"><input name="name"> <input name="age" value="30"> <button>Send</button></form>
"#;

#[http_handler]
impl Greeter {
    const protocol_version: &str = "HTTP/1.1";

    #[route(GET, "/")]
    fn page(&self) -> Html<&str> {
        Html(PAGE)
    }

    // Without a name, or with an age that is not a number, the answer is 400 and gives the reason.
    #[route(GET, "/hello?{name}&{age}")]
    fn hello(&self, name: String, age: Option<u8>) -> String {
        greeting(&Guest { name, age })
    }

    // A body too long for this form is answered 413, another Content-Type 415.
    #[route(POST, "/hello", limit = 16 * 1024)]
    fn hello_by_form(&self, Form(guest): Form<Guest>) -> String {
        greeting(&guest)
    }
}

fn greeting(Guest { name, age }: &Guest) -> String {
    match age {
        Some(age) => format!("Hello, {name}!\nYou are {age}.\n"),
        None => format!("Hello, {name}!\n"),
    }
}

fn main() -> io::Result<()> {
    let port = std::env::args().nth(1).unwrap_or("8000".to_owned());
    let mut server = HTTPServer::bind(format!("127.0.0.1:{port}"), |base| Greeter { base })?;
    println!("http://{}/", server.server_address());
    server.serve_forever()
}
