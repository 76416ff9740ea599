use std::io;

use basehttp::prelude::*;

struct Hello {
    base: BaseHTTPRequestHandler,
}

#[http_handler]
impl Hello {
    fn do_POST(&self) -> io::Result<()> {
        self.send_response(200);
        self.end_headers()?;
        for line in self.rfile {
            writeln!(self.wfile, "{}", line?)?;
        }
        Ok(())
    }
}

fn main() -> io::Result<()> {
    HTTPServer::bind("127.0.0.1:0", |base| Hello { base })?.serve_forever()
}
