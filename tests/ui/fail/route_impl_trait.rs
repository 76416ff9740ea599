use std::io;

use basehttp::prelude::*;

struct Api {
    base: BaseHTTPRequestHandler,
}

#[http_handler]
impl Api {
    #[route(GET, "/users/{id}")]
    fn user(&self, id: impl std::str::FromStr + ToString) -> String {
        id.to_string()
    }
}

fn main() -> io::Result<()> {
    HTTPServer::bind("127.0.0.1:0", |base| Api { base })?.serve_forever()
}
