//! Clients that stay, with a thread for each and no other part of a server: the cost of plain blocking code.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Condvar, Mutex};
use std::thread;

use basehttp_bench::{HELLO, Options};
use tungstenite::handshake::derive_accept_key;
use tungstenite::protocol::{Role, WebSocket, WebSocketConfig};

/// The newest event and its number.
static EVENT: Mutex<(u64, String)> = Mutex::new((0, String::new()));
static CHANGED: Condvar = Condvar::new();

fn main() -> io::Result<()> {
    let options = Options::from_args();
    let listener = TcpListener::bind(options.address())?;
    loop {
        let (stream, _) = listener.accept()?;
        let serving = move || serve(stream).unwrap_or(());
        thread::Builder::new().stack_size(128 << 10).spawn(serving)?;
    }
}

fn serve(mut stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = vec![0; 4096];
    loop {
        let mut filled = 0;
        let head = loop {
            let count = stream.read(&mut buffer[filled..])?;
            if count == 0 {
                return Ok(());
            }
            filled += count;
            if let Some(at) = memchr::memmem::find(&buffer[..filled], b"\r\n\r\n") {
                break String::from_utf8_lossy(&buffer[..at]).into_owned();
            }
        };
        match head.split(' ').nth(1) {
            Some("/events") => return events(stream),
            Some("/echo") => return echo(stream, &head),
            Some("/send") => {
                let body = head.len() + 4;
                let length: usize =
                    field(&head, "content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
                while filled < body + length {
                    filled += stream.read(&mut buffer[filled..])?;
                }
                let text = String::from_utf8_lossy(&buffer[body..filled]).into_owned();
                let mut event = EVENT.lock().expect("no thread panics");
                *event = (event.0 + 1, text);
                CHANGED.notify_all();
            }
            _ => {}
        }
        write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{HELLO}", HELLO.len())?;
    }
}

fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let fields = head.lines().filter_map(|line| line.split_once(": "));
    fields.filter(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
}

fn events(mut stream: TcpStream) -> io::Result<()> {
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")?;
    let mut seen = EVENT.lock().expect("no thread panics").0;
    loop {
        let mut event = EVENT.lock().expect("no thread panics");
        while event.0 == seen {
            event = CHANGED.wait(event).expect("no thread panics");
        }
        seen = event.0;
        let text = format!("data: {}\n\n", event.1);
        drop(event);
        stream.write_all(text.as_bytes())?;
    }
}

fn echo(mut stream: TcpStream, head: &str) -> io::Result<()> {
    let accept = derive_accept_key(field(head, "sec-websocket-key").unwrap_or_default().as_bytes());
    write!(
        stream,
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
    )?;
    let config = WebSocketConfig::default().read_buffer_size(4096).write_buffer_size(0);
    let mut socket = WebSocket::from_raw_socket(stream, Role::Server, Some(config));
    while let Ok(message) = socket.read() {
        if (message.is_text() || message.is_binary()) && socket.send(message).is_err() {
            break;
        }
    }
    Ok(())
}
