//! The tokens of connections in the poller, and the hints that it gives about them.

use mio::Token;

use crate::handler::wire::{Others, Want};

pub(super) const WAKER: Token = Token(usize::MAX);

/// The pollers of other shards, which one thread attends: one token for each, from here on downwards.
pub(super) const SHARDS: usize = usize::MAX - 1;

/// The listeners, from here on downwards, below all shards.
const LISTENERS: usize = usize::MAX - 128;

/// The maximum number of listeners of a server.
pub(super) const MAX_LISTENERS: usize = 512;

pub(super) fn listener_token(number: usize) -> Token {
    Token(LISTENERS - number)
}

/// The number of the listener, if the token is a listener's.
pub(super) fn listener_number(token: Token) -> Option<usize> {
    LISTENERS.checked_sub(token.0).filter(|number| *number < MAX_LISTENERS)
}

/// What is worth another attempt, as far as the poller knows. These are hints: only an I/O call shows the truth.
pub(super) const READ: u8 = 1;
pub(super) const WRITE: u8 = 2;
/// The client has shut down writing. It stays set, since no further event will report the end that a short read hid.
pub(super) const READ_CLOSED: u8 = 4;
/// Urgent data has arrived. It stays set, since a read ends before such data, and so may be short although more is here.
pub(super) const URGENT: u8 = 8;

/// Nothing more can be sent to the client: it has reset the connection, or closed a unix socket. It stays set.
pub(super) const GONE: u8 = 16;

/// A handle on the response has left something for the connection.
pub(super) const NOTICE: u8 = 32;

/// Handles may have room again to send.
pub(super) const ROOM: u8 = 64;

/// Bits of a token for the index of a place in the table; its generation has the rest.
pub(super) const INDEX_BITS: u32 = usize::BITS / 2;

/// How many connections the tokens can distinguish, with some in reserve.
pub(super) const MAX_CONNECTIONS: usize = (1 << INDEX_BITS) - 1024;

/// The hints that the poller sets when what is wanted may be there.
pub(super) fn hint_for(want: Want) -> u8 {
    match want {
        Want::Input => READ | READ_CLOSED,
        Want::Room => WRITE,
        Want::Notice(Others { input, room, end, loss }) => {
            let if_wanted = |is_wanted: bool, hint| if is_wanted { hint } else { 0 };
            NOTICE
                | if_wanted(input, READ | READ_CLOSED)
                | if_wanted(room, WRITE)
                | if_wanted(end, READ_CLOSED)
                | if_wanted(loss, GONE)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_of_listeners_are_like_no_others() {
        for number in [0, 1, MAX_LISTENERS - 1] {
            let token = listener_token(number);
            assert_eq!(listener_number(token), Some(number));
            assert!(token.0 > MAX_CONNECTIONS && token.0 < SHARDS - 64 && token != WAKER);
        }
        assert_ne!(listener_token(0), listener_token(1));
        assert_ne!(WAKER, Token(SHARDS));
        for token in [WAKER, Token(SHARDS), Token(LISTENERS + 1), Token(LISTENERS - MAX_LISTENERS), Token(0)]
        {
            assert_eq!(listener_number(token), None);
        }
        // A generation and an index.
        assert_eq!(MAX_CONNECTIONS.ilog2(), INDEX_BITS - 1);
        assert_eq!(INDEX_BITS * 2, usize::BITS);
    }

    #[test]
    fn what_is_wanted_may_be_there_once_it_is_reported() {
        let none = Others::default();
        for (want, hints) in [
            (Want::Input, READ | READ_CLOSED),
            (Want::Room, WRITE),
            (Want::Notice(none), NOTICE),
            (Want::Notice(Others { input: true, ..none }), NOTICE | READ | READ_CLOSED),
            (Want::Notice(Others { room: true, ..none }), NOTICE | WRITE),
            (Want::Notice(Others { end: true, ..none }), NOTICE | READ_CLOSED),
            (Want::Notice(Others { loss: true, ..none }), NOTICE | GONE),
            (
                Want::Notice(Others { input: true, room: true, end: true, loss: true }),
                NOTICE | READ | READ_CLOSED | WRITE | GONE,
            ),
        ] {
            assert_eq!(hint_for(want), hints, "{want:?}");
        }
        assert_eq!([READ, WRITE, READ_CLOSED, URGENT, GONE, NOTICE, ROOM].into_iter().sum::<u8>(), 127);
    }
}
