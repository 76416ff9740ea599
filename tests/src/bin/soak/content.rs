//! What handlers send and clients expect, so that every byte of a response can be checked.

/// A byte of a body. Neither 256 nor a power of two is its period, so a piece in the wrong place is detected.
pub(crate) fn byte(at: u64) -> u8 {
    (at % 251) as u8 ^ (at / 251 % 241) as u8
}

pub(crate) fn bytes(from: u64, to: u64) -> Vec<u8> {
    (from..to).map(byte).collect()
}

/// FNV-1a (Fowler, Noll, Vo). It continues from the hash of the bytes before.
pub(crate) fn checksum(before: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(before, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Something to compute.
pub(crate) fn compute(rounds: u64) -> u64 {
    (0..rounds).fold(rounds | 1, |sum, round| checksum(sum, &round.to_le_bytes()))
}

/// What the handler of `/sum` answers to a body.
pub(crate) fn sum(length: u64, sum: u64) -> String {
    format!("{length} bytes, {sum:016x}\n")
}
