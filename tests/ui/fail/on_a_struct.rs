use std::io;

use basehttp::prelude::*;

#[http_handler]
pub struct Hello {
    base: BaseHTTPRequestHandler,
}

fn main() -> io::Result<()> {
    Ok(())
}
