//! Requests whose end is ambiguous: lengths, transfer codings, chunks, expectations.

use crate::draft::{Draft, HIDDEN, chunks, with_body};
use basehttp_tests::dice::Dice;

pub(crate) fn lengths(dice: &mut Dice, draft: &mut Draft, first: u64) {
    let body = with_body(dice, draft, first);
    let length = body.len();
    let other = *dice.pick(&[0, 1, length / 2, length + 1, length + 40]);
    let line = match dice.between(0, 22) {
        0 => format!("Content-Length: {other}"),
        1 => format!("Content-Length: {length}\r\nContent-Length: {other}"),
        2 => format!("Content-Length: {other}\r\nContent-Length: {length}"),
        3 => format!("Content-Length: {length}\r\nContent-Length: {length}"),
        4 => format!("Content-Length: {length}, {length}"),
        5 => format!("Content-Length: {length}, {other}"),
        6 => format!("Content-Length: +{length}"),
        7 => format!("Content-Length: -{length}"),
        8 => format!("Content-Length: 000{length}"),
        9 => format!("Content-Length: 0x{length:x}"),
        10 => format!("Content-Length: {length}.0"),
        11 => format!("Content-Length: {length} {length}"),
        12 => format!("Content-Length:\t{length}\t"),
        13 => format!("Content-Length:{length}"),
        14 => format!("Content-Length: \"{length}\""),
        15 => format!("Content-Length : {length}"),
        16 => format!(" Content-Length: {length}"),
        17 => format!(
            "Content-Length: {}",
            u128::from(u64::MAX) + 1 + u128::try_from(length).expect("a small number")
        ),
        18 => "Content-Length: ".to_owned(),
        19 => format!("Content-Length:\r\n {length}"),
        20 => format!("Content-Length: {length};a"),
        21 => format!("Content-Length: {length}\r\nContent_Length: {other}"),
        _ => format!("Content-Length: {length}e0"),
    };
    draft.field(line);
    draft.body = body;
}

/// Ways to write a coding that some readers know and others do not.
const CODINGS: &[&str] = &[
    "Transfer-Encoding: chunked",
    "Transfer-Encoding: Chunked",
    "Transfer-Encoding: chunked ",
    "Transfer-Encoding:chunked",
    "Transfer-Encoding:\tchunked",
    "Transfer-Encoding: \x0bchunked",
    "Transfer-Encoding: chunked\x0b",
    "Transfer-Encoding : chunked",
    " Transfer-Encoding: chunked",
    "\tTransfer-Encoding: chunked",
    "Transfer-Encoding:\r\n chunked",
    "Transfer-Encoding\r\n : chunked",
    "Transfer-Encoding: x, chunked",
    "Transfer-Encoding: chunked, x",
    "Transfer-Encoding: chunked, identity",
    "Transfer-Encoding: identity",
    "Transfer-Encoding: identity, chunked",
    "Transfer-Encoding: gzip, chunked",
    "Transfer-Encoding: chunked, chunked",
    "Transfer-Encoding: chunked;a=b",
    "Transfer-Encoding: \"chunked\"",
    "Transfer-Encoding: 'chunked'",
    "Transfer-Encoding: ,chunked",
    "Transfer-Encoding: chunked,",
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: x",
    "Transfer-Encoding: x\r\nTransfer-Encoding: chunked",
    "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked",
    "Transfer-Encoding: ",
    "Transfer-Encoding: chunk",
    "Transfer-Encoding: xchunked",
    "Transfer-Encoding: chunked\0",
    "Transfer-Encoding: \u{ff}chunked",
    "Transfer_Encoding: chunked",
    "Transfer-Encoding\0: chunked",
    "X: y\rTransfer-Encoding: chunked",
    "X: y\nTransfer-Encoding: chunked",
    "X: y\n\rTransfer-Encoding: chunked",
    "Foo: bar\r\n\rTransfer-Encoding: chunked",
    "TRANSFER-ENCODING: CHUNKED",
    "Content-Encoding: chunked",
    "Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked",
];

pub(crate) fn codings(dice: &mut Dice, draft: &mut Draft, first: u64) {
    let body = with_body(dice, draft, first);
    draft.field(*dice.pick(CODINGS));
    draft.body = chunks(dice, &body);
}

/// A length beside chunks: the length may cover all of them, or only a part.
pub(crate) fn both(dice: &mut Dice, draft: &mut Draft, first: u64) {
    let body = with_body(dice, draft, first);
    let (length, after) = if dice.chance(50) {
        // Whoever reads chunks finds the end at once, and a request after it.
        draft.body = [b"0\r\n\r\n".as_slice(), &body].concat();
        (draft.body.len(), 0)
    } else {
        draft.body = chunks(dice, &body);
        (*dice.pick(&[0, 4, draft.body.len(), draft.body.len() + 30]), 1)
    };
    let coding = if dice.chance(35) { "Transfer-Encoding: chunked" } else { *dice.pick(CODINGS) };
    let fields = [coding.to_owned(), format!("Content-Length: {length}")];
    let is_length_first = dice.chance(50);
    draft.field(fields[usize::from(is_length_first)].clone());
    if after == 1 && dice.chance(30) {
        draft.field("X-Between: 1");
    }
    draft.field(fields[usize::from(!is_length_first)].clone());
    if dice.chance(15) {
        draft.line.truncate(draft.line.len() - 1);
        draft.line.push(b'0');
    }
}

/// A chunked body of one chunk, with this line for its size, and these bytes around its data.
fn one_chunk(draft: &mut Draft, size: &[u8], data: &[u8], after: &[u8], last: &[u8]) {
    draft.field("Transfer-Encoding: chunked");
    draft.body = [size, data, after, last].concat();
}

pub(crate) fn chunk_sizes(dice: &mut Dice, draft: &mut Draft, first: u64) {
    let data = with_body(dice, draft, first);
    let length = data.len();
    let size = match dice.between(0, 17) {
        0 => format!("0x{length:x}\r\n"),
        1 => format!("+{length:x}\r\n"),
        2 => format!("-{length:x}\r\n"),
        3 => format!(" {length:x}\r\n"),
        4 => format!("{length:x} \r\n"),
        5 => format!("{length:x}\t\r\n"),
        6 => format!("0000{length:x}\r\n"),
        7 => format!("{}{length:x}\r\n", "0".repeat(40)),
        8 => format!("1{length:016x}\r\n"),
        9 => format!("{length:x}\n"),
        10 => format!("{length:x}\r"),
        11 => format!("{length:X}\r\n"),
        12 => "\r\n".to_owned(),
        13 => format!("{length:x}g\r\n"),
        14 => format!("{length:x}_\r\n"),
        15 => format!("{length:x},{length:x}\r\n"),
        16 => format!("{length:x}\r\r\n"),
        _ => format!("{length:x}\r\n"),
    };
    let after = *dice.pick(&["\r\n", "\r\n", "\r\n", "\n", "\r", "", "XX", "\r\nX", "\n\n"]);
    let last = *dice.pick(&[
        "0\r\n\r\n",
        "0\r\n\r\n",
        "00\r\n\r\n",
        "0 \r\n\r\n",
        "0\n\n",
        "0\r\n\n",
        "0\r\r",
        "0x0\r\n\r\n",
        "-0\r\n\r\n",
        "0\r\n",
        "0\n\r\n",
    ]);
    one_chunk(draft, size.as_bytes(), &data, after.as_bytes(), last.as_bytes());
}

pub(crate) fn extensions(dice: &mut Dice, draft: &mut Draft, first: u64) {
    let data = with_body(dice, draft, first);
    let extension = *dice.pick(&[
        ";a=b",
        ";a",
        ";",
        ";;",
        "; a = b",
        ";a=\"b\"",
        ";a=\"b;c\"",
        ";a=\"b\r\nc\"",
        ";a=\"\\\"\"",
        ";a\nb",
        ";a\rb",
        ";\n",
        ";\0",
        ";\u{ff}",
        ";a=b\r",
        " ;a=b",
        "\t;a",
        ";a=\"",
        ";0\r\n\r\n",
        ";5\r\n",
    ]);
    let size = format!("{:x}{extension}\r\n", data.len());
    let last = *dice.pick(&["0\r\n\r\n", "0;a=b\r\n\r\n", "0;\n\r\n", "0;a\rb\r\n\r\n"]);
    if dice.chance(5) {
        let long = format!("{:x};{}\r\n", data.len(), "a".repeat(20_000));
        return one_chunk(draft, long.as_bytes(), &data, b"\r\n", last.as_bytes());
    }
    one_chunk(draft, size.as_bytes(), &data, b"\r\n", last.as_bytes());
}

pub(crate) fn trailers(dice: &mut Dice, draft: &mut Draft, first: u64) {
    let data = with_body(dice, draft, first);
    let number = first + HIDDEN + 4;
    let trailer = match dice.between(0, 14) {
        0 => "X-Sum: 1\r\n\r\n".to_owned(),
        1 => "Content-Length: 5\r\n\r\n".to_owned(),
        2 => "Transfer-Encoding: chunked\r\n\r\n".to_owned(),
        3 => "Host: other\r\n\r\n".to_owned(),
        4 => format!("GET /q/{number} HTTP/1.1\r\nHost: edge\r\n\r\n"),
        5 => " folded: 1\r\n\r\n".to_owned(),
        6 => "X: 1\n\n".to_owned(),
        7 => "X: 1\r\n".to_owned(),
        8 => "X: 1\r\r\n\r\n".to_owned(),
        9 => "no colon\r\n\r\n".to_owned(),
        10 => ": 1\r\n\r\n".to_owned(),
        11 => "X : 1\r\n\r\n".to_owned(),
        12 => "X: \0\r\n\r\n".to_owned(),
        13 => format!("X: {}\r\n\r\n", "a".repeat(20_000)),
        _ => "Trailer: Host\r\nAuthorization: x\r\nConnection: close\r\n\r\n".to_owned(),
    };
    if dice.chance(30) {
        draft.field("Trailer: X-Sum");
        draft.field("TE: trailers");
    }
    let size = format!("{:x}\r\n", data.len());
    one_chunk(draft, size.as_bytes(), &data, b"\r\n", format!("0\r\n{trailer}").as_bytes());
}

pub(crate) fn expect(dice: &mut Dice, draft: &mut Draft, first: u64) {
    if dice.chance(70) {
        let body = with_body(dice, draft, first);
        if dice.chance(50) {
            draft.field(format!("Content-Length: {}", body.len()));
            draft.body = body;
        } else {
            draft.field("Transfer-Encoding: chunked");
            draft.body = chunks(dice, &body);
        }
    }
    draft.field(*dice.pick(&[
        "Expect: 100-continue",
        "Expect: 100-Continue",
        "Expect: 100-continue\r\nExpect: 100-continue",
        "Expect: x",
        "Expect: 100-continue, x",
        "Expect: ",
        "Expect: \"100-continue\"",
        "Expect:100-continue ",
        "Expect : 100-continue",
        "Expect: y 100-continue",
    ]));
    if dice.chance(15) {
        draft.line.truncate(draft.line.len() - 1);
        draft.line.push(b'0');
    }
}

/// It is answered without its body, of which there is more than a server may want to drop, or less than announced.
pub(crate) fn early(dice: &mut Dice, draft: &mut Draft, first: u64) {
    let body = with_body(dice, draft, first);
    draft.line = format!("POST /early/{} HTTP/1.1", first + 1).into_bytes();
    match dice.between(0, 4) {
        0 => {
            draft.field(format!("Content-Length: {}", body.len() + 200_000));
            draft.body = [body, vec![b'a'; 200_000]].concat();
        }
        1 => {
            draft.field(format!("Content-Length: {}", body.len() + 10));
            draft.body = body;
        }
        2 => {
            draft.field("Transfer-Encoding: chunked");
            draft.body = chunks(dice, &body);
        }
        3 => {
            draft.field("Transfer-Encoding: chunked");
            draft.body = [b"5\r\nhello\r\nzz\r\n".as_slice(), &body].concat();
        }
        _ => {
            draft.field(format!("Content-Length: {}\r\nExpect: 100-continue", body.len()));
            draft.body = body;
        }
    }
}
