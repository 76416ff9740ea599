//! The order in which a folder is listed.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::ffi::{OsStr, OsString};

use super::room::Charge;
use crate::files::entry::Entry;

/// The order that the page's own links ask for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(in crate::files) struct Order {
    pub(in crate::files) by: Column,
    pub(in crate::files) descending: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(in crate::files) enum Column {
    #[default]
    Name,
    Size,
    Date,
}

impl Order {
    pub(in crate::files) fn of(query: &str) -> Self {
        let mut order = Self::default();
        for pair in query.split('&') {
            match pair {
                "sort=name" => order.by = Column::Name,
                "sort=size" => order.by = Column::Size,
                "sort=date" => order.by = Column::Date,
                "order=desc" => order.descending = true,
                _ => {}
            }
        }
        order
    }
}

impl Column {
    pub(in crate::files) const ALL: [Self; 3] = [Self::Name, Self::Size, Self::Date];

    pub(in crate::files) fn word(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Size => "size",
            Self::Date => "date",
        }
    }
}

/// The first names of a folder, which may have any number, after those that were already shown.
pub(in crate::files) struct First {
    most: usize,
    after: Option<Ranked>,
    reversed: bool,
    names: BinaryHeap<Ranked>,
    /// The memory of the names, and the share it comes from, if it is bounded.
    bytes: usize,
    charge: Option<Charge>,
    /// How many more follow.
    pub(in crate::files) more: usize,
}

#[derive(PartialEq, Eq)]
struct Ranked {
    name: OsString,
    reversed: bool,
}

impl Ranked {
    fn compared_with(&self, name: &OsStr) -> Ordering {
        let compared = natural(self.name.as_encoded_bytes(), name.as_encoded_bytes());
        if self.reversed { compared.reverse() } else { compared }
    }
}

impl Ord for Ranked {
    fn cmp(&self, other: &Self) -> Ordering {
        self.compared_with(&other.name)
    }
}

impl PartialOrd for Ranked {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl First {
    /// At most this many, in ascending or descending order of names.
    pub(in crate::files) fn new(most: usize, order: Order, after: Option<OsString>) -> Self {
        let reversed = order.by == Column::Name && order.descending;
        let after = after.map(|name| Ranked { name, reversed });
        Self { most, after, reversed, names: BinaryHeap::new(), bytes: 0, charge: None, more: 0 }
    }

    /// Limits the names to this share of memory.
    pub(in crate::files) fn within(mut self, charge: Charge) -> Self {
        self.charge = Some(charge);
        self
    }

    /// Offers a name. False if there is no room for it.
    pub(in crate::files) fn offer(&mut self, name: &OsStr) -> bool {
        if self.after.as_ref().is_some_and(|after| after.compared_with(name).is_ge()) {
            return true;
        }
        // A folder may have any number of names that are not among the first: those are not copied.
        let reversed = self.reversed;
        let ranked = || Ranked { name: name.to_owned(), reversed };
        if self.names.len() < self.most {
            self.bytes += size_of::<Ranked>() + name.len();
            self.names.push(ranked());
        } else {
            self.more += 1;
            if let Some(mut last) = self.names.peek_mut()
                && last.compared_with(name).is_gt()
            {
                self.bytes = self.bytes + name.len() - last.name.len();
                *last = ranked();
            }
        }
        let bytes = self.bytes;
        self.charge.as_mut().is_none_or(|charge| charge.cover(bytes))
    }

    /// The names in order, and the memory that they take.
    pub(in crate::files) fn into_names(self) -> (Vec<OsString>, Option<Charge>) {
        let names = self.names.into_sorted_vec().into_iter().map(|ranked| ranked.name).collect();
        (names, self.charge)
    }
}

/// Sorts folders first.
pub(in crate::files) fn sort(entries: &mut [Entry], order: Order) {
    entries.sort_by(|a, b| {
        let by_name = || natural(a.name.as_encoded_bytes(), b.name.as_encoded_bytes());
        let compared = match order.by {
            Column::Name => by_name(),
            Column::Size => a.size.cmp(&b.size).then_with(by_name),
            Column::Date => a.modified.cmp(&b.modified).then_with(by_name),
        };
        let compared = if order.descending { compared.reverse() } else { compared };
        b.is_directory.cmp(&a.is_directory).then(compared)
    });
}

/// Natural order: ignores case, and compares numbers by value.
fn natural(a: &[u8], b: &[u8]) -> Ordering {
    let (mut left, mut right) = (a, b);
    loop {
        let is_digit = |text: &[u8]| text.first().is_some_and(u8::is_ascii_digit);
        // Checked first, so that long runs of digits are not counted again for each name without digits.
        if is_digit(left) && is_digit(right) {
            let (one, other) = (digits(left), digits(right));
            let (x, y) = (without_zeros(one), without_zeros(other));
            let compared = x.len().cmp(&y.len()).then_with(|| x.cmp(y));
            if compared != Ordering::Equal {
                return compared;
            }
            left = left.get(one.len()..).unwrap_or_default();
            right = right.get(other.len()..).unwrap_or_default();
            continue;
        }
        match (left.split_first(), right.split_first()) {
            (Some((x, rest)), Some((y, other_rest))) => {
                let compared = x.to_ascii_lowercase().cmp(&y.to_ascii_lowercase());
                if compared != Ordering::Equal {
                    return compared;
                }
                (left, right) = (rest, other_rest);
            }
            // Names that differ in nothing else still have a fixed order.
            (None, None) => return a.cmp(b),
            (one, other) => return one.is_some().cmp(&other.is_some()),
        }
    }
}

fn digits(text: &[u8]) -> &[u8] {
    let count = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    text.get(..count).unwrap_or_default()
}

fn without_zeros(digits: &[u8]) -> &[u8] {
    let zeros = digits.iter().take_while(|digit| **digit == b'0').count();
    digits.get(zeros..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_have_each_name_once_and_in_order() {
        for descending in [false, true] {
            let order = Order { by: Column::Name, descending };
            let (mut seen, mut after) = (Vec::new(), None);
            loop {
                let mut first = First::new(3, order, after);
                (1..=10).for_each(|number| assert!(first.offer(format!("f{}", number * 7 % 11).as_ref())));
                let more = first.more;
                let (names, _) = first.into_names();
                assert_eq!(10 - seen.len(), names.len() + more);
                after = names.last().cloned();
                seen.extend(names);
                if more == 0 {
                    break;
                }
            }
            let mut wanted: Vec<_> = (1..=10).map(|number| OsString::from(format!("f{number}"))).collect();
            if descending {
                wanted.reverse();
            }
            assert_eq!(seen, wanted);
        }
    }

    #[test]
    fn names_have_as_much_memory_as_there_is() {
        let room = std::sync::Arc::default();
        let long = "x".repeat(250);
        let most = 3 * (size_of::<Ranked>() + long.len());
        let first = || First::new(3, Order::default(), None).within(Charge::of(&room, most));
        let (mut one, mut other) = (first(), first());
        // Keeps the first three, however many are offered.
        assert!((0..10).rev().all(|number| one.offer(format!("{number}{}", &long[1..]).as_ref())));
        assert!(!other.offer("a".as_ref()));
        drop(one.into_names());
        assert!(other.offer("b".as_ref()));
    }

    #[test]
    fn names_as_people_sort_them() {
        let sorted = ["", "1", "01", "2", "10", "a", "A1", "a2b", "A10", "b", "B.txt", "b.txt2", "\u{e4}"];
        for (at, one) in sorted.iter().enumerate() {
            for (other_at, other) in sorted.iter().enumerate() {
                if (*one, *other) != ("1", "01") && (*one, *other) != ("01", "1") {
                    assert_eq!(natural(one.as_bytes(), other.as_bytes()), at.cmp(&other_at), "{one} {other}");
                }
            }
        }
        assert_ne!(natural(b"1", b"01"), Ordering::Equal);
    }
}
