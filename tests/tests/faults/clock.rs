//! The wall clock jumps, as after a correction. Dates in responses follow it; deadlines do not.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use basehttp::HttpDate;
use basehttp_tests::child::Launch;

use crate::scene::{Fault, GET, Scene, WAIT, post};

pub(crate) const FAULTS: &[Fault] = &[Fault::new("clock-jumps", jumps)
    .with(&["idle_timeout", "60000", "head_timeout", "60000", "queue_timeout", "60000"])
    .started(with_a_clock_of_its_own)];

/// Debian's libfaketime, which reads the offset of its clock from a file.
fn with_a_clock_of_its_own(launch: Launch) -> Result<Launch, String> {
    let places = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib"];
    let library = places.iter().map(|place| Path::new(place).join("faketime/libfaketime.so.1"));
    let library = library.into_iter().find(|library| library.exists()).ok_or("there is no libfaketime")?;
    set_clock(0);
    Ok(launch
        .variable("LD_PRELOAD", library)
        .variable("FAKETIME_TIMESTAMP_FILE", file())
        .variable("FAKETIME_NO_CACHE", "1")
        .variable("FAKETIME_DONT_FAKE_MONOTONIC", "1")
        .variable("DONT_FAKE_MONOTONIC", "1"))
}

fn file() -> PathBuf {
    std::env::temp_dir().join(format!("basehttp-clock-{}", std::process::id()))
}

fn set_clock(seconds: i64) {
    // Atomically, since the server reads it all the time.
    let next = file().with_extension("next");
    fs::write(&next, format!("{seconds:+}\n")).expect("a file");
    fs::rename(next, file()).expect("a file");
}

const HOUR: i64 = 3600;
const YEAR: i64 = 365 * 24 * HOUR;

fn jumps(scene: &mut Scene) {
    let mut clients = scene.clients(30);
    for (number, client) in clients.iter_mut().enumerate() {
        match number % 3 {
            0 => client.send("GET / HTTP/1.1\r\nHo"),
            1 => client.send(post("/", 200_000)).send([b'x'; 1000]),
            _ => client.send(WAIT),
        };
    }
    scene.server.tell("arrived 10");
    let mut idle = scene.clients(10);
    scene.each_served(&mut idle);
    // Among them a time before 1970 and one after the year 9999, which no HTTP date can express.
    for jump in [HOUR, 2 * HOUR, -HOUR, -24 * HOUR, YEAR, -60 * YEAR, 9000 * YEAR, 0] {
        set_clock(jump);
        for client in &mut idle {
            let before = SystemTime::now();
            let response = client.ask(GET);
            assert_eq!(response.status, 200);
            let date = response.field("date").expect("a date");
            let after = SystemTime::now() + Duration::from_secs(1);
            assert!(is_between(date, before, after, jump), "{date} after a jump by {jump}");
            scene.saw(200);
        }
    }
    for (number, client) in clients.iter_mut().enumerate() {
        match number % 3 {
            0 => client.send("st: a\r\n\r\n"),
            1 => client.send(vec![b'x'; 199_000]),
            _ => client.send(""),
        };
    }
    scene.server.tell("release");
    scene.each(&mut clients, "200");
}

/// Whether a date lies between these two moments on a clock with this offset.
fn is_between(date: &str, before: SystemTime, after: SystemTime, off: i64) -> bool {
    let off_by = Duration::from_secs(off.unsigned_abs());
    let shift = |time: SystemTime| if off < 0 { time.checked_sub(off_by) } else { time.checked_add(off_by) };
    let (Some(mut moment), Some(end)) = (shift(before), shift(after)) else { return false };
    while moment <= end {
        if HttpDate::from(moment) == *date {
            return true;
        }
        moment += Duration::from_millis(200);
    }
    false
}
