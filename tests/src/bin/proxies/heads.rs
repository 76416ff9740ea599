//! Requests whose head is ambiguous: lines, names, targets, hosts, hop-by-hop fields, upgrades, versions, methods.

use crate::draft::Draft;
use basehttp_tests::dice::Dice;

pub(crate) fn folding(dice: &mut Dice, draft: &mut Draft, _first: u64) {
    let line = *dice.pick(&[
        "X: a\r\n b",
        "X: a\r\n\tb",
        "X:\r\n a",
        "X: a\r\n \r\n b",
        "X: a\r\n Content-Length: 5",
        "X: a\r\n Transfer-Encoding: chunked",
        "X: a\n b",
        "X: a\r b",
        " X: a",
        "\tX: a",
        "X: a\r\n",
    ]);
    let at = dice.index(draft.fields.len() + 1);
    draft.fields.insert(at, line.as_bytes().to_vec());
}

pub(crate) fn line_ends(dice: &mut Dice, draft: &mut Draft, _first: u64) {
    match dice.between(0, 5) {
        0 => draft.line_end = b"\n",
        1 => draft.line_end = b"\r",
        2 => draft.line_end = b"\r\r\n",
        3 => draft.field("X: a\rb"),
        4 => draft.field("X: a\nY: b"),
        _ => draft.field("X: a\n"),
    }
}

pub(crate) fn names(dice: &mut Dice, draft: &mut Draft, _first: u64) {
    draft.field(*dice.pick(&[
        "X : a",
        "X\t: a",
        ": a",
        "no colon",
        "X\0: a",
        "X\u{ff}: a",
        "X(y): a",
        "X: \0",
        "X: \u{7f}",
        "X: \u{1b}",
        "X: \u{ff}",
        "X: \u{b}a",
        "\"X\": a",
        "X:a:b",
        "X;: a",
        "X,: a",
        "\u{feff}X: a",
    ]));
    if dice.chance(3) {
        draft.field(format!("X-Long: {}", "a".repeat(70_000)));
    }
    if dice.chance(3) {
        for number in 0..300 {
            draft.field(format!("X-{number}: a"));
        }
    }
}

pub(crate) fn request_line(dice: &mut Dice, draft: &mut Draft, first: u64) {
    let number = first + 1;
    draft.line = match dice.between(0, 23) {
        0 => format!("GET  /q/{number} HTTP/1.1"),
        1 => format!("GET /q/{number}  HTTP/1.1"),
        2 => format!("GET\t/q/{number} HTTP/1.1"),
        3 => format!("GET /q/{number} HTTP/1.1 "),
        4 => format!(" GET /q/{number} HTTP/1.1"),
        5 => format!("GET /q/{number}"),
        6 => format!("GET /a b/{number} HTTP/1.1"),
        7 => format!("GET /a\tb/{number} HTTP/1.1"),
        8 => format!("GET /q/{number} HTTP/1.1\rX: y"),
        9 => format!("GET /q/{number} HTTP/1.1\nX: y"),
        10 => format!("GET //q/../{number} HTTP/1.1"),
        11 => format!("GET /%2e%2e/q/{number} HTTP/1.1"),
        12 => format!("GET /q%2f{number} HTTP/1.1"),
        13 => format!("GET /q\\{number} HTTP/1.1"),
        14 => format!("GET /q/{number}#a HTTP/1.1"),
        15 => format!("GET /q/{number}?a b HTTP/1.1"),
        16 => format!("GET /q\u{ff}/{number} HTTP/1.1"),
        17 => format!("GET /q\0/{number} HTTP/1.1"),
        18 => format!("GET q/{number} HTTP/1.1"),
        19 => "GET * HTTP/1.1".to_owned(),
        20 => "OPTIONS * HTTP/1.1".to_owned(),
        21 => format!("GET ?/q/{number} HTTP/1.1"),
        22 => format!("GET /q/%zz/{number} HTTP/1.1"),
        _ => format!("GET /{}/{number} HTTP/1.1", "a".repeat(dice.index(70_000))),
    }
    .into_bytes();
}

pub(crate) fn absolute_form(dice: &mut Dice, draft: &mut Draft, first: u64) {
    let number = first + 1;
    let authority = *dice.pick(&[
        "edge",
        "other",
        "edge:80",
        "user@edge",
        "",
        "edge:",
        "[::1]",
        "EDGE",
        "e dge",
        "edge\\@other",
    ]);
    let scheme = *dice.pick(&["http", "HTTP", "https", "ftp", "http:", "x"]);
    draft.line = format!("GET {scheme}://{authority}/q/{number} HTTP/1.1").into_bytes();
    if dice.chance(15) {
        draft.line = format!("CONNECT {authority} HTTP/1.1").into_bytes();
    }
}

pub(crate) fn hosts(dice: &mut Dice, draft: &mut Draft, _first: u64) {
    draft.without("host");
    draft.field(*dice.pick(&[
        "X: none",
        "Host: ",
        "Host: edge\r\nHost: edge",
        "Host: edge\r\nHost: other",
        "Host: edge, other",
        "Host: edge:80:80",
        "Host: ed ge",
        "Host : edge",
        " Host: edge",
        "Host: edge\0",
        "Host: edge/x",
        "Host: user@edge",
        "Host: [::1",
        "Host: edge:x",
        "Host:\tedge",
        "HOST: edge",
        "Host: edge\r\n other",
        "Host: \"edge\"",
        "Host: edge#",
        "Host: edge\u{ff}",
    ]));
}

pub(crate) fn hop_by_hop(dice: &mut Dice, draft: &mut Draft, _first: u64) {
    draft.field(*dice.pick(&[
        "Connection: Content-Length",
        "Connection: Transfer-Encoding",
        "Connection: Host",
        "Connection: close, Content-Length",
        "Connection: keep-alive, Expect",
        "Connection: close\r\nConnection: keep-alive",
        "Connection: ,",
        "Connection: \"close\"",
        "Connection: clo se",
        "Connection : close",
        "Keep-Alive: timeout=1, max=1",
        "Proxy-Connection: keep-alive",
        "TE: trailers, chunked",
        "TE: chunked;q=0.5",
        "Connection: TE\r\nTE: x",
        "Connection: Upgrade",
        "Trailer: Content-Length",
        "Via: 1.0 a\r\nVia: 1.1 b",
        "Max-Forwards: 0",
    ]));
}

pub(crate) fn upgrades(dice: &mut Dice, draft: &mut Draft, first: u64) {
    let place = if dice.chance(50) { "up" } else { "q" };
    if dice.chance(70) {
        draft.line = format!("GET /{place}/{} HTTP/1.1", first + 1).into_bytes();
    }
    draft.field(*dice.pick(&[
        "Connection: Upgrade",
        "Connection: upgrade, keep-alive",
        "Connection: Upgrade, HTTP2-Settings",
        "Connection: close",
        "X: y",
    ]));
    draft.field(*dice.pick(&[
        "Upgrade: echo",
        "Upgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13",
        "Upgrade: websocket\r\nSec-WebSocket-Version: 777",
        "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__",
        "Upgrade: TLS/1.0",
        "Upgrade: HTTP/2.0",
        "Upgrade: ",
        "Upgrade : echo",
        "Upgrade: echo, websocket",
    ]));
}

pub(crate) fn before(dice: &mut Dice, draft: &mut Draft, _first: u64) {
    draft.before = dice
        .pick(&[
            "\r\n",
            "\n",
            "\r",
            "\r\n\r\n\r\n",
            " ",
            "\r\n ",
            "\0",
            "\u{feff}",
            "\r\n\n",
            "x\r\n",
            "HTTP/1.1 200 OK\r\n\r\n",
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n",
        ])
        .as_bytes()
        .to_vec();
}

pub(crate) fn versions(dice: &mut Dice, draft: &mut Draft, first: u64) {
    let version = *dice.pick(&[
        "HTTP/1.0",
        "HTTP/1.0",
        "HTTP/0.9",
        "HTTP/1.2",
        "HTTP/1.10",
        "HTTP/2.0",
        "HTTP/2",
        "HTTP/3.0",
        "http/1.1",
        "HTTP/01.1",
        "HTTP/1.1.1",
        "HTTP/1,1",
        "HTTP/ 1.1",
        "HTTP /1.1",
        "HTTP/1.x",
        "HTTPS/1.1",
        "HTTP/11",
        "HTTP/1.1\0",
        "",
    ]);
    draft.line = format!("POST /q/{} {version}", first + 1).into_bytes();
    if dice.chance(30) {
        draft.field("Connection: keep-alive");
    }
}

pub(crate) fn methods(dice: &mut Dice, draft: &mut Draft, first: u64) {
    let method = *dice.pick(&[
        "get",
        "Get",
        "G@T",
        "GET(",
        "",
        "GET\u{ff}",
        "DELETE",
        "PATCH",
        "OPTIONS",
        "TRACE",
        "TRACK",
        "PRI",
        "SPAM",
        "M-SEARCH",
        "HEAD",
        "CONNECT",
        "PROPFIND",
        "PURGE",
        "QUERY",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    ]);
    draft.line = format!("{method} /q/{} HTTP/1.1", first + 1).into_bytes();
}
