use std::cell::RefCell;
use std::io;
use std::rc::Rc;

use basehttp::prelude::*;

struct Pages {
    first: RefCell<String>,
    second: RefCell<String>,
}

struct Hello {
    base: BaseHTTPRequestHandler,
    pages: Rc<Pages>,
}

#[http_handler]
impl Hello {
    fn do_GET(&self) -> io::Result<()> {
        self.send_response(200);
        self.end_headers()
    }
}

fn main() -> io::Result<()> {
    let pages = Rc::new(Pages { first: RefCell::default(), second: RefCell::default() });
    HTTPServer::bind("127.0.0.1:0", move |base| Hello { base, pages: pages.clone() })?.serve_forever()
}
