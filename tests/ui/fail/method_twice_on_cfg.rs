use basehttp::prelude::*;

struct Hello<T> {
    base: BaseHTTPRequestHandler,
    greeting: T,
}

#[http_handler]
impl<T> Hello<T> {
    #[cfg(all())]
    #[method("GET")]
    fn page(&self) {}

    fn do_GET(&self) {}

    #[cfg(any())]
    #[method("GET")]
    fn other_page(&self) {}

    #[cfg(not(any()))]
    fn do_POST(&self) {}

    #[cfg(any())]
    fn do_POST(&self) {}

    #[cfg(any())]
    fn do_PUT(&self) {}

    fn do_PUT(&self) {}
}

fn main() {
    let _ = HTTPServer::bind("127.0.0.1:0", |base| Hello { base, greeting: 1 });
}
