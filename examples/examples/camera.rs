//! A camera: one thread produces pictures for all viewers (`multipart/x-mixed-replace`, which browsers show as a moving
//! image).
//!
//! ```text
//! cargo run --release --example camera [PORT]      # and open http://127.0.0.1:8000/
//! ```
//!
//! All viewers share one copy of a picture. A slow viewer misses pictures and does not delay the others. Without viewers, no
//! pictures are produced.

use std::f64::consts::TAU;
use std::io;
use std::thread::{self, Thread};
use std::time::Duration;

use basehttp::prelude::*;
use basehttp::{Broadcast, Html};

struct Camera {
    base: BaseHTTPRequestHandler,
    viewers: Broadcast,
    producer: Thread,
}

const PAGE: &str = r#"<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<title>Camera</title>
<style>body { font: 16px sans-serif; text-align: center } img { image-rendering: pixelated; width: 480px }</style>
<h1>Camera</h1>
<img src="/stream" alt="A dot moving in a circle">
"#;

#[http_handler]
impl Camera {
    const protocol_version: &str = "HTTP/1.1";

    #[route(GET, "/")]
    fn page(&self) -> Html<&str> {
        Html(PAGE)
    }

    #[route(GET, "/stream")]
    fn pictures(&self) -> io::Result<()> {
        self.send_response(200);
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=picture");
        self.send_header("Cache-Control", "no-store");
        self.end_headers()?;
        let stream = self.stream()?;
        stream.send(b"--picture\r\n")?;
        self.viewers.add(stream)?;
        self.producer.unpark();
        Ok(())
    }
}

fn produce(viewers: &Broadcast) {
    for number in 0.. {
        while viewers.is_empty() {
            thread::park();
        }
        viewers.send_bytes(part(&picture(f64::from(number % 50) / 50.0)));
        thread::sleep(Duration::from_millis(40));
    }
}

/// A part of the response, followed by the boundary: a browser shows a picture only after the boundary.
fn part(picture: &[u8]) -> Vec<u8> {
    let head = format!("Content-Type: image/bmp\r\nContent-Length: {}\r\n\r\n", picture.len());
    [head.as_bytes(), picture, b"\r\n--picture\r\n"].concat()
}

const SIDE: u8 = 120;

/// A dot on a circle, at `way` from 0 to 1, as a BMP with 24 bits per pixel. A real camera would send JPEG.
fn picture(way: f64) -> Vec<u8> {
    let side = u32::from(SIDE);
    let size = side * side * 3;
    let mut bmp = b"BM".to_vec();
    // Size of the file, a zero, where the pixels begin; then the header's size, width, height.
    for word in [54 + size, 0, 54, 40, side, side] {
        bmp.extend(word.to_le_bytes());
    }
    // One plane of 24 bits.
    bmp.extend([1, 0, 24, 0]);
    // Not compressed, the number of bytes, 72 dots per inch in both directions, no palette.
    for word in [0, size, 2835, 2835, 0, 0] {
        bmp.extend(word.to_le_bytes());
    }
    let middle = f64::from(SIDE) / 2.0;
    let (x, y) = (middle + 40.0 * (way * TAU).cos(), middle + 40.0 * (way * TAU).sin());
    // Rows from the bottom up; blue, green, red. Rows need no padding: their length is a multiple of four.
    for row in 0..SIDE {
        for column in 0..SIDE {
            let distance = (f64::from(column) - x).hypot(f64::from(row) - y);
            bmp.extend(if distance < 12.0 { [40, 80, 240] } else { [row, column, 60] });
        }
    }
    bmp
}

fn main() -> io::Result<()> {
    let port = std::env::args().nth(1).unwrap_or("8000".to_owned());
    let viewers = Broadcast::new();
    let of_producer = viewers.clone();
    let producer = thread::spawn(move || produce(&of_producer)).thread().clone();
    let factory = move |base| Camera { base, viewers: viewers.clone(), producer: producer.clone() };
    let mut server = HTTPServer::bind(format!("127.0.0.1:{port}"), factory)?;
    println!("http://{}/", server.server_address());
    server.serve_forever()
}
