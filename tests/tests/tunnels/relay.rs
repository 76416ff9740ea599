//! Connections that are joined with another socket.

use super::*;

#[test]
fn what_comes_at_one_goes_out_at_the_other() {
    let stage = Stage::new();
    let (client, far) = stage.joined();
    for _ in 0..100 {
        (&client).write_all(b"question").unwrap();
        assert_reads(&far, b"question");
        (&far).write_all(b"answer").unwrap();
        assert_reads(&client, b"answer");
    }
    drop(client);
    assert_ends(&far);
    drop(far);
    wait_until("the connection is over", || stage.server.handle().stats().connections_open == 0);
    assert!(!stage.log.has("went away"), "{:?}", stage.log.lines());
}

#[test]
fn each_half_ends_by_itself() {
    let stage = Stage::new();
    let (client, far) = stage.joined();
    (&client).write_all(b"all").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    assert_reads(&far, b"all");
    assert_ends(&far);
    (&far).write_all(b"and an answer").unwrap();
    assert_reads(&client, b"and an answer");
    drop(far);
    assert_ends(&client);

    let (client, far) = stage.joined();
    (&far).write_all(b"all").unwrap();
    far.shutdown(Shutdown::Write).unwrap();
    assert_reads(&client, b"all");
    assert_ends(&client);
    (&client).write_all(b"and an answer").unwrap();
    assert_reads(&far, b"and an answer");
    drop(client);
    assert_ends(&far);
}

#[test]
fn bytes_that_came_with_the_request_are_the_first() {
    let stage = Stage::new();
    let (client, far) = stage.joined_by("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\nat once");
    (&client).write_all(b", later").unwrap();
    assert_reads(&far, b"at once, later");
}

#[test]
fn what_the_handler_says_and_reads_comes_before() {
    let stage = Stage::new();
    let request = "CONNECT talking:1 HTTP/1.1\r\nHost: a:1\r\n\r\nfor the handler\nfor the origin ";
    let (client, far) = stage.joined_by(request);
    (&client).write_all(b"as well").unwrap();
    assert_reads(&far, b"for the origin as well");
    (&far).write_all(b"second").unwrap();
    assert_reads(&client, b"first second");
}

#[test]
fn fifty_megabytes_both_ways_at_once() {
    let stage = Stage::new();
    let (client, far) = stage.joined();
    exchange(&client, &far, 50_000_000);
}

/// While one side takes nothing, the other is not read, and its writes block at some point.
#[test]
fn a_side_that_does_not_read_stops_the_other_one() {
    for is_client in [true, false] {
        let stage = Stage::new();
        let (client, far) = stage.joined();
        let (slow, fast) = if is_client { (&client, &far) } else { (&far, &client) };
        let sent = fill(fast);
        assert!(sent < 40_000_000, "what the systems keep has an end, and so has what the server keeps");
        stage.check_get();
        // The other direction is not affected.
        (&*slow).write_all(b"still").unwrap();
        assert_reads(fast, b"still");
        fast.shutdown(Shutdown::Write).unwrap();
        let mut rest = Vec::new();
        (&*slow).read_to_end(&mut rest).unwrap();
        assert_eq!(rest.len(), sent);
    }
}

#[test]
fn a_reset_goes_through() {
    let stage = Stage::new();
    let (client, far) = stage.joined();
    (&client).write_all(b"x").unwrap();
    assert_reads(&far, b"x");
    reset(client);
    assert_reset(&far);

    let (client, far) = stage.joined();
    (&client).write_all(b"x").unwrap();
    assert_reads(&far, b"x");
    reset(far);
    assert_reset(&client);
    assert!(!stage.log.has("went away"), "{:?}", stage.log.lines());
}

/// A client whose bytes have no room is not read, and nothing has to be written to it either.
#[test]
fn a_reset_is_found_while_the_other_side_takes_nothing() {
    let stage = Stage::new();
    let (client, far) = stage.joined();
    fill(&client);
    reset(client);
    assert_reset(&far);
}

#[test]
fn a_relay_that_is_idle_for_too_long_is_reset() {
    let stage = Stage::new();
    let (client, far) = stage.joined_by("CONNECT idle:1 HTTP/1.1\r\nHost: a:1\r\n\r\n");
    assert_reset(&client);
    assert_reset(&far);
}

#[test]
fn many_hold_no_thread() {
    let stage = Stage::with(HTTPServer::builder().max_threads(4));
    let relays: Vec<_> = (0..200).map(|_| stage.joined()).collect();
    stage.check_get();
    for (number, (client, far)) in relays.iter().enumerate() {
        (&mut &*client).write_all(format!("to {number:3}").as_bytes()).unwrap();
        (&mut &*far).write_all(format!("from {number:3}").as_bytes()).unwrap();
    }
    stage.check_get();
    for (number, (client, far)) in relays.iter().enumerate() {
        assert_reads(far, format!("to {number:3}").as_bytes());
        assert_reads(client, format!("from {number:3}").as_bytes());
    }
    assert!(stage.server.handle().stats().threads <= 4);
}

#[test]
fn a_fast_relay_does_not_hold_up_others() {
    let stage = Stage::with(HTTPServer::builder().compute_threads(1));
    let (client, far) = stage.joined();
    let (other, other_far) = stage.joined();
    thread::scope(|scope| {
        let fast = scope.spawn(|| exchange(&client, &far, 20_000_000));
        let mut rounds = 0;
        while !fast.is_finished() || rounds < 10 {
            (&other).write_all(b"ping").unwrap();
            assert_reads(&other_far, b"ping");
            (&other_far).write_all(b"pong").unwrap();
            assert_reads(&other, b"pong");
            stage.check_get();
            rounds += 1;
        }
        fast.join().unwrap();
    });
}

#[test]
fn a_relay_has_the_grace_of_a_shutdown() {
    let stage = Stage::new();
    let (client, far) = stage.joined();
    stage.server.handle().shutdown_within(PATIENCE);
    wait_until("it is stopping", || stage.server.connect().is_err());
    (&client).write_all(b"still").unwrap();
    assert_reads(&far, b"still");
    drop(client);
    assert_ends(&far);
    drop(far);
    assert_eq!(stage.server.handle().wait().cut, 0);
}

#[test]
fn a_relay_is_cut_at_the_end_of_the_grace() {
    let stage = Stage::new();
    let (client, far) = stage.joined();
    (&client).write_all(b"x").unwrap();
    assert_reads(&far, b"x");
    stage.server.handle().shutdown_within(Duration::from_millis(10));
    assert_reset(&client);
    assert_reset(&far);
    assert_eq!(stage.server.handle().wait().cut, 1);
}

#[test]
fn a_method_that_fails_behind_it_resets_both() {
    let stage = Stage::new();
    let (client, far) = stage.joined_by("CONNECT failing:1 HTTP/1.1\r\nHost: a:1\r\n\r\n");
    assert_reset(&far);
    assert_reset(&client);
    stage.log.wait_for("as it was told");
}

#[test]
fn there_is_one_relay_for_a_connection() {
    let stage = Stage::new();
    let client = stage.server.connect().unwrap();
    (&client).write_all(b"CONNECT twice:1 HTTP/1.1\r\nHost: a:1\r\n\r\n").unwrap();
    let (first, _) = stage.origin.accept().unwrap();
    let (second, _) = stage.origin.accept().unwrap();
    read_head(&client);
    (&client).write_all(b"x").unwrap();
    assert_reads(&first, b"x");
    // It is refused before anything was done with it, and dropped like any socket.
    assert_ends(&second);
    (&first).write_all(b"y").unwrap();
    assert_reads(&client, b"y");
    drop((client, first));
    wait_until("it is over", || stage.server.handle().stats().connections_open == 0);
    assert!(!stage.log.has("panicked"), "{:?}", stage.log.lines());
}

#[test]
fn without_a_switch_there_is_nothing_to_join() {
    let stage = Stage::new();
    let client = stage.server.connect().unwrap();
    (&client).write_all(b"CONNECT early:1 HTTP/1.1\r\nHost: a:1\r\n\r\n").unwrap();
    stage.log.wait_for("send_response(101)");
}

#[test]
fn without_a_server_it_says_so() {
    let origin = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = origin.local_addr().unwrap().to_string();
    let factory = move |base| Proxy { base, origin: address.clone() };
    let run = basehttp::testing::run(factory, ["CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n"]);
    assert!(run.log.contains("relay() needs a connection of a server"), "{}", run.log);
}

/// An override of `handle` has a thread, which waits.
#[test]
fn a_handle_of_ones_own_waits_for_its_end() {
    struct Own {
        base: BaseHTTPRequestHandler,
        origin: String,
    }

    #[http_handler]
    impl Own {
        fn handle(&mut self) -> io::Result<()> {
            BaseHTTPRequestHandler::handle(self)
        }

        fn do_CONNECT(&self) -> io::Result<()> {
            let stream = TcpStream::connect(&self.origin)?;
            self.send_response(200);
            self.end_headers()?;
            self.relay(stream)
        }
    }

    let origin = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = origin.local_addr().unwrap().to_string();
    let builder = HTTPServer::builder().log_line(|_, _| {});
    let server = TestServer::with(builder, move |base| Own { base, origin: address.clone() });
    let client = server.connect().unwrap();
    (&client).write_all(b"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n").unwrap();
    let (far, _) = origin.accept().unwrap();
    read_head(&client);
    exchange(&client, &far, 3_000_000);
    assert_ends(&client);
    assert_ends(&far);
}

#[test]
fn one_request_may_be_a_relay() {
    let origin = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = origin.local_addr().unwrap().to_string();
    let builder = HTTPServer::builder().log_line(|_, _| {});
    let factory = move |base| Proxy { base, origin: address.clone() };
    let mut server = builder.bind("127.0.0.1:0", factory).unwrap();
    let port = server.server_port();
    let serving = thread::spawn(move || server.handle_request());
    let client = TcpStream::connect(("127.0.0.1", port)).unwrap();
    (&client).write_all(b"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n").unwrap();
    let (far, _) = origin.accept().unwrap();
    read_head(&client);
    exchange(&client, &far, 3_000_000);
    drop((client, far));
    serving.join().unwrap().unwrap();
}
