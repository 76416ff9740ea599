//! How connections end.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// It had a request in hand, or a response under way.
    Finished,
    /// It waited for a request.
    Idle,
    /// It was ended before its request was answered.
    Cut,
}
