//! What handlers send and clients expect, so that every byte of a response can be checked.

/// A byte of a body. Neither 256 nor a power of two is its period, so a piece in the wrong place is detected.
pub(crate) const fn byte(at: u64) -> u8 {
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

/// The length of the largest file, and of the bytes that are shared.
pub(crate) const LARGE: u64 = 3_000_000;

/// The lengths of the files.
pub(crate) const FILES: [u64; 6] = [0, 1, 1000, 70_000, 300_000, LARGE];

const ASSET: usize = 20_000;

/// A file in the program.
pub(crate) static TABLE: [u8; ASSET] = {
    let mut table = [0; ASSET];
    let mut at = 0;
    while at < ASSET {
        table[at] = byte(at as u64);
        at += 1;
    }
    table
};

/// A line of a stream.
pub(crate) fn tick(number: u64) -> String {
    format!("{number}: {:016x}\n", checksum(number, b"tick"))
}

/// An event, or a message: now and then a long one.
pub(crate) fn news(number: u64) -> String {
    let length = if number % 50 == 49 { 3000 } else { number % 40 };
    let text: String = (0..length).map(|at| char::from(b'a' + (at % 26) as u8)).collect();
    format!("{number}: {:016x} {text}", checksum(number, text.as_bytes()))
}

/// The answer to a long poll.
pub(crate) fn woken(key: u64) -> String {
    format!("{key} was woken\n")
}

/// What a tunnel makes of bytes.
pub(crate) fn turned(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().map(|byte| byte ^ 0x55).collect()
}

/// An event of 16 KiB.
pub(crate) fn flood(number: u64) -> String {
    let mut text = news(number);
    text.push(' ');
    text.extend((0..16 * 1024).map(|at| char::from(b'a' + ((number + at) % 26) as u8)));
    text
}
