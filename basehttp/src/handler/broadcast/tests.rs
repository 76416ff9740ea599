use std::io::Write as _;
use std::net::TcpStream;

use super::*;
use crate::handler::{BaseHTTPRequestHandler, Detach as _};
use crate::http_handler;
use crate::testing::TestServer;

struct Feed {
    base: BaseHTTPRequestHandler,
    broadcast: Broadcast,
}

#[http_handler(crate = crate)]
impl Feed {
    fn do_GET(&self) -> io::Result<()> {
        self.broadcast.subscribe(self.event_stream()?)
    }
}

/// No message is sent, and the lists do not grow.
#[test]
fn clients_that_come_and_go_leave_nothing() {
    let broadcast = Broadcast::new();
    let of_handlers = broadcast.clone();
    let server = TestServer::new(move |base| Feed { base, broadcast: of_handlers.clone() });
    let mut clients: Vec<TcpStream> = Vec::new();
    for round in 1..=10 {
        for _ in 0..20 {
            let mut client = server.connect().unwrap();
            client.write_all(b"GET / HTTP/1.0\r\n\r\n").unwrap();
            clients.push(client);
        }
        // A few stay.
        while broadcast.len() < clients.len() {
            std::thread::sleep(Duration::from_millis(1));
        }
        clients.truncate(round);
        while broadcast.len() > clients.len() {
            std::thread::sleep(Duration::from_millis(1));
        }
        // The last client that has gone may still be looking through the lists.
        while broadcast.0.listed.load(Ordering::Relaxed) > 2 * round + FEW {
            std::thread::sleep(Duration::from_millis(1));
        }
        let delivery = lock(&broadcast.0.delivery);
        let in_lists = delivery.clients.len() + lock(&broadcast.0.state).joiners.len();
        assert_eq!(in_lists, broadcast.0.listed.load(Ordering::Relaxed));
        assert!(in_lists >= round, "{in_lists}");
    }
}
