//! The example `chat`, with guests that come, talk, leave, and sleep.

use std::net::TcpStream;
use std::time::Instant;

use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::{Error, Message, WebSocket};

use super::program::*;

struct Guest(WebSocket<TcpStream>);

impl Guest {
    /// Enters, and is asked for a name.
    fn new(program: &Program) -> Self {
        let url = format!("ws://127.0.0.1:{}/room", program.port);
        Self(tungstenite::client(url.as_str(), program.connect()).unwrap().0)
    }

    fn say(&mut self, text: &str) {
        self.0.send(Message::text(text)).unwrap();
    }

    #[track_caller]
    fn hears(&mut self, text: &str) {
        assert_eq!(self.0.read().unwrap(), Message::text(text));
    }

    /// Skips what others say.
    #[track_caller]
    fn hears_at_last(&mut self, text: &str) {
        while self.0.read().unwrap() != Message::text(text) {}
    }

    /// Reads up to the close frame.
    fn is_shown_out(&mut self) -> CloseCode {
        loop {
            match self.0.read() {
                Ok(Message::Close(Some(close))) => {
                    assert!(matches!(self.0.read(), Err(Error::ConnectionClosed)));
                    return close.code;
                }
                Ok(Message::Text(_)) => {}
                other => panic!("{other:?}"),
            }
        }
    }
}

#[test]
fn chat_takes_what_is_said_to_all() {
    let program = Program::start("chat", &["0"]);
    let get = |line: &str| program.exchange(request(line).replace("Host: a", "Host: localhost"));
    check(&get("GET /"), "HTTP/1.1 200 OK", &["new WebSocket"]);
    check(&get("GET /room"), "HTTP/1.1 426 Upgrade Required", &[]);
    check(
        &program.exchange(request("GET /room")),
        "HTTP/1.1 421 This server does not answer for that host",
        &[],
    );

    let mut anna = Guest::new(&program);
    anna.hears("1 here. What is your name?");
    anna.say("Anna");
    anna.hears("Anna comes in");
    let mut bela = Guest::new(&program);
    bela.hears("2 here. What is your name?");
    bela.say("Béla");
    for guest in [&mut anna, &mut bela] {
        guest.hears("Béla comes in");
    }
    anna.say("hello");
    bela.say("<b>hi</b>");
    // When two guests talk at the same time, everyone hears them in the same order.
    let said = [anna.0.read().unwrap(), anna.0.read().unwrap()];
    assert_eq!(said, [bela.0.read().unwrap(), bela.0.read().unwrap()]);
    let mut said = said.map(|message| message.to_string());
    said.sort();
    assert_eq!(said, ["Anna: hello", "Béla: <b>hi</b>"]);

    bela.0.close(None).unwrap();
    anna.hears("Béla has left");
    let mut silent = Guest::new(&program);
    silent.hears("2 here. What is your name?");
    // A guest without a name leaves unannounced. One whose connection is lost leaves like any other.
    drop(silent);
    let mut gone = Guest::new(&program);
    gone.say("Cleo");
    anna.hears("Cleo comes in");
    drop(gone);
    anna.hears("Cleo has left");

    let mut loud = Guest::new(&program);
    loud.say(&"x".repeat(4097));
    assert_eq!(loud.is_shown_out(), CloseCode::Size);
    let mut binary = Guest::new(&program);
    binary.0.send(Message::binary(vec![1, 2, 3])).unwrap();
    assert_eq!(binary.is_shown_out(), CloseCode::Unsupported);
    anna.say("alone again");
    anna.hears("Anna: alone again");
    program.stop();
}

#[test]
fn chat_goes_on_without_who_is_too_slow() {
    let program = Program::start("chat", &["0"]);
    let mut sleeper = Guest::new(&program);
    sleeper.say("Sleeper");
    sleeper.hears("1 here. What is your name?");
    sleeper.hears("Sleeper comes in");
    // A guest can send only so much at once, so many of them fill the buffers of the one that does not read.
    let text = "x".repeat(4000);
    for talkers in 0.. {
        assert!(talkers < 2000, "more than the sockets and the server buffer");
        let mut talker = Guest::new(&program);
        // The sleeper is here no longer.
        if talker.0.read().unwrap() == Message::text("1 here. What is your name?") {
            break;
        }
        talker.say("Talker");
        talker.hears_at_last("Talker comes in");
        for _ in 0..9 {
            talker.say(&text);
            talker.hears_at_last(&format!("Talker: {text}"));
        }
    }
    assert_eq!(sleeper.is_shown_out(), CloseCode::Again);
    let mut talker = Guest::new(&program);
    talker.say("Talker");
    talker.hears_at_last("Talker comes in");
    talker.say("good night");
    talker.hears_at_last("Talker: good night");
    program.stop();
}

#[test]
fn chat_shows_out_who_floods() {
    let program = Program::start("chat", &["0"]);
    let mut quiet = Guest::new(&program);
    quiet.hears("1 here. What is your name?");
    quiet.say("Quiet");
    quiet.hears("Quiet comes in");
    let mut loud = Guest::new(&program);
    loud.say("Loud");
    quiet.hears("Loud comes in");
    let begin = Instant::now();
    for _ in 0..1000 {
        loud.say("x");
    }
    assert_eq!(loud.is_shown_out(), CloseCode::Policy);
    let mut heard = 0;
    while quiet.0.read().unwrap() == Message::text("Loud: x") {
        heard += 1;
    }
    // The name was the first of ten. One more is allowed each half second.
    let allowed = 9 + begin.elapsed().as_millis() / 500 + 1;
    assert!((9..=allowed).contains(&heard), "{heard} heard, {allowed} allowed");
    quiet.say("peace");
    quiet.hears("Quiet: peace");
    program.stop();
}

#[test]
fn chat_takes_names_that_can_be_read() {
    let program = Program::start("chat", &["0"]);
    let mut guest = Guest::new(&program);
    guest.hears("1 here. What is your name?");
    for empty in ["", " \t ", "\u{202e}\u{7}"] {
        guest.say(empty);
        guest.hears("What is your name?");
    }
    guest.say("  \u{202e}Ann\n\u{2066}\u{9b} Lee ");
    guest.hears("Ann Lee comes in");
    let mut long = Guest::new(&program);
    long.say(&"ä".repeat(41));
    guest.hears(&format!("{} comes in", "ä".repeat(40)));
    program.stop();
}
