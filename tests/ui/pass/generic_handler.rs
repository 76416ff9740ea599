use std::io;

use basehttp::prelude::*;

trait Store {
    fn find(&self, key: &str) -> Option<String>;
}

struct Nothing;

impl Store for Nothing {
    fn find(&self, _key: &str) -> Option<String> {
        None
    }
}

struct Api<S, T, const N: usize> {
    base: BaseHTTPRequestHandler,
    store: S,
    others: [T; N],
}

// No `S: 'static` and no `T: 'static` here.
#[http_handler(server_version = "Api/1.0")]
impl<S: Store, T, const N: usize> Api<S, T, N>
where
    T: Store,
{
    const VERSION: &'static str = "HTTP/1.1";
    const protocol_version: &str = Self::VERSION;

    fn do_GET(&mut self) -> io::Result<()> {
        match self.find() {
            Some(value) => {
                self.send_response(200);
                self.send_header("X-Value", value);
                self.end_headers()
            }
            None => self.send_error(404),
        }
    }

    fn setup(&mut self) -> io::Result<()> {
        self.store.find("").map_or(Ok(()), |_| Err(io::ErrorKind::Other.into()))
    }

    fn find(&self) -> Option<String> {
        let found = self.store.find(self.path());
        found.or_else(|| self.others.iter().find_map(|other| other.find(self.path())))
    }
}

fn is_handler<H: RequestHandler>() {}

fn main() {
    is_handler::<Api<Nothing, Nothing, 2>>();
    let _ = HTTPServer::bind("127.0.0.1:0", |base| Api { base, store: Nothing, others: [Nothing, Nothing] });
}
