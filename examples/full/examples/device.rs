// The page of a device: a program in a single file, with its pages compiled in, live values, and a form for a setting.
//
// ```text
// cargo run --release -p basehttp-examples-full --example device [PORT]      # and open http://127.0.0.1:8000/
// curl -N http://127.0.0.1:8000/values             # the values as they change
// curl -d 'target=23' http://127.0.0.1:8000/target
// ```
//
// No other site can turn on the heating through the browser of a user who has access (CSRF): `cross_origin_protection` refuses
// a POST from a page of another site, and `allowed_hosts` refuses requests for other host names, which may resolve to this
// address (DNS rebinding). There is no password: everyone who can reach the address is trusted.

use std::error::Error;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use basehttp::prelude::*;
use basehttp::{Assets, Broadcast, CrossOriginProtection, Event, Form, HttpError, Redirect};

/// Compiled into the binary and served like files, with media types, conditional requests and compressed variants.
static PAGES: Assets = Assets::new(&[
    ("/index.html", include_bytes!("device/index.html")),
    ("/device.js", include_bytes!("device/device.js")),
    ("/device.css", include_bytes!("device/device.css")),
]);

struct Device {
    base: BaseHTTPRequestHandler,
    heating: Arc<Heating>,
}

struct Heating {
    state: Mutex<State>,
    changes: Broadcast,
}

#[derive(Clone, Copy)]
struct State {
    /// Tenths of a degree.
    measured: i32,
    /// Degrees.
    target: i32,
}

impl Heating {
    /// Changes the state and notifies all pages. The lock is held for both, so that no page gets an old state after a new one.
    fn change(&self, change: impl FnOnce(&mut State)) -> io::Result<()> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut state);
        self.changes.send(&state.event()).map(drop)
    }

    /// Simulates a sensor.
    fn run(&self) {
        loop {
            thread::sleep(Duration::from_millis(500));
            // The event has neither name nor id, so it cannot be invalid.
            let _ = self.change(|state| state.measured += (state.target * 10 - state.measured).signum() * 2);
        }
    }
}

impl State {
    fn event(self) -> Event {
        let degrees = f64::from(self.measured) / 10.0;
        Event::new(format!("{{\"measured\": {degrees:.1}, \"target\": {}}}", self.target))
    }
}

#[derive(serde::Deserialize)]
struct Change {
    target: i32,
}

#[http_handler]
impl Device {
    const protocol_version: &str = "HTTP/1.1";

    fn do_GET(&self) -> io::Result<()> {
        if PAGES.serve(self)? { Ok(()) } else { self.send_error(404) }
    }

    #[route(GET, "/values")]
    fn values(&self) -> io::Result<()> {
        let events = self.event_stream()?;
        // First the current state, then each change. The lock is held, so that no change in between is lost.
        let state = self.heating.state.lock().unwrap_or_else(PoisonError::into_inner);
        match events.send(&state.event()) {
            Ok(()) => self.heating.changes.subscribe(events),
            // The client has already gone.
            Err(_) => Ok(()),
        }
    }

    #[route(POST, "/target", limit = 100)]
    fn set_target(&self, Form(change): Form<Change>) -> Result<Redirect, Box<dyn Error>> {
        if !(5..=30).contains(&change.target) {
            return Err(HttpError::new(400, "From 5 to 30 degrees").into());
        }
        self.heating.change(|state| state.target = change.target)?;
        // A browser that runs no scripts shows the page again.
        Ok(Redirect::to("/"))
    }

    /// Pages load files from this server only, and no other site can show them in a frame to trick users into clicking on them.
    fn end_headers(&self) -> io::Result<()> {
        self.send_header("Content-Security-Policy", "default-src 'self'; frame-ancestors 'none'");
        BaseHTTPRequestHandler::end_headers(self)
    }
}

fn main() -> io::Result<()> {
    let port = std::env::args().nth(1).unwrap_or("8000".to_owned());
    let state = Mutex::new(State { measured: 178, target: 21 });
    // Each event is the whole state, so no history is needed.
    let changes = Broadcast::builder().history(0, 0).build();
    let heating = Arc::new(Heating { state, changes });
    thread::spawn({
        let heating = heating.clone();
        move || heating.run()
    });
    let factory = move |base| Device { base, heating: heating.clone() };
    let builder = HTTPServer::builder()
        .allowed_hosts(["localhost", "127.0.0.1", "heating.local"])
        .cross_origin_protection(CrossOriginProtection::new());
    let mut server = builder.bind(format!("127.0.0.1:{port}"), factory)?;
    println!("http://{}/", server.server_address());
    server.serve_forever()
}
