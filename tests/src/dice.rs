//! A repeatable source of choices: xorshift64* (Marsaglia, Vigna). Nothing here is secret.

/// The generator.
#[derive(Debug)]
pub struct Dice(u64);

impl Dice {
    /// The generator for one of several threads.
    pub fn new(seed: u64, thread: u64) -> Self {
        // Similar seeds must not give similar sequences, and the state is never zero.
        let mixed = (seed ^ thread.wrapping_mul(0x9e37_79b9_7f4a_7c15)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mut dice = Self(mixed | 1);
        for _ in 0..8 {
            dice.next();
        }
        dice
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }

    /// A number from `least` to `most`.
    pub fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.next() % (most - least + 1)
    }

    /// A length from `least` to `most`, usually a small one.
    pub fn length(&mut self, least: u64, most: u64) -> u64 {
        let bound = 1 << self.between(0, u64::from(64 - most.leading_zeros()));
        self.between(least, bound.min(most).max(least))
    }

    /// Whether it happens that has this chance.
    pub fn chance(&mut self, percent: u64) -> bool {
        self.between(1, 100) <= percent
    }

    /// One of these.
    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        let last = of.len() as u64 - 1;
        &of[index(self.between(0, last))]
    }

    /// Any byte.
    pub fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[0]
    }

    /// A place below this one.
    pub fn index(&mut self, below: usize) -> usize {
        index(self.between(0, below as u64 - 1))
    }
}

/// A length or a place that was a `usize`, or is small.
pub fn index(number: u64) -> usize {
    usize::try_from(number).expect("a number that fits")
}

#[test]
fn the_same_seed_makes_the_same_choices() {
    let choices = |seed, thread| {
        let mut dice = Dice::new(seed, thread);
        (0..100).map(|_| dice.between(1, 1000)).collect::<Vec<_>>()
    };
    assert_eq!(choices(1, 1), choices(1, 1));
    assert_ne!(choices(1, 1), choices(1, 2));
    assert_ne!(choices(1, 1), choices(2, 1));
    assert!(choices(0, 0).iter().any(|choice| *choice > 900));
}
