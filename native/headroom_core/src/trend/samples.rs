//! Three weeks of a node in less than a hundred kilobytes: the last ten minutes in full, a day by minutes, two weeks by
//! quarters of an hour, and the peaks with their times.
//!
//! Time is that of a clock which nobody sets. A sample that came late leaves a hole, and is counted.

use std::cmp::Reverse;
use std::collections::VecDeque;

use super::compact::{Half, Quarter};
use super::statistics::quantile;
use super::verdict::Window;
use headroom_facts::vocabulary::Name;

/// How many resources are sampled.
const RESOURCES: usize = Name::ALL.len();
/// Samples that are kept in full.
pub const FAST: usize = 600;
const MINUTE_MS: u64 = 60_000;
const QUARTER_MS: u64 = 15 * MINUTE_MS;
const DAY_OF_MINUTES: usize = 24 * 60;
const TWO_WEEKS_OF_QUARTERS: usize = 14 * 24 * 4;
const HOUR_OF_MINUTES: usize = 60;

/// What was used of each resource, in listed order; nothing where it was not known.
pub type Used = [Option<u64>; RESOURCES];

/// The highest that was seen, and when.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Highest {
    /// How many.
    pub used: u64,
    /// When, on the clock of the samples.
    pub at_ms: u64,
}

/// How a stretch of time is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    /// Single samples.
    Fast,
    /// Minutes.
    Minutes,
    /// Quarters of an hour.
    Quarters,
}

/// One stretch of time of one resource: a tenth of the samples lie below `low`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Bucket {
    low: Half,
    below: Quarter,
    above: Quarter,
}

const NOTHING: Bucket = Bucket {
    low: Half::NOTHING,
    below: Quarter::NONE,
    above: Quarter::NONE,
};

impl Bucket {
    fn of(mut values: Vec<f64>) -> Bucket {
        let (min, max) = (least(&values), greatest(&values));
        match quantile(&mut values, LOW) {
            Some(low) => Bucket::new(low as u64, min as u64, max as u64),
            None => NOTHING,
        }
    }

    fn new(low: u64, min: u64, max: u64) -> Bucket {
        let kept = Half::new(low).get().unwrap_or(low);
        Bucket {
            low: Half::new(low),
            below: Quarter::new(kept.saturating_sub(min)),
            above: Quarter::new(max.saturating_sub(kept)),
        }
    }

    /// One bucket for several.
    fn joined(buckets: &[Bucket]) -> Bucket {
        let seen = || buckets.iter().filter_map(Bucket::numbers);
        let min = seen().map(|(_, min, _)| min).min();
        let max = seen().map(|(_, _, max)| max).max();
        let mut lows: Vec<f64> = seen().map(|(low, _, _)| low as f64).collect();
        match (quantile(&mut lows, LOW), min, max) {
            (Some(low), Some(min), Some(max)) => Bucket::new(low as u64, min, max),
            _ => NOTHING,
        }
    }

    /// Low, least and greatest.
    fn numbers(&self) -> Option<(u64, u64, u64)> {
        let low = self.low.get()?;
        let (below, above) = (self.below.get(), self.above.get());
        Some((low, low.saturating_sub(below), low + above))
    }
}

/// The share of samples that lie below the low value of a bucket.
const LOW: f64 = 0.1;
/// Stands for no sample among the single ones.
const UNSEEN: u32 = u32::MAX;

/// Numbered places, of which the last so many are kept.
#[derive(Clone, Debug)]
struct Ring<T> {
    places: VecDeque<T>,
    most: usize,
    /// The number that the next one in order has.
    next: u64,
}

impl<T: Copy> Ring<T> {
    fn new(most: usize) -> Ring<T> {
        Ring {
            places: VecDeque::with_capacity(most),
            most,
            next: 0,
        }
    }

    /// Puts one at its number, and `hole` at those that were left out; how many those were.
    fn put(&mut self, number: u64, place: T, hole: T) -> u64 {
        let left_out = number.saturating_sub(self.next);
        for _ in 0..left_out.min(self.most as u64) {
            self.push(hole);
        }
        self.next = number;
        self.push(place);
        left_out
    }

    fn push(&mut self, place: T) {
        if self.places.len() == self.most {
            self.places.pop_front();
        }
        self.places.push_back(place);
        self.next += 1;
    }

    /// Those with numbers from one to before another, as far as they are kept.
    fn between(&self, from: u64, to: u64) -> impl Iterator<Item = T> + '_ {
        let first = self.next - self.places.len() as u64;
        let index = |number: u64| number.clamp(first, self.next) - first;
        let (from, to) = (index(from) as usize, index(to.max(from)) as usize);
        self.places.range(from..to).copied()
    }
}

/// The samples of a node.
#[derive(Clone, Debug)]
pub struct Samples {
    interval_ms: u64,
    /// When the first was taken; the places are counted from here.
    first_ms: Option<u64>,
    last_ms: u64,
    taken: u64,
    skipped: u64,
    fast: Ring<[u32; RESOURCES]>,
    minutes: Ring<[Bucket; RESOURCES]>,
    quarters: Ring<[Bucket; RESOURCES]>,
    /// The highest of each of the last minutes, the one that runs included.
    hour: Ring<[Highest; RESOURCES]>,
    ever: [Highest; RESOURCES],
}

impl Samples {
    /// None yet; one is to come in each interval.
    pub fn new(interval_ms: u64) -> Samples {
        Samples {
            interval_ms: interval_ms.max(1),
            first_ms: None,
            last_ms: 0,
            taken: 0,
            skipped: 0,
            fast: Ring::new(FAST),
            minutes: Ring::new(DAY_OF_MINUTES),
            quarters: Ring::new(TWO_WEEKS_OF_QUARTERS),
            hour: Ring::new(HOUR_OF_MINUTES),
            ever: [Highest::default(); RESOURCES],
        }
    }

    /// Takes a sample. A second one in the same interval, or one from the past, is none.
    pub fn push(&mut self, now_ms: u64, used: &Used) -> bool {
        let first = *self.first_ms.get_or_insert(now_ms);
        let Some(since) = now_ms.checked_sub(first) else {
            return false;
        };
        // Rounded, so that a tick a little early or late is still its own.
        let place = (since + self.interval_ms / 2) / self.interval_ms;
        if place < self.fast.next {
            return false;
        }
        self.close(since);
        let kept =
            used.map(|used| used.map_or(UNSEEN, |used| used.min(u64::from(UNSEEN) - 1) as u32));
        self.skipped += self.fast.put(place, kept, [UNSEEN; RESOURCES]);
        self.taken += 1;
        self.last_ms = now_ms;
        self.raise(since / MINUTE_MS, now_ms, used);
        true
    }

    /// Makes buckets of the minutes and quarters that are over.
    fn close(&mut self, since: u64) {
        let minute = since / MINUTE_MS;
        while self.minutes.next < minute {
            // A gap longer than a day leaves nothing to close one by one.
            if minute - self.minutes.next > DAY_OF_MINUTES as u64 {
                self.minutes.next = minute - DAY_OF_MINUTES as u64;
                self.minutes.places.clear();
            }
            let number = self.minutes.next;
            let bucket = self.minute(number);
            self.minutes.push(bucket);
            let quarter = QUARTER_MS / MINUTE_MS;
            if self.minutes.next.is_multiple_of(quarter) {
                let at = self.minutes.next / quarter - 1;
                let bucket = self.quarter(at);
                self.quarters.put(at, bucket, [NOTHING; RESOURCES]);
            }
        }
    }

    fn minute(&self, number: u64) -> [Bucket; RESOURCES] {
        let half = self.interval_ms / 2;
        let place = |ms: u64| (ms + half) / self.interval_ms;
        let (from, to) = (place(number * MINUTE_MS), place((number + 1) * MINUTE_MS));
        let samples: Vec<_> = self.fast.between(from, to).collect();
        std::array::from_fn(|resource| {
            let seen = samples.iter().map(|sample| sample[resource]);
            Bucket::of(seen.filter(|&n| n != UNSEEN).map(f64::from).collect())
        })
    }

    fn quarter(&self, number: u64) -> [Bucket; RESOURCES] {
        let per = QUARTER_MS / MINUTE_MS;
        let minutes: Vec<_> = self
            .minutes
            .between(number * per, (number + 1) * per)
            .collect();
        std::array::from_fn(|resource| {
            let of_resource: Vec<Bucket> = minutes.iter().map(|minute| minute[resource]).collect();
            Bucket::joined(&of_resource)
        })
    }

    fn raise(&mut self, minute: u64, at_ms: u64, used: &Used) {
        if self.hour.next <= minute {
            self.hour.put(
                minute,
                [Highest::default(); RESOURCES],
                [Highest::default(); RESOURCES],
            );
        }
        let of_minute = self.hour.places.back_mut();
        for peaks in of_minute.into_iter().chain([&mut self.ever]) {
            for (peak, used) in peaks.iter_mut().zip(used) {
                if used.is_some_and(|used| used > peak.used) {
                    *peak = Highest {
                        used: used.unwrap_or(0),
                        at_ms,
                    };
                }
            }
        }
    }

    /// Milliseconds between two samples.
    pub fn interval_ms(&self) -> u64 {
        self.interval_ms
    }

    /// How long there have been samples.
    pub fn observed_ms(&self) -> u64 {
        self.first_ms.map_or(0, |first| self.last_ms - first)
    }

    /// When the last one was taken, if there is any.
    pub fn last_ms(&self) -> Option<u64> {
        self.first_ms.map(|_| self.last_ms)
    }

    /// How many were taken.
    pub fn taken(&self) -> u64 {
        self.taken
    }

    /// How many were due and not taken.
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    /// The highest use since the first sample; nothing if it was never known, or never above 0.
    pub fn highest_ever(&self, name: Name) -> Option<Highest> {
        Some(self.ever[index(name)]).filter(|peak| peak.used > 0)
    }

    /// The highest use within the last hour.
    pub fn highest_in_hour(&self, name: Name) -> Option<Highest> {
        let minute = self.observed_ms() / MINUTE_MS;
        let hour = self.hour.between(
            (minute + 1).saturating_sub(HOUR_OF_MINUTES as u64),
            minute + 1,
        );
        let peaks = hour.map(|minute| minute[index(name)]);
        peaks
            .max_by_key(|peak| (peak.used, Reverse(peak.at_ms)))
            .filter(|peak| peak.used > 0)
    }

    /// Milliseconds of one point of a span.
    pub fn step_ms(&self, span: Span) -> u64 {
        match span {
            Span::Fast => self.interval_ms,
            Span::Minutes => MINUTE_MS,
            Span::Quarters => QUARTER_MS,
        }
    }

    /// The last points of a resource, at most so many.
    pub fn window(&self, name: Name, span: Span, most: usize) -> Window {
        let step_ms = self.step_ms(span);
        let (lows, highs) = match span {
            Span::Fast => {
                let of = &self.fast;
                let from = of.next.saturating_sub(most as u64);
                let values: Vec<Option<f64>> = of
                    .between(from, of.next)
                    .map(|sample| sample[index(name)])
                    .map(|used| (used != UNSEEN).then(|| f64::from(used)))
                    .collect();
                (values.clone(), values)
            }
            Span::Minutes => of_buckets(&self.minutes, name, most),
            Span::Quarters => of_buckets(&self.quarters, name, most),
        };
        Window {
            lows,
            highs,
            step_ms,
            week_ms: None,
        }
    }

    /// Low, least and greatest of the last points of a span, the oldest first: what is drawn.
    pub fn band(&self, name: Name, span: Span, most: usize) -> Vec<Option<(u64, u64, u64)>> {
        let of_ring = |ring: &Ring<[Bucket; RESOURCES]>| {
            let from = ring.next.saturating_sub(most as u64);
            let buckets = ring.between(from, ring.next);
            buckets
                .map(|bucket| bucket[index(name)].numbers())
                .collect()
        };
        match span {
            Span::Minutes => of_ring(&self.minutes),
            Span::Quarters => of_ring(&self.quarters),
            Span::Fast => {
                let window = self.window(name, span, most);
                let same = |used: Option<f64>| used.map(|n| (n as u64, n as u64, n as u64));
                window.lows.into_iter().map(same).collect()
            }
        }
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        fn of<T>(ring: &Ring<T>) -> usize {
            ring.places.capacity() * size_of::<T>()
        }
        size_of::<Samples>()
            + of(&self.fast)
            + of(&self.minutes)
            + of(&self.quarters)
            + of(&self.hour)
    }
}

fn of_buckets(
    ring: &Ring<[Bucket; RESOURCES]>,
    name: Name,
    most: usize,
) -> (Vec<Option<f64>>, Vec<Option<f64>>) {
    let from = ring.next.saturating_sub(most as u64);
    let numbers = ring
        .between(from, ring.next)
        .map(|bucket| bucket[index(name)].numbers());
    let both = numbers.map(|numbers| (numbers.map(|n| n.0 as f64), numbers.map(|n| n.2 as f64)));
    both.unzip()
}

/// The place of a resource in a sample.
pub fn index(name: Name) -> usize {
    name as usize
}

fn least(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::INFINITY, f64::min)
}

fn greatest(values: &[f64]) -> f64 {
    values.iter().copied().fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn used(n: u64) -> Used {
        [Some(n), None, Some(n / 2), Some(0), Some(100_000), None]
    }

    fn filled(ticks: u64, of: impl Fn(u64) -> u64) -> Samples {
        let mut samples = Samples::new(1000);
        for tick in 0..ticks {
            samples.push(5_000_000 + tick * 1000, &used(of(tick)));
        }
        samples
    }

    // A node must be able to forget that it is watched: no growth with the uptime.
    #[test]
    fn three_weeks_are_below_a_hundred_kilobytes() {
        let mut samples = Samples::new(1000);
        for minute in 0..21 * 24 * 60 {
            samples.push(minute * MINUTE_MS, &used(minute));
        }
        assert!(samples.bytes() < 100_000, "{}", samples.bytes());
        assert_eq!(
            samples.window(Name::Fds, Span::Quarters, 5000).lows.len(),
            TWO_WEEKS_OF_QUARTERS
        );
        assert_eq!(
            samples.window(Name::Fds, Span::Minutes, 5000).lows.len(),
            DAY_OF_MINUTES
        );
    }

    // What is shown of a minute must be that minute's.
    #[test]
    fn a_minute_is_its_samples() {
        let samples = filled(181, |tick| 1000 + tick % 60);
        let minutes = samples.band(Name::Fds, Span::Minutes, 10);
        assert_eq!(
            minutes,
            vec![Some((1006, 1000, 1062)); 3],
            "the greatest is rounded up"
        );
        assert_eq!(samples.band(Name::Ports, Span::Minutes, 10), vec![None; 3]);
    }

    // A node that stood still for hours must show a hole, not a line across it.
    #[test]
    fn what_was_not_seen_is_a_hole_and_is_counted() {
        let mut samples = filled(60, |_| 10);
        samples.push(5_000_000 + 5 * MINUTE_MS, &used(10));
        assert_eq!(samples.skipped(), 240);
        let minutes = samples.band(Name::Fds, Span::Minutes, 10);
        assert_eq!(minutes.iter().filter(|minute| minute.is_none()).count(), 4);
        samples.push(5_000_000 + 60 * 24 * 3600 * 1000, &used(10));
        assert!(samples.bytes() < 100_000);
        assert_eq!(
            samples
                .window(Name::Fds, Span::Fast, 600)
                .lows
                .iter()
                .flatten()
                .count(),
            1
        );
    }

    // Two processes that tick at once, or a clock that jumps back, must not count twice.
    #[test]
    fn a_place_is_filled_once() {
        let mut samples = filled(10, |_| 10);
        assert!(!samples.push(5_009_300, &used(99)));
        assert!(!samples.push(1000, &used(99)));
        assert!(samples.push(5_009_700, &used(11)));
        assert_eq!((samples.taken(), samples.skipped()), (11, 0));
    }

    // The hour's peak must leave the hour; the other one stays.
    #[test]
    fn peaks_have_their_times() {
        let samples = filled(
            2 * 3600,
            |tick| if tick == 30 { 900 } else { 100 + tick / 3600 },
        );
        let ever = samples.highest_ever(Name::Fds).unwrap();
        assert_eq!((ever.used, ever.at_ms), (900, 5_030_000));
        let hour = samples.highest_in_hour(Name::Fds).unwrap();
        assert_eq!((hour.used, hour.at_ms), (101, 5_000_000 + 3_600_000));
        assert_eq!(samples.highest_ever(Name::Ports), None);
    }

    proptest! {
        // Whatever the times are, nothing panics and nothing grows.
        #[test]
        fn any_times_are_taken(times in prop::collection::vec(0..u64::MAX / 2, 1..50), interval in 0..5000_u64) {
            let mut samples = Samples::new(interval);
            for time in times {
                samples.push(time, &used(time));
            }
            prop_assert!(samples.bytes() < 100_000);
        }
    }
}
