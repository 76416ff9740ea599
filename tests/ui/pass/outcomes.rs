use std::error::Error;
use std::fmt;
use std::io;

use basehttp::prelude::*;

struct Hello {
    base: BaseHTTPRequestHandler,
}

struct Refused;

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("refused")
    }
}

#[http_handler]
impl Hello {
    fn do_GET(&self) {}

    fn do_POST(&mut self) -> () {}

    fn do_PUT(&mut self) -> io::Result<()> {
        self.end_headers()
    }

    fn do_PATCH(&mut self) -> Result<(), Box<dyn Error>> {
        Ok(self.end_headers()?)
    }

    fn do_DELETE(&mut self) -> Result<(), &'static str> {
        Err("no")
    }

    fn do_SPAM<'a>(&'a mut self) -> Result<(), Refused>
    where
        Self: 'a,
    {
        Err(Refused)
    }
}

fn is_handler<H: RequestHandler>() {}

fn main() {
    is_handler::<Hello>();
}
