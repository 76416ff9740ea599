//! What proxies say about their clients: the PROXY protocol, and fields.

use std::time::Duration;

use basehttp::prelude::*;
use basehttp::{ForwardedFields, TrustedProxies};
use basehttp_tests::client::Client;
use basehttp_tests::log::Log;
use basehttp_tests::show;

use crate::act::{Act, Stage, say};

fn who(act: &Act) -> std::io::Result<()> {
    say(act, &format!("{} {} {}", act.client_address(), act.address_string(), act.scheme()))
}

fn stage(proxies: TrustedProxies) -> Stage {
    Stage::with(HTTPServer::builder().trusted_proxies(proxies), who)
}

fn proxied() -> Stage {
    Stage::with(logged().0, who)
}

/// Including the server's own lines.
fn logged() -> (basehttp::ServerBuilder, Log) {
    let proxies = TrustedProxies::new(["127.0.0.0/8"]).unwrap().proxy_protocol(true);
    let log = Log::default();
    let builder = HTTPServer::builder().trusted_proxies(proxies);
    (builder.log_line(log.taker()), log)
}

/// A version 2 header: command and protocol, and what follows.
fn version_2(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
    let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
    [b"\r\n\r\n\0\r\nQUIT\n", &[0x20 | command, family][..], &length, rest].concat()
}

const IPV4: &[u8] = &[192, 0, 2, 7, 10, 0, 0, 1, 0x12, 0x34, 0, 80];
const REQUEST: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

#[test]
fn a_proxy_header_tells_the_client_of_all_requests() {
    let stage = proxied();
    let ipv6 = [&[0x20, 1, 0xd, 0xb8][..], &[0; 11], &[1], &[0; 16], &[0x12, 0x34, 0, 80]].concat();
    let tlvs = [IPV4, &[0x04, 0, 3, 0, 0, 0]].concat();
    for (header, client) in [
        (b"PROXY TCP4 192.0.2.7 10.0.0.1 4660 80\r\n".to_vec(), "192.0.2.7:4660 192.0.2.7"),
        (b"PROXY TCP6 2001:db8::1 ::1 4660 80\r\n".to_vec(), "[2001:db8::1]:4660 2001:db8::1"),
        (version_2(1, 0x11, IPV4), "192.0.2.7:4660 192.0.2.7"),
        (version_2(1, 0x11, &tlvs), "192.0.2.7:4660 192.0.2.7"),
        (version_2(1, 0x21, &ipv6), "[2001:db8::1]:4660 2001:db8::1"),
    ] {
        let mut client_of_proxy = Client::new(&stage.server);
        client_of_proxy.send([&header[..], REQUEST.as_bytes()].concat());
        assert_eq!(client_of_proxy.response().text(), format!("{client} http"));
        assert_eq!(client_of_proxy.ask(REQUEST).text(), format!("{client} http"));
    }
}

/// An IPv4 address in the form of IPv6 is the same client, and the same proxy, in every place.
#[test]
fn an_ipv4_address_has_one_form_wherever_it_comes_in() {
    let mapped = [
        &[0; 10][..],
        &[0xff, 0xff, 192, 0, 2, 7],
        &[0; 10],
        &[0xff, 0xff, 10, 0, 0, 1],
        &[0x12, 0x34, 0, 80],
    ]
    .concat();
    let announced = proxied();
    for header in [
        b"PROXY TCP6 ::ffff:192.0.2.7 ::ffff:10.0.0.1 4660 80\r\n".to_vec(),
        b"PROXY TCP6 ::ffff:c000:207 ::1 4660 80\r\n".to_vec(),
        version_2(1, 0x21, &mapped),
    ] {
        let mut client = Client::new(&announced.server);
        client.send([&header[..], REQUEST.as_bytes()].concat());
        assert_eq!(client.response().text(), "192.0.2.7:4660 192.0.2.7 http", "{}", show(&header));
    }
    // The PROXY header names a proxy whose fields may count: the last address in them is trusted or not, in either form.
    for networks in [["127.0.0.1", "10.0.0.0/8"], ["::ffff:127.0.0.1", "::ffff:10.0.0.0/104"]] {
        answers(
            &networks,
            ForwardedFields::XForwarded,
            &[
                ("X-Forwarded-For: 192.0.2.7, ::ffff:10.1.1.1\r\n", "192.0.2.7 http"),
                ("X-Forwarded-For: ::ffff:192.0.2.7, 10.1.1.1\r\n", "192.0.2.7 http"),
                ("X-Forwarded-For: 6.6.6.6, [::ffff:192.0.2.7]:80\r\n", "192.0.2.7 http"),
            ],
        );
        answers(
            &networks,
            ForwardedFields::Forwarded,
            &[("Forwarded: for=\"[::ffff:c000:207]\", for=\"[::ffff:10.1.1.1]:80\"\r\n", "192.0.2.7 http")],
        );
    }
    let proxies = TrustedProxies::new(["127.0.0.1", "10.0.0.0/8"]).unwrap().proxy_protocol(true);
    let both = stage(proxies.fields(ForwardedFields::XForwarded));
    let mut client = Client::new(&both.server);
    client.send("PROXY TCP6 ::ffff:10.1.1.1 ::1 4660 80\r\nGET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.7\r\n\r\n");
    assert_eq!(client.response().text(), "192.0.2.7:0 192.0.2.7 http");
}

/// At a server with several addresses each connection counts as what it is.
#[cfg(unix)]
#[test]
fn a_proxy_at_the_unix_socket_is_not_one_at_the_port() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("proxy.sock");
    let proxies = TrustedProxies::new(["unix"]).unwrap().fields(ForwardedFields::XForwarded);
    let stage = Stage::with(HTTPServer::builder().trusted_proxies(proxies).also_bind_unix(&path), who);
    let request = "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.7\r\n\r\n";
    let proxy = std::os::unix::net::UnixStream::connect(&path).unwrap();
    assert_eq!(Client::over(proxy).ask(request).text(), "192.0.2.7:0 192.0.2.7 http");
    assert!(Client::new(&stage.server).ask(request).text().ends_with(" 127.0.0.1 http"));
}

#[cfg(target_os = "linux")]
#[test]
fn an_ipv4_client_of_a_socket_for_both_has_one_form_too() {
    use std::net::{Ipv6Addr, SocketAddr, TcpStream};

    let all = SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0));
    let bound = socket2::Socket::new(socket2::Domain::IPV6, socket2::Type::STREAM, None).and_then(|socket| {
        socket.set_only_v6(false)?;
        socket.bind(&all.into())?;
        Ok(socket)
    });
    let Ok(socket) = bound else {
        return basehttp_tests::left_out("IPv6, since this machine has none");
    };
    socket.listen(8).unwrap();
    let log = Log::default();
    let proxies = TrustedProxies::new(["127.0.0.0/8"]).unwrap().fields(ForwardedFields::XForwarded);
    let builder = HTTPServer::builder().trusted_proxies(proxies);
    let listener = std::net::TcpListener::from(socket);
    let port = listener.local_addr().unwrap().port();
    let mut server = builder.from_listener(listener, Act::factory(who, log)).unwrap();
    let handle = server.handle();
    let thread = std::thread::spawn(move || server.serve_forever());
    let mut client = Client::over(TcpStream::connect(("127.0.0.1", port)).unwrap());
    let response = client.ask("GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.7\r\n\r\n");
    assert_eq!(response.text(), "192.0.2.7:0 192.0.2.7 http");
    assert!(client.ask(REQUEST).text().contains(" 127.0.0.1 http"));
    handle.shutdown();
    thread.join().unwrap().unwrap();
}

#[test]
fn a_proxy_header_tells_whether_its_client_speaks_tls() {
    let stage = proxied();
    for (command, extension, scheme) in [
        (1, &b"\x20\0\x05\x01\0\0\0\0"[..], "https"),
        (1, b"\x03\0\x04abcd\x20\0\x0f\x07\0\0\0\0\x21\0\x07TLSv1.3", "https"),
        (1, b"\x20\0\x05\x06\0\0\0\0", "http"),
        (1, b"\x20\0\0", "http"),
        // Longer than a header: it is not one.
        (1, b"\x20\xff\xff\x01", "http"),
        (0, b"\x20\0\x05\x01\0\0\0\0", "http"),
    ] {
        let mut client = Client::new(&stage.server);
        client
            .send([&version_2(command, 0x11, &[IPV4, extension].concat())[..], REQUEST.as_bytes()].concat());
        assert!(client.response().text().ends_with(&format!(" {scheme}")), "{}", show(extension));
    }
}

#[test]
fn a_proxy_header_may_come_in_any_pieces() {
    let stage = proxied();
    for header in [b"PROXY TCP4 192.0.2.7 10.0.0.1 4660 80\r\n".to_vec(), version_2(1, 0x11, IPV4)] {
        for at in 1..header.len() {
            let mut client = Client::new(&stage.server);
            client.send(&header[..at]);
            client.send([&header[at..], REQUEST.as_bytes()].concat());
            assert_eq!(client.response().text(), "192.0.2.7:4660 192.0.2.7 http", "split at {at}");
        }
    }
}

#[test]
fn a_proxy_may_speak_for_itself() {
    let stage = proxied();
    let unix = [0; 216];
    for header in [
        b"PROXY UNKNOWN\r\n".to_vec(),
        b"PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n".to_vec(),
        version_2(0, 0, b""),
        b"PROXY UNKNOWN and whatever else there may be, in \xff words or none of them\r\n".to_vec(),
        // LOCAL: family and addresses must be ignored, whatever they are (section 2.2).
        version_2(0, 0x11, IPV4),
        version_2(0, 0x11, b""),
        version_2(0, 0x21, b""),
        version_2(0, 0x21, IPV4),
        version_2(0, 0x31, b"short"),
        version_2(0, 0x12, b""),
        version_2(0, 0xff, &[0xff; 4000]),
        // And if the proxy knows nothing about its client.
        version_2(1, 0, b""),
        version_2(1, 0, IPV4),
        version_2(1, 0x01, b"short"),
        version_2(1, 0, b"\x20\0\x05\x01\0\0\0\0"),
        version_2(1, 0x31, &unix),
    ] {
        let mut client = Client::new(&stage.server);
        client.send([&header[..], REQUEST.as_bytes()].concat());
        let text = client.response().text();
        assert!(text.ends_with(" 127.0.0.1 http"), "{}: {text}", show(&header));
    }
}

#[test]
fn what_is_no_proxy_header_is_refused_and_logged() {
    let (builder, log) = logged();
    let stage = Stage::with(builder, who);
    for begin in [
        REQUEST.as_bytes().to_vec(),
        b"PROXY TCP4 192.0.2.7 10.0.0.1 99999 80\r\n".to_vec(),
        b"PROXY TCP4 192.0.2.7 10.0.0.1 80\r\n".to_vec(),
        b"PROXY TCP4 192.0.2.7 10.0.0.1 +4660 80\r\n".to_vec(),
        b"PROXY UNKNOWNTCP4\r\n".to_vec(),
        b"PROXY TCP9 192.0.2.7 10.0.0.1 4660 80\r\n".to_vec(),
        [b"PROXY TCP4 ", &[b' '; 200][..]].concat(),
        version_2(2, 0x11, IPV4),
        version_2(1, 0x41, IPV4),
        version_2(1, 0x11, b"short"),
        version_2(1, 0x11, b""),
        version_2(1, 0x11, &[0; 5000]),
        version_2(0, 0x11, &[0; 5000]),
        b"\r\n\r\n\0\r\nQUIT\n\x11\x11\0\0".to_vec(),
    ] {
        let mut client = Client::new(&stage.server);
        client.send(&begin);
        let response = client.rest().unwrap();
        assert!(
            response.starts_with(b"HTTP/1.1 400 Bad Request\r\n"),
            "{}: {}",
            show(&begin),
            show(&response)
        );
        log.wait_for("a connection from a trusted proxy must begin with a PROXY header: ");
        assert_eq!(log.take().len(), 1);
    }
}

#[test]
fn a_proxy_header_has_the_time_of_a_head() {
    let (builder, log) = logged();
    let stage = Stage::with(builder.head_timeout(Duration::from_millis(100)), who);
    let mut client = Client::new(&stage.server);
    client.send("PROXY TCP4 192.0.2.7");
    client.assert_closed();
    log.wait_for("its PROXY header did not arrive completely within head_timeout");
}

#[test]
fn a_proxy_header_of_another_is_a_bad_request() {
    let stage = stage(TrustedProxies::new(["10.0.0.0/8"]).unwrap().proxy_protocol(true));
    let mut client = Client::new(&stage.server);
    assert_eq!(client.ask(REQUEST).text().split(' ').nth(1), Some("127.0.0.1"), "others go on as usual");
    for header in [b"PROXY TCP4 192.0.2.7 10.0.0.1 4660 80\r\n".to_vec(), version_2(1, 0x11, IPV4)] {
        let mut client = Client::new(&stage.server);
        client.send([&header[..], REQUEST.as_bytes()].concat());
        let response = client.rest().unwrap();
        assert!(show(&response).contains(" 400 "), "{}", show(&response));
    }
    let (lines, _) = stage.end();
    assert_eq!(lines.iter().filter(|line| line.contains(" 400 ")).count(), 2, "{lines:?}");
}

fn answers(proxies: &[&str], fields: ForwardedFields, cases: &[(&str, &str)]) {
    let stage = stage(TrustedProxies::new(proxies).unwrap().fields(fields));
    let mut client = Client::new(&stage.server);
    for (fields, answer) in cases {
        let text = client.ask(format!("GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n")).text();
        let text = text.split_once(' ').unwrap().1;
        assert_eq!(text, *answer, "{fields:?}");
    }
}

#[test]
fn x_forwarded_for_is_read_from_its_end() {
    answers(
        &["127.0.0.1", "10.0.0.0/8", "2001:db8::/32"],
        ForwardedFields::XForwarded,
        &[
            ("X-Forwarded-For: 192.0.2.7\r\n", "192.0.2.7 http"),
            ("", "127.0.0.1 http"),
            ("X-Forwarded-For: 6.6.6.6, 192.0.2.7\r\nX-Forwarded-Proto: https\r\n", "192.0.2.7 https"),
            ("X-Forwarded-For: 6.6.6.6, 192.0.2.7:99 , 10.1.1.1\r\n", "192.0.2.7 http"),
            ("X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-For: 192.0.2.7\r\n", "192.0.2.7 http"),
            ("X-Forwarded-For: 6.6.6.6, [2001:db8::1]:80\r\n", "6.6.6.6 http"),
            ("X-Forwarded-For: 6.6.6.6, unknown, 10.1.1.1\r\n", "10.1.1.1 http"),
            // Empty elements and fields have no meaning (RFC 9110 section 5.6.1.2).
            ("X-Forwarded-For: 6.6.6.6, 192.0.2.7,\r\n", "192.0.2.7 http"),
            (
                "X-Forwarded-For: 6.6.6.6, 192.0.2.7 ,, \t,\r\nX-Forwarded-For:\r\nX-Forwarded-For: ,\r\n",
                "192.0.2.7 http",
            ),
            ("X-Forwarded-For: 6.6.6.6, , 192.0.2.7, , 10.1.1.1\r\n", "192.0.2.7 http"),
            ("X-Forwarded-For: ,\r\n", "127.0.0.1 http"),
            ("X-Forwarded-For: 192.0.2.7:_p\r\n", "192.0.2.7 http"),
            ("X-Forwarded-For: 6.6.6.6, 192.0.2.7:\r\n", "127.0.0.1 http"),
            ("X-Forwarded-Proto: http, https,\r\nX-Forwarded-Proto:\r\n", "127.0.0.1 https"),
            ("X-Forwarded-Proto: http, HTTPS\r\n", "127.0.0.1 https"),
            ("X-Forwarded-Proto: gopher\r\n", "127.0.0.1 http"),
            ("Forwarded: for=6.6.6.6;proto=https\r\n", "127.0.0.1 http"),
        ],
    );
}

#[test]
fn forwarded_is_read_from_its_end() {
    answers(
        &["127.0.0.1", "10.0.0.0/8"],
        ForwardedFields::Forwarded,
        &[
            ("Forwarded: for=192.0.2.7;proto=https\r\n", "192.0.2.7 https"),
            (
                "Forwarded: for=6.6.6.6, for=192.0.2.7;proto=https, For=10.1.1.1;proto=http\r\n",
                "192.0.2.7 https",
            ),
            ("Forwarded: for=6.6.6.6\r\nForwarded: for=\"[2001:db8::1]:80\"\r\n", "2001:db8::1 http"),
            ("Forwarded: for=\"6.6.6.6\r\nForwarded: for=10.1.1.1\r\n", "10.1.1.1 http"),
            ("Forwarded: for=\"1.1.1.1, for=2.2.2.2\", for=192.0.2.7\r\n", "192.0.2.7 http"),
            ("Forwarded: for=unknown\r\n", "127.0.0.1 http"),
            // A port in disguise (RFC 7239 section 6.3).
            ("Forwarded: for=\"192.0.2.7:_p\"\r\n", "192.0.2.7 http"),
            ("Forwarded: for=\"[2001:db8::1]:_p.q-r_s\"\r\n", "2001:db8::1 http"),
            ("Forwarded: for=6.6.6.6, for=\"192.0.2.7:_\"\r\n", "127.0.0.1 http"),
            ("Forwarded: for=6.6.6.6, for=\"192.0.2.7:_p q\"\r\n", "127.0.0.1 http"),
            // Empty elements and fields have no meaning (RFC 9110 section 5.6.1.2).
            ("Forwarded: for=192.0.2.7,\r\n", "192.0.2.7 http"),
            (
                "Forwarded: for=6.6.6.6, for=192.0.2.7;proto=https ,, ,\r\nForwarded:\r\nForwarded: ,\r\n",
                "192.0.2.7 https",
            ),
            ("Forwarded: for=192.0.2.7, , for=10.1.1.1\r\n", "192.0.2.7 http"),
            ("Forwarded:\r\n", "127.0.0.1 http"),
            ("Forwarded: for=_hidden, for=10.1.1.1\r\n", "10.1.1.1 http"),
            ("X-Forwarded-For: 6.6.6.6\r\n", "127.0.0.1 http"),
        ],
    );
}

#[test]
fn a_forged_field_changes_nothing() {
    for fields in [ForwardedFields::XForwarded, ForwardedFields::Forwarded] {
        answers(
            &["10.0.0.0/8", "unix"],
            fields,
            &[
                ("X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Proto: https\r\n", "127.0.0.1 http"),
                ("Forwarded: for=6.6.6.6;proto=https\r\n", "127.0.0.1 http"),
            ],
        );
    }
}

#[test]
fn what_is_no_address_is_named() {
    let error = TrustedProxies::new(["10.0.0.0/8", "proxy.example"]).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
    assert!(error.to_string().contains("\"proxy.example\""), "{error}");
}
