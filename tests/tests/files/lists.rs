//! Listings of large folders for clients that take them slowly, or not at all.

use std::fs::{self, File};
use std::io::Read;
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use basehttp::testing::TestServer;
use basehttp::{Directory, FileHandler, HTTPServer};
use basehttp_tests::client::Client;
use basehttp_tests::log::Log;
use basehttp_tests::{PATIENCE, wait_until};
use socket2::{Domain, Socket, Type};

use crate::stage::Stage;

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

/// Makes files whose listing is larger than what the systems at both ends buffer, and returns how many.
fn fill(folder: &std::path::Path, count: usize) {
    fs::create_dir_all(folder).unwrap();
    for number in 0..count {
        File::create(folder.join(format!("{number:04} {}", "\u{e4}".repeat(90)))).unwrap();
    }
}

/// The systems at both ends buffer less than the listing of this many files.
const MANY: usize = 8000;

fn serve(files: &Directory) -> (TestServer, Log) {
    let (files, log) = (files.clone(), Log::default());
    // The clients that take nothing stay, however long a slow machine needs to read a folder.
    let builder = HTTPServer::builder().log_line(log.taker()).write_timeout(LONG).response_timeout(LONG);
    (TestServer::with(builder, move |base| FileHandler::new(base, &files)), log)
}

/// A connection whose client has very small buffers.
fn narrow(address: SocketAddr) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(ROOM).unwrap();
    socket.connect(&address.into()).unwrap();
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

const ROOM: usize = 32 * 1024;

/// Longer than a client of a crowd waits.
const LONG: Duration = Duration::from_secs(60 * PATIENCE.as_secs());

/// What is sent of a listing on a wire that takes all of it.
fn whole(stage: &Stage, fields: &[String]) -> Vec<u8> {
    stage.ask("GET", "/", fields).body
}

#[test]
fn a_list_arrives_whole_however_slowly_it_is_taken() {
    let stage = Stage::new(&[("b/file", "behind it")]);
    fill(&stage.path(""), MANY);
    let (server, _) = serve(&stage.files);
    let json = "Accept: application/json".to_owned();
    for (fields, wanted) in
        [(String::new(), whole(&stage, &[])), (format!("{json}\r\n"), whole(&stage, &[json]))]
    {
        assert!(wanted.len() > 3_000_000, "{}", wanted.len());
        let list = format!("GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n");
        let head = list.replace("GET", "HEAD");
        let file = "GET /b/file HTTP/1.1\r\nHost: a\r\n\r\n";
        // Listings before and after other responses.
        let mut client = Client::over(narrow(server.address()));
        client.send([file, &*list, &*list, file].concat());
        assert_eq!(client.response().text(), "behind it");
        for _ in 0..2 {
            let response = client.response();
            assert_eq!(response.field("content-length"), Some(&*wanted.len().to_string()));
            assert!(response.body == wanted);
        }
        assert_eq!(client.response().text(), "behind it");
        let length = client.send(head).response_to_head();
        assert_eq!(length.field("content-length"), Some(&*wanted.len().to_string()));
        // The end of the connection is the end of the response.
        let mut old = Client::over(narrow(server.address()));
        old.send(format!("GET / HTTP/1.0\r\n{fields}\r\n"));
        let mut got = Vec::new();
        let mut piece = [0; 999];
        while let count @ 1.. = old.stream().read(&mut piece).unwrap() {
            got.extend_from_slice(&piece[..count]);
        }
        assert!(got.ends_with(&wanted) && got.starts_with(b"HTTP/1.1 200 OK\r\n"));
    }
}

#[test]
fn a_list_that_is_being_sent_is_not_what_a_changed_folder_gets() {
    let stage = Stage::new(&[]);
    fill(&stage.path(""), MANY);
    let (server, _) = serve(&stage.files);
    let mut slow = Client::over(narrow(server.address()));
    slow.send(GET);
    assert_eq!(slow.stream().peek(&mut [0; 9]).unwrap(), 9);
    File::create(stage.path("another")).unwrap();
    wait_until("the new file is there", || Client::new(&server).ask(GET).text().contains("\"another\""));
    assert!(!slow.response().text().contains("\"another\""));
    fs::remove_file(stage.path("another")).unwrap();
}

/// Different listings share no copy, and are not all made at the same time.
#[test]
fn a_crowd_that_asks_for_lists_that_differ_is_served_a_few_at_a_time() {
    const CLIENTS: usize = 40;
    let stage = Stage::new(&[]);
    fill(&stage.path(""), MANY);
    let list = stage.get("/").body.len();
    // There is room for one and a half, with their names.
    let (server, _) = serve(&stage.files.clone().list_memory(list * 3));
    let crowd: Vec<_> = (0..CLIENTS)
        .map(|number| {
            thread::spawn({
                let address = server.address();
                move || {
                    let stream = narrow(address);
                    // Each waits for some of the others.
                    stream.set_read_timeout(Some(PATIENCE * 10)).unwrap();
                    let mut client = Client::over(stream);
                    client.ask(format!("GET /?after=!{number} HTTP/1.1\r\nHost: a\r\n\r\n")).status
                }
            })
        })
        .collect();
    let statuses: Vec<_> = crowd.into_iter().map(|client| client.join().unwrap()).collect();
    assert!(statuses.iter().all(|status| matches!(status, 200 | 503)), "{statuses:?}");
    assert!(statuses.contains(&200), "{statuses:?}");
    // Nothing of that remains.
    assert_eq!(Client::new(&server).ask(GET).status, 200);
}

/// The longest names have 255 bytes; longer ones do not exist.
#[test]
fn a_name_that_is_none_is_no_place_to_go_on_from() {
    let stage = Stage::new(&[("a", ""), ("b1", "")]);
    let list = |query: &str| stage.get_with(&format!("/?sort=name{query}"), "Accept: application/json").body;
    for after in ["9".repeat(60_000), "0".repeat(50_000) + "zz"] {
        assert!(list(&format!("&after={after}")) == list(""));
    }
    assert_ne!(list("&after=a"), list(""));
}

#[test]
fn where_lists_have_all_their_memory_a_client_is_told_to_come_back() {
    let stage = Stage::new(&[("small/a", "a")]);
    fill(&stage.path("large"), MANY);
    fill(&stage.path("other"), MANY);
    // One fits, but not two.
    let list = stage.get("/large/").body.len();
    let (server, log) = serve(&stage.files.clone().list_memory(list * 2));
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n");
    let mut slow = Client::over(narrow(server.address()));
    slow.send(get("/large/"));
    assert_eq!(slow.stream().peek(&mut [0; 9]).unwrap(), 9);
    let begun = Instant::now();
    for _ in 0..3 {
        let mut client = Client::new(&server);
        let response = client.ask(get("/other/"));
        assert_eq!((response.status, response.field("retry-after")), (503, Some("1")));
        client.assert_closed();
    }
    // It exists already, or it is small.
    let mut client = Client::new(&server);
    assert_eq!(client.ask(get("/large/")).body.len(), list);
    assert_eq!(client.ask(get("/small/")).status, 200);
    assert_eq!(client.ask(get("/small/a")).text(), "a");
    let told = log.count("cannot list a folder: lists of folders already use all their memory");
    // One line for ten seconds.
    let most = 1 + usize::try_from(begun.elapsed().as_secs()).unwrap() / 10;
    assert!((1..=most).contains(&told), "{:?}", log.lines());
    // A client that leaves in the middle makes room.
    drop(slow);
    wait_until("the room is there again", || Client::new(&server).ask(get("/other/")).status == 200);
}

#[cfg(target_os = "linux")]
#[test]
fn clients_that_take_nothing_of_a_list_cost_no_threads_and_one_copy() {
    use basehttp_tests::child::Launch;
    use basehttp_tests::process::{descriptors_of, memory_of, threads_of};

    /// As many as there may be threads, and some more.
    const CLIENTS: usize = 530;

    let folder = tempfile::tempdir().unwrap();
    for number in 0..10_000 {
        File::create(folder.path().join(format!("{number:05}"))).unwrap();
    }
    fs::write(folder.path().join("a"), "a file").unwrap();
    let server = Launch::of(env!("CARGO_BIN_EXE_limited"))
        .settings(&["response_timeout", "600000", "write_timeout", "600000"])
        .variable("LIMITED_FOLDER", folder.path())
        .variable("MALLOC_ARENA_MAX", "1")
        .variable("MALLOC_TRIM_THRESHOLD_", "4096")
        .variable("MALLOC_MMAP_THRESHOLD_", "4096")
        .start();
    let list = server.connect().unwrap().ask(GET).body;
    assert!(list.len() > 1_500_000, "{}", list.len());
    let before = memory_of(server.id());
    let descriptors = descriptors_of(server.id());
    let connect = || {
        let mut stream = narrow(server.address());
        std::io::Write::write_all(&mut stream, GET.as_bytes()).unwrap();
        stream
    };
    let first = connect();
    assert_eq!(first.peek(&mut [0; 9]).unwrap(), 9);
    let clients: Vec<_> = (1..CLIENTS).map(|_| connect()).collect();
    // If reading the folder takes long, some of a crowd are told to retry.
    let answered = || {
        ["200", "503"]
            .map(|code| server.log.count(&format!("\"GET / HTTP/1.1\" {code}")))
            .iter()
            .sum::<usize>()
    };
    wait_until("all are answered", || answered() == CLIENTS + 1);
    // How many threads such a burst has meanwhile depends on the machine; requests that wait in it need none.
    wait_until("no thread is needed", || threads_of(server.id()) <= 6);
    // Two copies, while one is compared with the other, and the memory of each connection.
    let most = before + 4 * list.len() as u64 / 1024 + CLIENTS as u64 * 32;
    let memory = memory_of(server.id());
    assert!(memory < most, "{memory} KiB, and {before} before");
    // Others are served.
    let mut other = server.connect().unwrap();
    assert_eq!(other.ask("GET /a HTTP/1.1\r\nHost: a\r\n\r\n").text(), "a file");
    assert!(other.ask(GET).body == list);
    // Clients that go away leave nothing behind, however often they come: a crowd that left 24 KiB each would be noticed.
    drop((first, clients, other));
    wait_until("the connections are gone", || descriptors_of(server.id()) <= descriptors);
    // Buffers that threads have lent each other remain for later use: 64 times some 50 KiB.
    let most = before + 4 * list.len() as u64 / 1024 + 64 * 64;
    wait_until("the memory is free", || memory_of(server.id()) < most);
    let first = connect();
    assert_eq!(first.peek(&mut [0; 9]).unwrap(), 9);
    let again: Vec<_> = (1..CLIENTS).map(|_| connect()).collect();
    wait_until("all are answered again", || answered() == 2 * CLIENTS + 2);
    drop((first, again));
    wait_until("the memory of the second crowd is free", || memory_of(server.id()) < most);
    server.end();
}
