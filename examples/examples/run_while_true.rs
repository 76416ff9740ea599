//! A server that runs until a condition is met: the example from Python's documentation. Here it waits for a code, like a
//! program that has sent its user to the browser to log in.
//!
//! ```text
//! cargo run --release --example run_while_true [PORT]
//! curl http://127.0.0.1:8000/                        # continues
//! curl 'http://127.0.0.1:8000/callback?code=1234'    # ends the program, which prints the code
//! ```

use std::io;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use basehttp::prelude::*;

struct Callback {
    base: BaseHTTPRequestHandler,
    code: Arc<OnceLock<String>>,
}

#[http_handler]
impl Callback {
    #[route(GET, "/callback?{code}")]
    fn callback(&self, code: String) -> &str {
        // A second code changes nothing.
        let _ = self.code.set(code);
        "Thank you. You can close this window.\n"
    }

    fn do_GET(&self) -> io::Result<()> {
        self.send_error((404, "Not the callback", "Continue at /callback?code=..."))
    }
}

/// `keep_running` is tested initially and after each request. If its return value is true, the server continues.
fn run_while_true(httpd: &mut HTTPServer, keep_running: impl Fn() -> bool) -> io::Result<()> {
    while keep_running() {
        httpd.handle_request()?;
    }
    Ok(())
}

fn main() -> io::Result<()> {
    let port = std::env::args().nth(1).unwrap_or("8000".to_owned());
    let code = Arc::new(OnceLock::new());
    let shared = code.clone();
    let mut httpd = HTTPServer::builder()
        .timeout(Duration::from_secs(60))
        .handle_timeout(|| eprintln!("still waiting for the code"))
        .bind(format!("127.0.0.1:{port}"), move |base| Callback { base, code: shared.clone() })?;
    println!("http://{}/", httpd.server_address());
    run_while_true(&mut httpd, || code.get().is_none())?;
    println!("the code is {:?}", code.get().map_or("", String::as_str));
    Ok(())
}
