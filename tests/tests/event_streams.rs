//! Streams of server-sent events, and what is sent to all subscribers.

use std::io;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use basehttp::prelude::*;
use basehttp::testing::{Piece, TestServer, respond, run_timed};
use basehttp::{Broadcast, Event, EventStream, ServerBuilder, SlowClients};
use basehttp_tests::client::Client;
use basehttp_tests::log::Log;
use basehttp_tests::wait_until;

#[derive(Clone)]
struct Shelf {
    broadcast: Broadcast,
    alone: Arc<Mutex<Vec<EventStream>>>,
    gone: Arc<Mutex<u32>>,
}

struct Feed {
    base: BaseHTTPRequestHandler,
    shelf: Shelf,
}

#[http_handler]
impl Feed {
    const protocol_version: &str = "HTTP/1.1";

    fn do_GET(&self) -> io::Result<()> {
        match self.path() {
            "/events" => self.shelf.broadcast.subscribe(self.event_stream()?),
            "/watched" => {
                let (events, gone) = (self.event_stream()?, self.shelf.gone.clone());
                events.on_gone(move || *gone.lock().unwrap() += 1);
                self.shelf.broadcast.subscribe(events)
            }
            "/frames" => {
                self.send_response(200);
                self.end_headers()?;
                self.shelf.broadcast.add(self.stream()?)
            }
            "/alone" => {
                self.send_response(200);
                self.send_header("Access-Control-Allow-Origin", "*");
                let events = self.event_stream()?;
                events.send(&Event::new(events.last_event_id().unwrap_or("none")))?;
                self.shelf.alone.lock().unwrap().push(events);
                Ok(())
            }
            "/late" => {
                self.send_response(200);
                self.end_headers()?;
                self.event_stream().map(drop)
            }
            _ => {
                self.send_response(200);
                self.end_headers()?;
                self.wfile.write_all(b"hello")
            }
        }
    }
}

impl Shelf {
    fn new(broadcast: Broadcast) -> Self {
        Self { broadcast, alone: Arc::default(), gone: Arc::default() }
    }

    fn factory(&self) -> impl Fn(BaseHTTPRequestHandler) -> Feed + Send + Sync + use<> {
        let of_handlers = self.clone();
        move |base| Feed { base, shelf: of_handlers.clone() }
    }

    fn wait_for(&self, count: usize) {
        wait_until(&format!("{count} clients"), || self.broadcast.len() == count);
    }
}

fn serve(builder: ServerBuilder, broadcast: Broadcast) -> (TestServer, Shelf, Log) {
    let (shelf, log) = (Shelf::new(broadcast), Log::default());
    (TestServer::with(builder.log_line(log.taker()), shelf.factory()), shelf, log)
}

fn started() -> (TestServer, Shelf, Log) {
    serve(HTTPServer::builder(), Broadcast::new())
}

/// A message as a page receives it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Told {
    id: String,
    name: String,
    data: String,
}

/// A browser's end of an event stream, by the algorithm of WHATWG HTML, section 9.2.6.
struct Browser {
    client: Client,
    id: String,
}

impl Browser {
    /// Connects with the id of the last event seen. A response to HTTP/1.0 has no chunks in between.
    fn new(server: &TestServer, path: &str, id: &str) -> Self {
        let mut client = Client::new(server);
        let last = if id.is_empty() { String::new() } else { format!("Last-Event-ID: {id}\r\n") };
        client.send(format!("GET {path} HTTP/1.0\r\n{last}\r\n"));
        let head = client.read_up_to(b"\r\n\r\n");
        assert!(head.starts_with(b"HTTP/1.1 200 OK\r\n"));
        Self { client, id: id.to_owned() }
    }

    fn next(&mut self) -> Told {
        loop {
            let block = self.client.read_up_to(b"\n\n");
            if let [told] = &parse(&String::from_utf8(block).unwrap(), &mut self.id)[..] {
                return told.clone();
            }
        }
    }

    fn data(&mut self) -> String {
        self.next().data
    }

    fn number(&mut self) -> u32 {
        self.data().parse().unwrap()
    }

    /// Reads everything up to the end.
    fn rest(mut self) -> Vec<String> {
        let rest = String::from_utf8(self.client.rest().unwrap()).unwrap();
        parse(&rest, &mut self.id).into_iter().map(|told| told.data).collect()
    }
}

fn parse(text: &str, id: &mut String) -> Vec<Told> {
    let (mut all, mut name, mut data) = (Vec::new(), String::new(), String::new());
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    for line in text.strip_suffix('\n').unwrap_or(&text).split('\n') {
        if line.is_empty() {
            let name = std::mem::take(&mut name);
            if let Some(data) = std::mem::take(&mut data).strip_suffix('\n') {
                all.push(Told { id: id.clone(), name, data: data.to_owned() });
            }
            continue;
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut name),
            "data" => data.extend([value, "\n"]),
            "id" if !value.contains('\0') => value.clone_into(id),
            _ => {}
        }
    }
    all
}

/// Waits for the head, which is sent when the method has returned, and leaves it unread.
fn await_head(client: &Client) {
    client.stream().peek(&mut [0]).unwrap();
}

#[test]
fn messages_are_encoded_as_the_standard_has_them() {
    let table = [
        (Event::new("a"), "data: a\n\n"),
        (Event::new(""), "data: \n\n"),
        (Event::new(" a: b"), "data:  a: b\n\n"),
        (Event::new("a\nb\rc\r\nd\n"), "data: a\ndata: b\ndata: c\ndata: d\ndata: \n\n"),
        (Event::new("\r\n\r\n"), "data: \ndata: \ndata: \n\n"),
        (Event::new("a\n\rb"), "data: a\ndata: \ndata: b\n\n"),
        (Event::new("a").data("b"), "data: a\ndata: b\n\n"),
        (Event::new("a").name("n").id("7"), "id: 7\ndata: a\nevent: n\n\n"),
        (Event::default().id(""), "id: \n\n"),
        (Event::new("a").id("1").id("2"), "id: 2\ndata: a\n\n"),
        (Event::default().retry(Duration::from_millis(1500)), "retry: 1500\n\n"),
        (Event::default().comment("x\ny"), ": x\n: y\n\n"),
        (Event::default(), "\n"),
        (Event::new("\u{feff}\0é"), "data: \u{feff}\0é\n\n"),
    ];
    for (event, wanted) in table {
        assert_eq!(String::from_utf8(event.to_bytes().unwrap()).unwrap(), wanted);
    }
    let wrong = [
        Event::new("a").name("b\nc"),
        Event::new("a").name("b\rc"),
        Event::new("a").id("b\nc"),
        Event::new("a").id("b\rc"),
        Event::new("a").id("b\0c"),
        Event::new("a").id("b\u{7f}c"),
        Event::new("a").id(" b"),
        Event::new("a").id("b ").id("b"),
    ];
    let broadcast = Broadcast::new();
    for event in wrong {
        assert_eq!(event.to_bytes().unwrap_err().kind(), io::ErrorKind::InvalidInput, "{event:?}");
        assert_eq!(broadcast.send(&event).unwrap_err().kind(), io::ErrorKind::InvalidInput);
    }
}

/// Whatever a text contains, a page gets one message, with that text.
#[test]
fn no_text_makes_a_field_or_a_message_of_its_own() {
    let parts = ["\r", "\n", "\r\n", ":", " ", "data: x", "id: forged", "event: forged", "\n\n", "\0", "é"];
    for first in parts {
        for second in parts {
            for third in parts {
                let text = [first, second, third].concat();
                let event = Event::new(&text).name("n").id("1").comment(&text);
                let bytes = event.to_bytes().unwrap();
                let told = parse(&String::from_utf8(bytes).unwrap(), &mut String::new());
                let data = text.replace("\r\n", "\n").replace('\r', "\n");
                assert_eq!(told, [Told { id: "1".into(), name: "n".into(), data }], "{text:?}");
            }
        }
    }
}

#[test]
fn a_stream_alone_has_its_fields_and_goes_with_its_client() {
    let (server, shelf, log) = started();
    let mut client = Client::new(&server);
    client.send("GET /alone HTTP/1.1\r\nHost: a\r\nLast-Event-ID: \u{e9}-7\r\n\r\n");
    let head = String::from_utf8(client.read_up_to(b"\r\n\r\n")).unwrap();
    for field in [
        "Content-Type: text/event-stream",
        "Cache-Control: no-cache",
        "Access-Control-Allow-Origin: *",
        "Transfer-Encoding: chunked",
    ] {
        assert_eq!(head.matches(&format!("\r\n{field}\r\n")).count(), 1, "{head}");
    }
    client.read_up_to("data: \u{e9}-7\n\n".as_bytes());
    wait_until("the method is done with it", || !shelf.alone.lock().unwrap().is_empty());
    let events = shelf.alone.lock().unwrap().remove(0);
    events.send_within(&Event::new("x").name("y"), Duration::from_secs(60)).unwrap();
    client.read_up_to(b"14\r\ndata: x\nevent: y\n\n\r\n".get(4..).unwrap());
    events.comment("nothing").unwrap();
    client.read_up_to(b": nothing\n\n");
    assert!(!events.is_gone());
    drop(client);
    wait_until("the client is gone", || events.is_gone());
    wait_until("the response is over", || events.send(&Event::new("x")).is_err());
    assert_eq!(Client::new(&server).ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n").text(), "hello");
    assert!(!log.has("went away"), "{:?}", log.lines());
    let mut client = Client::new(&server);
    assert_eq!(client.ask("GET /late HTTP/1.1\r\nHost: a\r\n\r\n").status, 500);
}

#[test]
fn one_message_goes_to_all() {
    let (server, shelf, _log) = started();
    let mut clients: Vec<_> = (0..5).map(|_| Browser::new(&server, "/events", "")).collect();
    let mut frames = Browser::new(&server, "/frames", "");
    shelf.wait_for(6);
    assert_eq!(shelf.broadcast.send(&Event::new("a\nb").name("n")).unwrap(), 5);
    assert_eq!(shelf.broadcast.send(&Event::new("own").id("mine")).unwrap(), 5);
    assert_eq!(shelf.broadcast.send_bytes("data: raw\n\n"), 1);
    let told: Vec<_> = clients.iter_mut().map(|client| (client.next(), client.next())).collect();
    assert!(told.windows(2).all(|pair| pair[0] == pair[1]));
    let (first, second) = &told[0];
    assert_eq!((&*first.name, &*first.data, &*second.id), ("n", "a\nb", "mine"));
    assert!(first.id.ends_with("-1") && first.id.len() == 14, "{}", first.id);
    assert_eq!(frames.data(), "raw");
}

#[test]
fn messages_of_several_threads_come_in_one_order() {
    let (server, shelf, _log) = started();
    let mut clients: Vec<_> = (0..4).map(|_| Browser::new(&server, "/events", "")).collect();
    shelf.wait_for(4);
    let senders: Vec<_> = (0..3_u32)
        .map(|sender| {
            let broadcast = shelf.broadcast.clone();
            thread::spawn(move || {
                for number in 0..100 {
                    assert_eq!(broadcast.send(&Event::new((sender * 100 + number).to_string())).unwrap(), 4);
                }
            })
        })
        .collect();
    let all: Vec<Vec<_>> =
        clients.iter_mut().map(|client| (0..300).map(|_| client.number()).collect()).collect();
    for sender in senders {
        sender.join().unwrap();
    }
    assert!(all.iter().all(|one| *one == all[0]));
    let mut sorted = all[0].clone();
    sorted.sort_unstable();
    assert!(sorted.into_iter().eq(0..300));
}

/// Clients come, take some messages, and go, while another thread sends as fast as it can.
#[test]
fn who_comes_back_has_missed_nothing_and_gets_nothing_twice() {
    const LAST: u32 = 4000;
    let broadcast = Broadcast::builder().history(LAST as usize + 1, 1 << 20).build();
    let (server, shelf, _log) = serve(HTTPServer::builder(), broadcast);
    let readers: Vec<_> = (0..4)
        .map(|reader: u32| {
            let mut browser = Browser::new(&server, "/events", "");
            let address = server.address();
            thread::spawn(move || {
                let mut seen = browser.number();
                let mut connections = 1;
                while seen < LAST {
                    for _ in 0..=(seen * 7 + reader) % 90 {
                        // A client that is too slow is dropped, and reconnects like any other.
                        let Ok(block) = browser.client.try_read_up_to(b"\n\n") else { break };
                        for told in parse(&String::from_utf8(block).unwrap(), &mut browser.id) {
                            assert_eq!(told.data.parse(), Ok(seen + 1));
                            seen += 1;
                        }
                        if seen == LAST {
                            break;
                        }
                    }
                    let id = browser.id.clone();
                    browser = Browser::at(address, &id);
                    connections += 1;
                }
                connections
            })
        })
        .collect();
    shelf.wait_for(4);
    for number in 0..=LAST {
        shelf.broadcast.send(&Event::new(number.to_string())).unwrap();
    }
    for reader in readers {
        assert!(reader.join().unwrap() > 10);
    }
}

impl Browser {
    fn at(address: std::net::SocketAddr, id: &str) -> Self {
        let stream = std::net::TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(basehttp_tests::PATIENCE)).unwrap();
        let mut client = Client::over(stream);
        client.send(format!("GET /events HTTP/1.0\r\nLast-Event-ID: {id}\r\n\r\n"));
        client.read_up_to(b"\r\n\r\n");
        Self { client, id: id.to_owned() }
    }
}

#[test]
fn the_history_is_bounded_and_an_unknown_id_gets_all_of_it() {
    let (server, shelf, _log) = serve(HTTPServer::builder(), Broadcast::builder().history(3, 1000).build());
    let mut first = Browser::new(&server, "/events", "");
    shelf.wait_for(1);
    let ids: Vec<_> = (0..5)
        .map(|number| {
            shelf.broadcast.send(&Event::new(number.to_string())).unwrap();
            first.next().id
        })
        .collect();
    let ask = |id: &str, count: usize| {
        let mut browser = Browser::new(&server, "/events", id);
        (0..count).map(|_| browser.number()).collect::<Vec<_>>()
    };
    assert_eq!(ask(&ids[3], 1), [4]);
    assert_eq!(ask(&ids[1], 3), [2, 3, 4]);
    // It has missed events, and what is available begins after them.
    assert_eq!(ask(&ids[0], 3), [2, 3, 4]);
    // From an earlier run, whose numbers were the same.
    assert_eq!(ask(&format!("0123456789ab-{}", 4), 3), [2, 3, 4]);
    let (mut new, mut knows_all) =
        (Browser::new(&server, "/events", ""), Browser::new(&server, "/events", &ids[4]));
    wait_until("two of them are here", || shelf.broadcast.len() == 3);
    shelf.broadcast.send(&Event::new("5")).unwrap();
    assert_eq!((new.number(), knows_all.number()), (5, 5));
    // More than the whole history may hold: it is kept alone.
    shelf.broadcast.send(&Event::new("6".repeat(2000))).unwrap();
    assert_eq!(Browser::new(&server, "/events", &ids[4]).data().len(), 2000);
}

#[test]
fn without_a_history_there_are_no_ids() {
    let (server, shelf, _log) = serve(HTTPServer::builder(), Broadcast::builder().history(0, 0).build());
    shelf.broadcast.send(&Event::new("before")).unwrap();
    let mut browser = Browser::new(&server, "/events", "0123456789ab-0");
    shelf.wait_for(1);
    shelf.broadcast.send(&Event::new("after")).unwrap();
    assert_eq!(browser.client.read_up_to(b"\n\n"), b"data: after\n\n");
}

/// A replay may be longer than what may otherwise wait for a client.
#[test]
fn a_long_history_comes_whole() {
    let broadcast = Broadcast::builder().history(1000, 10 << 20).build();
    let (server, shelf, log) = serve(HTTPServer::builder(), broadcast);
    for number in 0..500 {
        shelf.broadcast.send(&Event::new(format!("{number} {}", "x".repeat(10_000)))).unwrap();
    }
    let mut browser = Browser::new(&server, "/events", "unknown");
    for number in 0..500 {
        assert!(browser.data().starts_with(&format!("{number} ")));
    }
    assert!(!log.has("slowly"));
}

#[test]
fn a_silent_stream_has_heartbeats() {
    let beats = |heartbeat, path: &str, seconds| {
        let shelf = Shelf::new(Broadcast::builder().heartbeat(heartbeat).build());
        let request = Piece::Bytes(format!("GET {path} HTTP/1.0\r\n\r\n").into_bytes());
        let run = run_timed(shelf.factory(), [request, Piece::Pause(Duration::from_secs(seconds))]);
        assert_eq!(shelf.broadcast.len(), 0);
        run.responses[0].text().matches(":\n\n").count()
    };
    let default = Some(Duration::from_secs(15));
    assert_eq!(beats(default, "/events", 14), 0);
    assert_eq!(beats(default, "/events", 46), 3);
    assert_eq!(beats(Some(Duration::from_secs(5)), "/events", 46), 9);
    assert_eq!(beats(None, "/events", 1000), 0);
    assert_eq!(beats(default, "/frames", 1000), 0);
    assert_eq!(beats(None, "/alone", 46), 3);
}

#[test]
fn an_event_is_a_heartbeat_too() {
    const EVERY: Duration = Duration::from_millis(200);

    let (server, shelf, _log) =
        serve(HTTPServer::builder(), Broadcast::builder().heartbeat(Some(EVERY)).build());
    let mut client = Client::new(&server);
    client.send("GET /events HTTP/1.0\r\n\r\n");
    shelf.wait_for(1);
    // A busy machine may be late with an event, and then there is a heartbeat.
    wait_until("there are events alone for three heartbeats", || {
        let begin = Instant::now();
        while begin.elapsed() < EVERY * 3 {
            shelf.broadcast.send(&Event::new("x")).unwrap();
            thread::sleep(EVERY / 20);
        }
        shelf.broadcast.send(&Event::new("end")).unwrap();
        let text = String::from_utf8(client.read_up_to(b"data: end\n\n")).unwrap();
        !text.contains(":\n\n")
    });
}

#[test]
fn a_slow_client_of_events_is_dropped_and_told_of_once() {
    let (server, shelf, log) = started();
    let mut slow = Client::new(&server);
    slow.send("GET /events HTTP/1.1\r\nHost: a\r\n\r\n");
    await_head(&slow);
    let mut quick = Browser::new(&server, "/events", "");
    shelf.wait_for(2);
    let text = "x".repeat(10_000);
    let mut count = 0_usize;
    while shelf.broadcast.send(&Event::new(&text)).unwrap() == 2 {
        quick.data();
        count += 1;
        assert!(count < 10_000, "it is bounded");
    }
    quick.data();
    for _ in 0..100 {
        assert_eq!(shelf.broadcast.send(&Event::new(&text)).unwrap(), 1);
        quick.data();
    }
    log.wait_for("too slowly, so its connection ends (write_high_water)");
    assert_eq!(log.count("too slowly"), 1, "{:?}", log.lines());
    assert!(log.has("do_GET: the client reads what is broadcast too slowly"), "{:?}", log.lines());
    // It sees that it has missed events.
    let end = slow.rest();
    assert!(end.is_err() || !end.unwrap().ends_with(b"0\r\n\r\n"));
    shelf.wait_for(1);
}

/// A handle that wants to know is notified, whatever has ended the response.
#[test]
fn the_end_of_a_client_that_is_dropped_is_told() {
    let (server, shelf, log) = started();
    let mut slow = Client::new(&server);
    slow.send("GET /watched HTTP/1.1\r\nHost: a\r\n\r\n");
    await_head(&slow);
    let text = "x".repeat(10_000);
    while shelf.broadcast.send(&Event::new(&text)).unwrap() == 1 {}
    wait_until("its call is made", || *shelf.gone.lock().unwrap() == 1);
    log.wait_for("too slowly");
    let mut other = Client::new(&server);
    other.send("GET /watched HTTP/1.1\r\nHost: a\r\n\r\n");
    await_head(&other);
    shelf.wait_for(1);
    shelf.broadcast.close();
    wait_until("its call is made too", || *shelf.gone.lock().unwrap() == 2);
}

#[test]
fn a_slow_viewer_misses_pictures_and_is_told_of_once() {
    let (server, shelf, log) = started();
    let mut slow = Client::new(&server);
    slow.send("GET /frames HTTP/1.0\r\n\r\n");
    await_head(&slow);
    shelf.wait_for(1);
    let picture: Arc<[u8]> = vec![b'p'; 50_000].into();
    let mut count = 0_usize;
    while shelf.broadcast.send_bytes(picture.clone()) == 1 {
        count += 1;
        assert!(count < 10_000, "it is bounded");
    }
    // The system may find some more room for it a little later, but not for all of them.
    let more: usize = (0..1000).map(|_| shelf.broadcast.send_bytes(picture.clone())).sum();
    assert!(more < 1000);
    count += more;
    log.wait_for("so it misses messages (write_high_water)");
    assert!(Arc::strong_count(&picture) < 5, "{}", Arc::strong_count(&picture));
    let reading = thread::spawn(move || slow.rest().unwrap());
    wait_until("there is room again", || shelf.broadcast.send_bytes("the end") == 1);
    shelf.broadcast.close();
    let body = reading.join().unwrap();
    let (_, body) = body.split_at(body.windows(4).position(|end| end == b"\r\n\r\n").unwrap() + 4);
    assert_eq!(body.len(), count * picture.len() + b"the end".len());
    assert_eq!(log.count("too slowly"), 1, "{:?}", log.lines());
    wait_until("nobody has the picture any more", || Arc::strong_count(&picture) == 1);
}

#[test]
fn a_policy_that_is_set_holds_for_all() {
    let broadcast = Broadcast::builder().slow_clients(SlowClients::Skip).build();
    let (server, shelf, log) = serve(HTTPServer::builder(), broadcast);
    let mut slow = Client::new(&server);
    slow.send("GET /events HTTP/1.0\r\n\r\n");
    await_head(&slow);
    shelf.wait_for(1);
    while shelf.broadcast.send(&Event::new("x".repeat(10_000))).unwrap() == 1 {}
    log.wait_for("so it misses messages");
    assert_eq!(shelf.broadcast.len(), 1);
    shelf.broadcast.close();
    assert!(slow.rest().unwrap().ends_with(b"\n\n"));
}

#[test]
fn a_client_that_goes_is_removed_without_a_message() {
    let (server, shelf, log) = started();
    let mut clients: Vec<_> = (0..30).map(|_| Browser::new(&server, "/watched", "")).collect();
    shelf.wait_for(30);
    clients.truncate(10);
    shelf.wait_for(10);
    wait_until("its own call is made too", || *shelf.gone.lock().unwrap() == 20);
    // A client that has shut down its writing half is a browser that has gone.
    clients[0].client.end();
    shelf.wait_for(9);
    assert!(clients.remove(0).rest().is_empty());
    // The client's end is reported before its response is over.
    wait_until("the nine are left", || shelf.broadcast.send(&Event::new("x")).unwrap() == 9);
    assert!(!log.has("went away"), "{:?}", log.lines());
}

/// It holds no lock when it calls user code: the log, and the callbacks for clients that have gone.
#[test]
fn what_is_called_back_may_use_the_broadcast() {
    struct Watching {
        base: BaseHTTPRequestHandler,
        broadcast: Broadcast,
    }

    #[http_handler(protocol_version = "HTTP/1.1")]
    impl Watching {
        fn do_GET(&self) -> io::Result<()> {
            let (events, broadcast) = (self.event_stream()?, self.broadcast.clone());
            events.on_gone(move || {
                broadcast.send(&Event::new("one has gone")).unwrap();
            });
            self.broadcast.subscribe(events)
        }
    }

    let (broadcast, log) = (Broadcast::new(), Log::default());
    let (of_log, of_handlers) = (broadcast.clone(), broadcast.clone());
    let lines = log.clone();
    let builder = HTTPServer::builder().log_line(move |line, _| {
        lines.push(line);
        of_log.send(&Event::new(line)).unwrap();
    });
    let server = TestServer::with(builder, move |base| Watching { base, broadcast: of_handlers.clone() });
    let [mut reader, going, slow] = [(); 3].map(|()| Browser::new(&server, "/", ""));
    wait_until("all are in", || broadcast.len() == 3);
    drop(going);
    reader.client.try_read_up_to(b"data: one has gone\n\n").unwrap();
    let reading = thread::spawn(move || reader.client.rest());
    while !log.has("too slowly") {
        broadcast.send(&Event::new("x".repeat(10_000))).unwrap();
    }
    broadcast.close();
    // It may have been too slow as well.
    let _ = reading.join().unwrap();
    drop(slow);
    wait_until("all have gone", || broadcast.is_empty());
}

#[test]
fn there_are_no_more_clients_than_there_may_be() {
    let (server, shelf, log) = serve(HTTPServer::builder(), Broadcast::builder().max_clients(1).build());
    let first = Browser::new(&server, "/events", "");
    shelf.wait_for(1);
    assert!(shelf.broadcast.is_full());
    let mut second = Client::new(&server);
    second.send("GET /events HTTP/1.1\r\nHost: a\r\n\r\n");
    let end = second.rest();
    assert!(end.is_err() || !end.unwrap().ends_with(b"0\r\n\r\n"));
    log.wait_for("do_GET: the broadcast already has 1 clients");
    assert!(log.has("raise max_clients"));
    drop(first);
    wait_until("there is room again", || !shelf.broadcast.is_full());
    let mut third = Browser::new(&server, "/events", "");
    wait_until("it is in", || shelf.broadcast.send(&Event::new("x")).unwrap() == 1);
    assert_eq!(third.data(), "x");
}

#[test]
fn at_the_end_of_the_server_streams_end_at_once() {
    let (server, shelf, log) = started();
    let clients: Vec<_> = (0..20).map(|_| Browser::new(&server, "/events", "")).collect();
    let mut chunked = Client::new(&server);
    chunked.send("GET /events HTTP/1.1\r\nHost: a\r\n\r\n");
    await_head(&chunked);
    let frames = Browser::new(&server, "/frames", "");
    shelf.wait_for(22);
    shelf.broadcast.send(&Event::new("last")).unwrap();
    server.handle().shutdown_within(Duration::from_secs(3600));
    for client in clients {
        assert_eq!(client.rest(), ["last"]);
    }
    assert!(chunked.response().text().ends_with("data: last\n\n"));
    assert!(frames.rest().is_empty());
    let report = server.handle().wait();
    // A keep-alive connection may have been idle again by then.
    assert_eq!((report.cut, report.finished + report.closed_idle), (0, 22), "{report:?}");
    assert_eq!(shelf.broadcast.len(), 0);
    assert_eq!(shelf.broadcast.send(&Event::new("nobody")).unwrap(), 0);
    assert_eq!(log.lines().len(), 22, "{:?}", log.lines());
}

#[test]
fn close_ends_all_and_those_that_still_come() {
    let (server, shelf, _log) = started();
    let mut client = Client::new(&server);
    client.send("GET /events HTTP/1.1\r\nHost: a\r\n\r\n");
    await_head(&client);
    let other = Browser::new(&server, "/frames", "");
    shelf.wait_for(2);
    shelf.broadcast.send(&Event::new("one").id("1")).unwrap();
    shelf.broadcast.clone().close();
    assert!(shelf.broadcast.is_closed());
    assert_eq!(client.response().text(), "id: 1\ndata: one\n\n");
    assert!(other.rest().is_empty());
    shelf.wait_for(0);
    // The connection continues, and so does the server.
    assert_eq!(client.ask("GET /events HTTP/1.1\r\nHost: a\r\n\r\n").text(), "");
    assert_eq!(client.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n").text(), "hello");
    assert_eq!(shelf.broadcast.send(&Event::new("two")).unwrap(), 0);
    shelf.wait_for(0);
}

#[test]
fn the_last_clone_that_goes_ends_all() {
    struct Borrowing {
        base: BaseHTTPRequestHandler,
        broadcast: Arc<Mutex<Option<Broadcast>>>,
    }

    #[http_handler]
    impl Borrowing {
        const protocol_version: &str = "HTTP/1.1";

        fn do_GET(&self) -> io::Result<()> {
            let events = self.event_stream()?;
            self.broadcast.lock().unwrap().as_ref().map_or(Ok(()), |broadcast| broadcast.subscribe(events))
        }
    }

    let broadcast = Arc::new(Mutex::new(Some(Broadcast::new())));
    let of_handlers = broadcast.clone();
    let server = TestServer::new(move |base| Borrowing { base, broadcast: of_handlers.clone() });
    let mut clients: Vec<_> = (0..3).map(|_| Client::new(&server)).collect();
    for client in &mut clients {
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    }
    wait_until("all are in", || broadcast.lock().unwrap().as_ref().is_some_and(|all| all.len() == 3));
    let last = broadcast.lock().unwrap().take().unwrap();
    last.send(&Event::new("bye").id("1")).unwrap();
    drop(last);
    for client in &mut clients {
        assert_eq!(client.response().text(), "id: 1\ndata: bye\n\n");
    }
}

#[test]
fn head_has_a_head() {
    let (server, shelf, log) = started();
    let mut client = Client::new(&server);
    let head = client.send("HEAD /events HTTP/1.1\r\nHost: a\r\nLast-Event-ID: x\r\n\r\n").response_to_head();
    assert_eq!((head.status, head.field("content-type")), (200, Some("text/event-stream")));
    shelf.wait_for(0);
    shelf.broadcast.send(&Event::new("one")).unwrap();
    let head = client.send("HEAD /events HTTP/1.1\r\nHost: a\r\nLast-Event-ID: x\r\n\r\n").response_to_head();
    assert_eq!(head.status, 200);
    assert_eq!(client.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n").text(), "hello");
    assert_eq!(log.lines().len(), 3, "{:?}", log.lines());
}

#[test]
fn without_a_socket_what_was_missed_is_there() {
    let shelf = Shelf::new(Broadcast::new());
    for number in 0..3 {
        shelf.broadcast.send(&Event::new(number.to_string()).id(number.to_string())).unwrap();
    }
    let request =
        b"GET /events HTTP/1.1\r\nHost: a\r\nLast-Event-ID: 0\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n";
    let responses = respond(shelf.factory(), request);
    assert_eq!(responses[0].text(), "id: 1\ndata: 1\n\nid: 2\ndata: 2\n\n");
}

/// There are far more of them than the server may have threads.
#[test]
fn many_subscribers_hold_no_thread() {
    let (server, shelf, _log) = serve(HTTPServer::builder().max_threads(4), Broadcast::new());
    let mut clients: Vec<_> = (0..200).map(|_| Browser::new(&server, "/events", "")).collect();
    shelf.wait_for(200);
    let mut beside = Client::new(&server);
    for number in 0..20 {
        let sender = thread::spawn({
            let broadcast = shelf.broadcast.clone();
            move || broadcast.send(&Event::new(number.to_string())).unwrap()
        });
        assert_eq!(beside.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n").text(), "hello");
        assert_eq!(sender.join().unwrap(), 200);
    }
    for client in &mut clients {
        assert!((0..20).map(|_| client.number()).eq(0..20));
    }
}
