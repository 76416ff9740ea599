//! The beginning of a connection, before its handler is made: what a proxy says of its client.

use std::io;
use std::time::Instant;

use super::connection::{At, Step};
use super::ending::LINGER_TIME;
use super::session::{Host, Turn};
use crate::handler::log::line_of_the_server;
use crate::handler::wire::Want;
use crate::handler::{BaseHTTPRequestHandler, Message};

/// What there is to do before the first request. None if there is nothing more.
pub(super) fn preface<M: Message>(
    base: &mut BaseHTTPRequestHandler<M>,
    host: &dyn Host,
    late: bool,
) -> Option<Step> {
    let read = base.exchange().preface();
    match read {
        Ok(None) => None,
        Ok(Some(address)) => {
            base.set_peer_address(address);
            None
        }
        Err(error) if error.kind() == io::ErrorKind::WouldBlock && !late && !host.is_stopping() => {
            Some(Step::Done(Turn::Later(Want::Input, base.exchange().patience())))
        }
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Some(refuse(base, host, &error)),
        // Health checks connect and say nothing.
        Err(_) => Some(Step::Done(Turn::Over)),
    }
}

fn refuse<M: Message>(base: &BaseHTTPRequestHandler<M>, host: &dyn Host, error: &io::Error) -> Step {
    let mut exchange = base.exchange();
    exchange.log(&line_of_the_server(&format!("{}: {error}", base.peer_address())));
    // A client of TLS could not read it.
    if base.server().is_tls() {
        return Step::Done(Turn::Over);
    }
    exchange.refuse_preface();
    host.before_sending();
    // An empty send buffer has room for it.
    let _ = exchange.pump();
    exchange.shutdown_write();
    Step::To(At::Linger { until: Instant::now() + LINGER_TIME })
}
