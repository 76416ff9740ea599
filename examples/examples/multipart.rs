//! A form with files (`multipart/form-data`, RFC 7578), read as it arrives.
//!
//! ```text
//! cargo run --release --example multipart [PORT]
//! curl -F note=hello -F file=@Cargo.toml http://127.0.0.1:8000/
//! ```

use std::error::Error;
use std::io::{self, Read};

use basehttp::prelude::*;
use basehttp::{Html, HttpError};

struct Form {
    base: BaseHTTPRequestHandler,
}

/// The maximum length of a form and of a note. A longer one is answered 413.
const MOST: u64 = 8 * 1024 * 1024;
const MOST_TEXT: u64 = 64 * 1024;

#[http_handler]
impl Form {
    const protocol_version: &str = "HTTP/1.1";

    #[route(GET, "/")]
    fn page(&self) -> Html<&str> {
        Html(PAGE)
    }

    #[route(POST, "/")]
    fn receive(&self) -> Result<String, Box<dyn Error>> {
        // The returned error becomes the response: 415 if the body is not such a form, 413 if it is too long, 400 if it is
        // malformed.
        let mut form = self.multipart(MOST)?;
        let mut told = String::new();
        while let Some(mut part) = form.next_part()? {
            let name = part.name().unwrap_or_default().to_owned();
            if let Some(file) = part.file_name().map(str::to_owned) {
                // To keep the file, copy it to a file whose name you choose: the client's name may be `../../x`.
                let size = io::copy(&mut part, &mut io::sink())?;
                told += &format!("{name}: a file {file:?} of {size} bytes\n");
                continue;
            }
            let mut text = Vec::new();
            if part.take(MOST_TEXT).read_to_end(&mut text)? as u64 == MOST_TEXT {
                return Err(HttpError::new(413, "The text is too long").into());
            }
            let text = String::from_utf8(text).map_err(|_| HttpError::new(400, "The text is not UTF-8"))?;
            told += &format!("{name}: {text:?}\n");
        }
        Ok(told)
    }
}

const PAGE: &str = r#"<!DOCTYPE html>
<title>Files</title>
<form method="post" enctype="multipart/form-data">
<input name="note">
<input type="file" name="file" multiple>
<button>Send</button>
</form>
"#;

fn main() -> io::Result<()> {
    let port = std::env::args().nth(1).unwrap_or("8000".to_owned());
    let mut server = HTTPServer::bind(format!("127.0.0.1:{port}"), |base| Form { base })?;
    println!("http://{}/", server.server_address());
    server.serve_forever()
}
