//! Where an input is cut. The input itself decides, so that a file of the corpus contains only the bytes of a connection.

/// Pieces of one byte.
pub fn single(input: &[u8]) -> Vec<&[u8]> {
    input.chunks(1).collect()
}

/// Pieces of many lengths.
pub fn cut(input: &[u8]) -> Vec<&[u8]> {
    let mut random = Random::of(input);
    let mut pieces = Vec::new();
    let mut rest = input;
    while !rest.is_empty() {
        // Mostly short ones, so that lines are cut.
        let most = [2, 5, 17, 60, 4000][random.below(5)];
        let (piece, tail) = rest.split_at(rest.len().min(1 + random.below(most)));
        pieces.push(piece);
        rest = tail;
    }
    pieces
}

/// Numbers that depend only on the bytes given at the start.
struct Random(u64);

impl Random {
    fn of(bytes: &[u8]) -> Self {
        let hash = |hash: u64, &byte: &u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        Self(bytes.iter().fold(0xcbf2_9ce4_8422_2325, hash) | 1)
    }

    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 33) as usize % bound
    }
}
