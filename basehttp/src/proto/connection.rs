//! The state of a connection: one phase for both sides, and its transitions.
//!
//! The framing of the request's body ([`framing`](super::framing), [`chunked`](super::chunked)) and that of the response
//! ([`response`](super::response)) have their own states while a request is processed. This is what the two sides may do
//! next:
//!
//! | phase | the client may send | we may send | and then |
//! |---|---|---|---|
//! | `Done` | a request | earlier responses | we look for the next request: `Idle`; the client must take some first: `Rest` |
//! | `Idle` | a request | earlier responses | its first byte: `Head`; all of its head: `Body` or `Ready` |
//! | `Head` | the rest of the head | earlier responses | all of it: `Body` or `Ready` |
//! | `Body` | the body | earlier responses | enough of it has arrived: `Ready` |
//! | `Ready` | the rest of the body | earlier responses | the handler is called: `Handler`; it is answered without it: as below |
//! | `Handler` | the rest of the body | a response | the response is complete: `Done`, `Rest` or `Last`; it continues without the handler: `Detached` |
//! | `Detached` | the rest of the body | the response | the handler is called again, or the response is to be completed: `Handler` |
//! | `Rest` | the rest of the body | what is left of the responses | the body is dropped, the responses have room: `Done` |
//! | `Last` | nothing that will be read | what is left of the last response | it is sent: `Lingering` or `Over` |
//! | `Lingering` | what it was sending | nothing | it has ended, or its time is over: `Over` |
//! | `Over` | nothing | nothing | |
//!
//! In every phase up to `Last`, the client, an error or the server can end the connection: `Last`. A response may be complete
//! while the client still sends the request's body, and a client may send its next request while earlier responses are on
//! their way. So a separate phase for each side would add nothing.

/// See the [module](self).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// The previous request is answered, or there was none.
    Done,
    /// Nothing of the next request has arrived.
    Idle,
    /// Part of its head has arrived.
    Head,
    /// Its head is complete, and a body that the handler must not wait for is arriving.
    Body,
    /// The handler may be called.
    Ready,
    /// The handler has the request.
    Handler,
    /// The handler has returned, and its response continues: other code has a handle on it.
    Detached,
    /// The response is settled, but part of the request or of the responses is left.
    Rest,
    /// There will be no further request.
    Last,
    /// The server's half is closed.
    Lingering,
    Over,
}

/// What happens to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// We look for the next request.
    Next,
    /// The first byte of a request has arrived.
    Begun,
    /// A head is complete, or is answered as it is.
    Request {
        /// Whether more must arrive before the handler is called.
        gathers: bool,
    },
    /// Enough of the body has arrived for the handler to be called.
    Gathered,
    /// The handler takes the request.
    Called,
    /// The handler has returned, and its response is not complete.
    Detached,
    /// The handler takes the request again, to continue it or to complete its response.
    Resumed,
    /// The response is complete.
    Settled(Settled),
    /// The client must take more of the responses before its next request is looked at.
    Full,
    /// The request's body is finished, and the responses have room.
    Cleared,
    /// The client, an error or the server ends the connection: there is no further request.
    End,
    /// Nothing is left to send.
    Sent {
        /// Whether the client may still be sending.
        lingers: bool,
    },
    /// The client has closed its half, or its time is over.
    Closed,
}

/// What is left to do when a response is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Settled {
    /// Nothing.
    Complete,
    /// An unread body must be dropped, or some buffered output sent.
    Rest,
    /// The connection must end.
    Over,
}

impl Phase {
    /// The phase after an event. `None` if the event cannot happen in this phase.
    #[inline]
    pub(crate) fn after(self, event: Event) -> Option<Self> {
        use Event as E;
        use Phase::{Body, Detached, Done, Handler, Head, Idle, Last, Lingering, Over, Ready, Rest};
        match (self, event) {
            (Done, E::Next) => Some(Idle),
            (Idle, E::Begun) => Some(Head),
            (Idle | Head, E::Request { gathers: true }) => Some(Body),
            (Idle | Head, E::Request { gathers: false }) | (Body, E::Gathered) => Some(Ready),
            // Code that drives its connection itself does not have bodies gathered for it.
            (Body | Ready, E::Called) | (Detached, E::Resumed) => Some(Handler),
            (Handler, E::Detached) => Some(Detached),
            // The request may be answered without the handler.
            (Body | Ready | Handler, E::Settled(Settled::Complete)) | (Rest, E::Cleared) => Some(Done),
            (Body | Ready | Handler, E::Settled(Settled::Rest)) | (Done, E::Full) => Some(Rest),
            (Body | Ready | Handler, E::Settled(Settled::Over))
            | (Done | Idle | Head | Body | Ready | Handler | Detached | Rest | Last, E::End) => Some(Last),
            (Last, E::Sent { lingers: true }) => Some(Lingering),
            (Last, E::Sent { lingers: false }) | (Lingering, E::Closed) => Some(Over),
            (
                Idle | Head | Body | Ready | Handler | Detached | Rest | Last | Lingering | Over,
                E::Next | E::Full,
            )
            | (Done | Head | Body | Ready | Handler | Detached | Rest | Last | Lingering | Over, E::Begun)
            | (
                Done | Body | Ready | Handler | Detached | Rest | Last | Lingering | Over,
                E::Request { .. },
            )
            | (
                Done | Idle | Head | Ready | Handler | Detached | Rest | Last | Lingering | Over,
                E::Gathered,
            )
            | (Done | Idle | Head | Handler | Detached | Rest | Last | Lingering | Over, E::Called)
            | (Done | Idle | Head | Detached | Rest | Last | Lingering | Over, E::Settled(_))
            | (
                Done | Idle | Head | Body | Ready | Handler | Detached | Last | Lingering | Over,
                E::Cleared,
            )
            | (Lingering | Over, E::End)
            | (
                Done | Idle | Head | Body | Ready | Handler | Detached | Rest | Lingering | Over,
                E::Sent { .. },
            )
            | (Done | Idle | Head | Body | Ready | Handler | Detached | Rest | Last | Over, E::Closed)
            | (Done | Idle | Head | Body | Ready | Detached | Rest | Last | Lingering | Over, E::Detached)
            | (Done | Idle | Head | Body | Ready | Handler | Rest | Last | Lingering | Over, E::Resumed) => {
                None
            }
        }
    }

    /// Applies an event. If it cannot happen in this phase, the connection ends: the client's place in the protocol is
    /// unknown. A connection that is over does not resume.
    #[inline]
    pub(crate) fn happens(&mut self, event: Event) {
        let next = self.after(event);
        debug_assert!(next.is_some(), "{event:?} happens at {self:?}");
        *self = next.unwrap_or(if self.is_last() { Self::Over } else { Self::Last });
    }

    /// Whether no request is in progress, and another may come.
    #[inline]
    pub(crate) fn is_between(self) -> bool {
        matches!(self, Self::Done | Self::Idle | Self::Head)
    }

    /// Whether there is a request that is not answered yet.
    #[inline]
    pub(crate) fn has_request(self) -> bool {
        matches!(self, Self::Body | Self::Ready | Self::Handler)
    }

    /// Whether there will be no further request.
    #[inline]
    pub(crate) fn is_last(self) -> bool {
        matches!(self, Self::Last | Self::Lingering | Self::Over)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PHASES: [Phase; 11] = [
        Phase::Done,
        Phase::Idle,
        Phase::Head,
        Phase::Body,
        Phase::Ready,
        Phase::Handler,
        Phase::Detached,
        Phase::Rest,
        Phase::Last,
        Phase::Lingering,
        Phase::Over,
    ];

    const EVENTS: [Event; 17] = [
        Event::Next,
        Event::Begun,
        Event::Request { gathers: true },
        Event::Request { gathers: false },
        Event::Gathered,
        Event::Called,
        Event::Detached,
        Event::Resumed,
        Event::Settled(Settled::Complete),
        Event::Settled(Settled::Rest),
        Event::Settled(Settled::Over),
        Event::Full,
        Event::Cleared,
        Event::End,
        Event::Sent { lingers: true },
        Event::Sent { lingers: false },
        Event::Closed,
    ];

    /// A row for each phase, a column for each event, in that order; a dot marks an impossible event.
    const TABLE: &str = "
        Done       Idle . .    .     .     .       .        .       .    .    .    Rest .    Last .         .    .
        Idle       .    Head Body Ready .  .       .        .       .    .    .    .    .    Last .         .    .
        Head       .    . Body Ready .     .       .        .       .    .    .    .    .    Last .         .    .
        Body       .    . .    .     Ready Handler .        .       Done Rest Last .    .    Last .         .    .
        Ready      .    . .    .     .     Handler .        .       Done Rest Last .    .    Last .         .    .
        Handler    .    . .    .     .     .       Detached .       Done Rest Last .    .    Last .         .    .
        Detached   .    . .    .     .     .       .        Handler .    .    .    .    .    Last .         .    .
        Rest       .    . .    .     .     .       .        .       .    .    .    .    Done Last .         .    .
        Last       .    . .    .     .     .       .        .       .    .    .    .    .    Last Lingering Over .
        Lingering  .    . .    .     .     .       .        .       .    .    .    .    .    .    .         .    Over
        Over       .    . .    .     .     .       .        .       .    .    .    .    .    .    .         .    .";

    #[test]
    fn every_pair_is_as_in_the_table() {
        let rows: Vec<Vec<&str>> =
            TABLE.lines().skip(1).map(|line| line.split_ascii_whitespace().collect()).collect();
        assert_eq!(rows.len(), PHASES.len());
        for (phase, row) in PHASES.into_iter().zip(rows) {
            assert_eq!((row[0], row.len()), (&*format!("{phase:?}"), EVENTS.len() + 1));
            for (event, wanted) in EVENTS.into_iter().zip(&row[1..]) {
                let found = phase.after(event).map_or(".".to_owned(), |phase| format!("{phase:?}"));
                assert_eq!(found, *wanted, "{phase:?} after {event:?}");
            }
        }
    }

    /// From each phase the end can be reached, and each can be reached from the beginning.
    #[test]
    fn no_phase_is_a_trap_and_none_is_out_of_reach() {
        let reached_from = |from: Phase| {
            let mut reached = vec![from];
            let mut next = 0;
            while let Some(&phase) = reached.get(next) {
                for phase in EVENTS.into_iter().filter_map(|event| phase.after(event)) {
                    if !reached.contains(&phase) {
                        reached.push(phase);
                    }
                }
                next += 1;
            }
            reached
        };
        assert_eq!(reached_from(Phase::Done).len(), PHASES.len());
        assert!(PHASES.into_iter().all(|phase| reached_from(phase).contains(&Phase::Over)));
    }

    /// The queries on a phase agree with what it may do.
    #[test]
    fn questions_agree_with_the_table() {
        for phase in PHASES {
            let may = |event: Event| phase.after(event).is_some();
            assert_eq!(phase.has_request(), may(Event::Settled(Settled::Complete)), "{phase:?}");
            let may_get_one = [Event::Next, Event::Request { gathers: true }].into_iter().any(may);
            assert_eq!(phase.is_between(), may_get_one, "{phase:?}");
            let last = [Phase::Last, Phase::Lingering, Phase::Over];
            let ends_only =
                EVENTS.into_iter().filter_map(|event| phase.after(event)).all(|next| last.contains(&next));
            assert_eq!((phase.is_last(), last.contains(&phase)), (ends_only, ends_only), "{phase:?}");
        }
    }

    #[test]
    fn what_happens_changes_the_phase() {
        for (phase, event) in PHASES.into_iter().flat_map(|phase| EVENTS.map(|event| (phase, event))) {
            if let Some(next) = phase.after(event) {
                let mut changed = phase;
                changed.happens(event);
                assert_eq!(changed, next, "{phase:?} after {event:?}");
            }
        }
    }
}
