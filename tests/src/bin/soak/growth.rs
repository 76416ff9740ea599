//! Whether memory grows. It is measured only at quiet points, when no connection is open.

/// A quiet point.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Quiet {
    pub(crate) minute: f64,
    /// Requests, connections and other attempts of clients so far.
    pub(crate) tries: u64,
    /// In KiB.
    pub(crate) memory: u64,
}

/// The allocator keeps memory that traffic once needed. That grows in steps, up to the highest level: within ten minutes, or
/// within half an hour on a busy machine. So the first half of a run is left out, and at least this many minutes.
const WARM_UP: f64 = 20.0;
/// How many quiet points are needed for a line through them.
const ENOUGH: usize = 8;
/// The slope that counts as a leak, in KiB per minute, and the least growth in the second half. An hour with everything had
/// 23 MiB at its first quiet point, 38 MiB after ten minutes, and the same 38 MiB, within 200 KiB, at each one after that. In
/// an hour, a leak of ten bytes per attempt makes more than the growth here.
const SLOPE: f64 = 64.0;
const TOTAL: f64 = 10_240.0;

/// Earlier, only a large leak can be distinguished from the warm-up: this many KiB in total, and this many bytes per
/// attempt.
const SHORT_TOTAL: u64 = 16 * 1024;
const SHORT_BYTES: u64 = 512;

/// What is wrong with the memory.
pub(crate) fn growth(quiets: &[Quiet]) -> Option<String> {
    let (first, last) = (quiets.first()?, quiets.last()?);
    let warm_up = WARM_UP.max(last.minute / 2.0);
    let warm: Vec<_> = quiets.iter().filter(|quiet| quiet.minute >= warm_up).copied().collect();
    if warm.len() >= ENOUGH {
        let slope = slope(&warm);
        let total = slope * (last.minute - warm[0].minute);
        let is_leak = slope > SLOPE && total > TOTAL;
        return is_leak.then(|| format!("memory grows by {slope:.0} KiB a minute, {total:.0} KiB in all"));
    }
    let grown = last.memory.saturating_sub(first.memory);
    let each = grown * 1024 / (last.tries - first.tries).max(1);
    let is_leak = grown > SHORT_TOTAL && each > SHORT_BYTES;
    is_leak.then(|| format!("memory grows: {grown} KiB, {each} bytes for each request"))
}

/// The median of the slopes between any two points (Theil and Sen). Steps up or down, as the allocator makes them, do not
/// affect it as they would affect a least-squares line.
pub(crate) fn slope(quiets: &[Quiet]) -> f64 {
    let mut slopes = Vec::new();
    for (at, one) in quiets.iter().enumerate() {
        for other in &quiets[at + 1..] {
            let grown = kib(other.memory) - kib(one.memory);
            slopes.push(grown / (other.minute - one.minute).max(0.001));
        }
    }
    slopes.sort_by(f64::total_cmp);
    slopes.get(slopes.len() / 2).copied().unwrap_or_default()
}

fn kib(memory: u64) -> f64 {
    f64::from(u32::try_from(memory).unwrap_or(u32::MAX))
}

/// The points of a run of this many minutes.
#[cfg(test)]
fn points(minutes: u32, memory: impl Fn(u32) -> u64) -> Vec<Quiet> {
    (0..=minutes)
        .map(|minute| Quiet {
            minute: f64::from(minute),
            tries: u64::from(minute) * 50_000,
            memory: memory(minute),
        })
        .collect()
}

#[test]
fn memory_that_comes_to_rest_is_no_growth() {
    let noise = [0, 300, 120, 700, 40, 650, 310];
    assert_eq!(growth(&points(20, |_| 9000)), None);
    let rests = |minute: u32| 9000 + u64::from(minute.min(5)) * 2000 + noise[minute as usize % 7];
    assert_eq!(growth(&points(20, rests)), None);
    // One step of an allocator, unless it is in the middle.
    assert_eq!(growth(&points(20, |minute| if minute < 17 { 9000 } else { 12_000 })), None);
    assert_eq!(growth(&points(2, |minute| 3000 + u64::from(minute) * 1500)), None);
    assert_eq!(growth(&[]), None);
    // Of a busy machine.
    let late =
        [24460, 29152, 22796, 26756, 26756, 22808, 22640, 23368, 30796, 30820, 31388, 31348, 37936, 38700];
    for minutes in 2..60 {
        assert_eq!(growth(&points(minutes, |minute| late[13.min(minute as usize)])), None, "{minutes}");
        assert_eq!(growth(&points(minutes, |minute| late[13.min(minute as usize / 2)])), None, "{minutes}");
    }
}

#[test]
fn memory_that_goes_on_growing_is_found() {
    let noise = [0, 300, 120, 700, 40, 650, 310];
    // 8 bytes for each of 50,000 requests per minute, for an hour.
    let leaks = |minute: u32| 9000 + u64::from(minute) * 400 + noise[minute as usize % 7];
    assert!(growth(&points(60, leaks)).is_some());
    assert!(growth(&points(2, |minute| 3000 + u64::from(minute) * 50_000)).is_some());
}
