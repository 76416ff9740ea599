//! The reader of a WebSocket's messages.
//!
//! 1. Whole, byte by byte and in pieces, it gives the same messages and the same end.
//! 2. It agrees with a simple reader that shares nothing with it.
//! 3. The output is never longer than the input.
#![no_main]

use basehttp::__private::websocket::{MessageReader, Said};
use basehttp::websocket::Message;
use basehttp_fuzz::frames;
use basehttp_fuzz::pieces;
use libfuzzer_sys::fuzz_target;

/// The longest message, short enough for inputs to reach it.
const MOST: usize = 300;

fuzz_target!(|input: &[u8]| check(input));

fn check(input: &[u8]) {
    let whole = read(&[input]);
    assert_eq!(whole, read(&pieces::single(input)), "byte by byte");
    assert_eq!(whole, read(&pieces::cut(input)), "in pieces");
    let len = |said: &frames::Said| match said {
        frames::Said::Text(text) => text.len(),
        frames::Said::Binary(bytes) | frames::Said::Ping(bytes) => bytes.len(),
        frames::Said::Pong => 0,
        frames::Said::Close(_, reason) => reason.len(),
    };
    assert!(whole.0.iter().map(len).sum::<usize>() <= input.len());
    assert_eq!(whole, frames::read(input, MOST));
}

fn read(pieces: &[&[u8]]) -> (Vec<frames::Said>, Option<u16>) {
    let mut reader = MessageReader::new(MOST);
    let mut said = Vec::new();
    for mut piece in pieces.iter().copied() {
        loop {
            match reader.next(&mut piece) {
                Ok(Some(one)) => said.push(match one {
                    Said::Message(Message::Text(text)) => frames::Said::Text(text),
                    Said::Message(Message::Binary(bytes)) => frames::Said::Binary(bytes),
                    Said::Ping(payload) => frames::Said::Ping(payload),
                    Said::Pong => frames::Said::Pong,
                    Said::Close(code, reason) => frames::Said::Close(code, reason),
                }),
                Ok(None) => break,
                Err(violation) => return (said, Some(violation.code)),
            }
        }
        assert!(piece.is_empty(), "all input was taken");
    }
    (said, None)
}
