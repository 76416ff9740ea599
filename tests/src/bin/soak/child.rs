//! The server's process: a server of HTTP and one of HTTPS, alone, so that the system's information about the process
//! concerns only the servers.
//!
//! Its arguments are the folder in which it works, its grace and its patience in seconds, and what to leak. The first line of its output has
//! its two ports. Each line of the input is a question: `logged`, how many lines the handlers have logged; `alive`, how many
//! sockets, tunnels, subscribers and threads of handlers there are. SIGTERM shuts both servers down; then the last line of
//! the output says how the connections ended. If something is left in the process, it fails.

use std::io::{self, BufRead, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use std::{env, panic, process as this, thread};

use basehttp::prelude::*;
use basehttp::{
    CGIHTTPRequestHandler, CrossOriginProtection, Directory, ForwardedFields, ServerBuilder, TlsConfig,
    TrustedProxies,
};
use basehttp_tests::process;
use signal_hook::consts::SIGTERM;
use signal_hook::iterator::Signals;

use crate::certificates::Certificates;
use crate::handler::{House, Leaks, Soaked};
use crate::lasting;
use crate::probe;

pub(crate) const MAX_CONNECTIONS: usize = 400;
pub(crate) const MAX_THREADS: usize = 48;
/// Shorter than a crowd lasts, and longer than a busy machine makes a thread wait.
const QUEUE_TIMEOUT: Duration = Duration::from_secs(3);
/// The longest chunked body of a script.
pub(crate) const CHUNKED_LIMIT: u64 = 3 << 20;
/// In the environment of all scripts.
pub(crate) const MARK: &str = "SOAK_RUN";

/// Waits until the servers have left no thread, no descriptor and no process behind.
fn wait_for_nothing(descriptors: usize, house: &House) -> io::Result<()> {
    let deadline = Instant::now() + basehttp_tests::PATIENCE / 2;
    let left = || {
        let descriptors = process::descriptors().saturating_sub(descriptors);
        (process::server_threads(), descriptors, probe::children(this::id()), house.count_alive())
    };
    while left() != (0, 0, 0, 0) {
        if Instant::now() > deadline {
            let (threads, descriptors, children, alive) = left();
            return Err(io::Error::other(format!(
                "after the end {threads} threads, {descriptors} descriptors, {children} processes and {alive} sockets, \
                 tunnels and threads of handlers are left"
            )));
        }
        thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

fn settings(grace: Duration, patience: Duration) -> io::Result<ServerBuilder> {
    let proxies = TrustedProxies::new(["127.0.0.1"])?.fields(ForwardedFields::XForwarded);
    Ok(HTTPServer::builder()
        .max_connections(MAX_CONNECTIONS)
        .max_threads(MAX_THREADS)
        .queue_timeout(QUEUE_TIMEOUT)
        .shutdown_grace(grace)
        .idle_timeout(patience)
        .head_timeout(patience)
        .read_timeout(patience)
        .write_timeout(patience)
        .trusted_proxies(proxies)
        .cross_origin_protection(CrossOriginProtection::new()))
}

/// Answers questions. The process ends when nobody can ask any more.
fn answer(house: &House) {
    for line in io::stdin().lock().lines().map_while(Result::ok) {
        let number = match &*line {
            "logged" => i64::try_from(house.logged.load(Ordering::SeqCst)).unwrap_or(i64::MAX),
            "alive" => house.count_alive(),
            order => panic!("no such order: {order}"),
        };
        println!("{number}");
    }
    this::exit(1);
}

/// Serves until it is told to end.
pub(crate) fn main(arguments: &[String]) -> io::Result<()> {
    let [folder, grace, patience, lost @ ..] = arguments else {
        return Err(io::Error::other("only the soak itself can start it"));
    };
    let folder = Path::new(folder);
    let seconds = |text: &String| text.parse().map(Duration::from_secs).map_err(io::Error::other);
    let (grace, patience) = (seconds(grace)?, seconds(patience)?);
    // Panics are deliberate here, the server logs them, and the standard library's own output could block.
    panic::set_hook(Box::new(|_| {}));
    let leaks = Leaks { what: lost.to_vec(), ..Leaks::default() };
    let house = Arc::new(House::new(leaks, folder, patience)?);
    let files = Directory::open(folder.join("site"))?;
    let mut signals = Signals::new([SIGTERM])?;
    let descriptors = process::descriptors();
    let factory = || {
        let (house, files) = (house.clone(), files.clone());
        let mark = env::var_os(MARK).unwrap_or_default();
        move |base| {
            let base = CGIHTTPRequestHandler::new(base, &files);
            let base = base.timeout(patience).chunked_limit(CHUNKED_LIMIT).variable(MARK, mark.clone());
            Soaked { base, house: house.clone() }
        }
    };
    let tls = folder.join("tls");
    let tls = TlsConfig::from_files(tls.join(Certificates::CERTIFICATE), tls.join(Certificates::KEY))?;
    let secure =
        settings(grace, patience)?.tls(tls).watch_tls(Duration::from_millis(100)).handshake_timeout(patience);
    let servers =
        [settings(grace, patience)?, secure].map(|builder| builder.bind(("127.0.0.1", 0), factory()));
    let [http, https] = servers;
    let servers = [http?, https?];
    let ports = servers.each_ref().map(HTTPServer::server_port);
    house.address.get_or_init(|| ([127, 0, 0, 1], ports[0]).into());
    let handles = servers.each_ref().map(HTTPServer::handle);
    println!("{} {}", ports[0], ports[1]);
    let serving = servers.map(|mut server| thread::spawn(move || server.serve_forever()));
    let ended = Arc::new(AtomicBool::new(false));
    let reporting = {
        let (house, ended) = (house.clone(), ended.clone());
        thread::spawn(move || lasting::report(&house, &ended))
    };
    let asked = house.clone();
    thread::spawn(move || answer(&asked));
    signals.forever().next();
    for handle in &handles {
        handle.shutdown();
    }
    for serving in serving {
        serving.join().expect("no panic")?;
    }
    let reports = handles.each_ref().map(basehttp::ServerHandle::wait);
    // They have descriptors for waking the pollers.
    drop(handles);
    ended.store(true, Ordering::SeqCst);
    reporting.join().expect("no panic");
    if lost.is_empty() {
        wait_for_nothing(descriptors, &house)?;
    }
    io::stdout().write_all(format!("http {}; https {}\n", reports[0], reports[1]).as_bytes())
}
