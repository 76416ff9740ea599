use std::io;

use basehttp::prelude::*;

struct Api {
    base: BaseHTTPRequestHandler,
}

#[http_handler]
impl Api {
    #[cfg(not(windows))]
    #[route(GET, "/users/{id}")]
    fn user(&self, id: u32) -> String {
        id.to_string()
    }

    #[cfg(not(target_os = "none"))]
    #[route(GET, "/users/{name}")]
    fn person(&self, name: String) -> String {
        name
    }
}

fn main() -> io::Result<()> {
    HTTPServer::bind("127.0.0.1:0", |base| Api { base })?.serve_forever()
}
