//! Output on its way to the client: how much of the responses was sent, and what is attached between their bytes.

use std::collections::VecDeque;

use super::attached::Attached;
use crate::proto::response::Response;

#[derive(Debug, Default)]
pub(super) struct Output {
    state: OutputState,
    /// Attached data between the bytes of the responses, ordered by place.
    pub(super) attached: VecDeque<Attached>,
    /// Bytes that the last attempt to send has left.
    unsent: usize,
    /// Bytes sent since the current request began.
    pub(super) sent: u64,
    /// The status of the response, once it was counted.
    pub(super) counted_status: u16,
    /// The number of the route that answers the current request.
    pub(super) route: Option<u16>,
}

/// Whether more can be sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum OutputState {
    #[default]
    Open,
    /// The response was cut short; nothing may be added to it.
    Cut,
    /// The connection accepts no more output.
    Dead,
}

impl Output {
    /// Begins a connection that has had no request yet, or has rested. Everything else is as [`is_at_rest`](Self::is_at_rest)
    /// has found it.
    pub(super) fn begin_connection(&mut self) {
        self.unsent = 0;
        self.sent = 0;
        self.counted_status = 0;
        self.route = None;
    }

    #[inline]
    pub(super) fn begin_request(&mut self) {
        self.sent = 0;
        self.counted_status = 0;
        self.route = None;
    }

    pub(super) fn is_at_rest(&self) -> bool {
        self.attached.is_empty() && self.is_open()
    }

    #[inline]
    pub(super) fn is_open(&self) -> bool {
        self.state == OutputState::Open
    }

    #[inline]
    pub(super) fn is_cut(&self) -> bool {
        self.state == OutputState::Cut
    }

    #[inline]
    pub(super) fn is_dead(&self) -> bool {
        self.state == OutputState::Dead
    }

    /// Allows nothing more to be added to the response.
    pub(super) fn cut(&mut self) {
        self.state = OutputState::Cut;
    }

    /// The connection accepts no more output.
    pub(super) fn die(&mut self) {
        self.state = OutputState::Dead;
        self.attached.clear();
    }

    /// The client has taken this many ready bytes of the responses.
    pub(super) fn took(&mut self, count: usize, responses: &mut Response) {
        responses.sent(count);
        for attached in &mut self.attached {
            attached.offset = attached.offset.saturating_sub(count);
        }
        self.sent += count as u64;
        self.unsent = responses.gathered();
    }

    /// The client has taken this many bytes of the first attachment.
    pub(super) fn took_attached(&mut self, count: usize) {
        if let Some(next) = self.attached.front_mut() {
            if next.advance(count as u64) {
                self.attached.pop_front();
            }
            self.sent += count as u64;
        }
    }

    /// Bytes that the server keeps for the client, beyond those in the buffer.
    pub(super) fn kept(&self) -> u64 {
        self.attached.iter().map(Attached::kept_bytes).sum()
    }

    /// Unsent bytes of attachments.
    pub(super) fn left(&self) -> u64 {
        self.attached.iter().map(Attached::left).sum()
    }

    /// Pieces that the handler has handed over. Copies have a limit of their own.
    pub(super) fn handed_over(&self) -> usize {
        self.attached.iter().filter(|attached| attached.is_handed_over()).count()
    }

    /// The client had no room for the ready bytes.
    pub(super) fn has_no_room(&mut self, responses: &Response) {
        self.unsent = responses.gathered();
    }

    /// Ready bytes that no attempt to send has covered.
    pub(super) fn untried(&self, responses: &Response) -> usize {
        responses.gathered().saturating_sub(self.unsent)
    }

    /// Whether the client had no room for some of the output.
    #[inline]
    pub(super) fn is_behind(&self) -> bool {
        self.unsent > 0 || !self.attached.is_empty()
    }
}
