//! What the samples of a resource say over all windows, from minutes to weeks, and when it would be full.

use serde::Serialize;

use super::samples::{Samples, Span, FAST};
use super::statistics::quantile;
use super::verdict::{judge, Judged, Verdict, DAY_MS};
use headroom_facts::vocabulary::Name;

/// How long it takes until nothing is left, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Full {
    /// At the slope that is likely.
    pub in_ms: u64,
    /// At the steepest that fits.
    pub earliest_ms: u64,
    /// At the flattest that fits; nothing if that never gets there.
    pub latest_ms: Option<u64>,
}

/// The trend of one resource.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outlook {
    /// What it does.
    pub verdict: Verdict,
    /// The window that says so, in milliseconds.
    pub window_ms: u64,
    /// How far back the change began, at least, in milliseconds.
    pub since_ms: u64,
    /// Change in an hour.
    pub per_hour: f64,
    /// When nothing is left, if it grows and there is a limit.
    pub full: Option<Full>,
    /// It grows to where it often was in the last two weeks, and came back from: that is no alarm.
    pub is_known: bool,
}

/// The windows: their points, and the fewest that say anything.
const WINDOWS: [(Span, usize, usize); 6] = [
    (Span::Fast, 180, 150),
    (Span::Fast, FAST, 300),
    (Span::Minutes, 180, 30),
    (Span::Quarters, 3 * 96, 2 * 96),
    (Span::Quarters, 7 * 96, 5 * 96),
    (Span::Quarters, 14 * 96, 10 * 96),
];

/// So many windows back a level counts as one that the node has come back from.
const MEMORY: u64 = 10;
/// The share of that time in which it lay lower, and the share by which a rise must pass it.
const USUAL: f64 = 0.95;
const BEYOND: f64 = 1.02;
const HOUR_MS: f64 = 3_600_000.0;

/// Judges the samples of a resource. `week_ms` is the time since Monday's first, as far as that is known; `free` what is
/// left now, if there is a limit.
pub fn outlook(samples: &Samples, name: Name, week_ms: Option<u64>, free: Option<u64>) -> Outlook {
    let mut shorter: Vec<(u64, Judged)> = Vec::new();
    let mut found: Option<(u64, Judged)> = None;
    for (span, most, fewest) in WINDOWS {
        let mut window = samples.window(name, span, most);
        if window.lows.len() < fewest {
            continue;
        }
        let length_ms = window.lows.len() as u64 * window.step_ms;
        window.week_ms = week_ms.map(|now| begin_of(now, length_ms));
        let judged = judge(&window);
        let moves = matches!(judged.verdict, Verdict::Growing | Verdict::Draining);
        let counts =
            !moves || is_news(samples, name, length_ms, &judged) && is_seen(&shorter, &judged);
        let judged = if counts { judged } else { still(judged) };
        found = match found {
            // The longest window that moves knows the pace best; without one, the longest says what there is.
            Some(found) if rank(judged.verdict) < rank(found.1.verdict) => Some(found),
            _ => Some((length_ms, judged)),
        };
        shorter.push((length_ms, judged));
    }
    let Some((window_ms, judged)) = found else {
        return Outlook {
            verdict: Verdict::TooShort,
            window_ms: samples.observed_ms(),
            since_ms: 0,
            per_hour: 0.0,
            full: None,
            is_known: false,
        };
    };
    let growing = judged.verdict == Verdict::Growing;
    Outlook {
        verdict: judged.verdict,
        window_ms,
        since_ms: judged.since_ms,
        per_hour: judged.slope * HOUR_MS,
        full: free
            .filter(|_| growing)
            .map(|free| full(samples, name, &judged, free)),
        is_known: growing
            && !is_near_end(&judged, free)
            && is_known(samples, name, window_ms, &judged),
    }
}

fn rank(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::TooShort => 0,
        Verdict::Steady | Verdict::Plateau => 1,
        Verdict::Draining => 2,
        Verdict::Growing => 3,
    }
}

/// A change that does not count.
fn still(judged: Judged) -> Judged {
    Judged {
        verdict: Verdict::Steady,
        slope: 0.0,
        range: (0.0, 0.0),
        ..judged
    }
}

/// Whether a rise goes beyond what was usual before its window: below that, it is a wave that is known already.
fn is_news(samples: &Samples, name: Name, length_ms: u64, judged: &Judged) -> bool {
    if judged.verdict != Verdict::Growing || length_ms >= DAY_MS {
        return true;
    }
    let minute = samples.step_ms(Span::Minutes);
    let (window, memory) = (length_ms / minute, length_ms * MEMORY / minute);
    let mut before = samples.window(name, Span::Minutes, memory as usize).highs;
    before.truncate(before.len().saturating_sub(window as usize));
    let mut before: Vec<f64> = before.into_iter().flatten().collect();
    // A history shorter than the window itself has seen no wave of this length.
    if (before.len() as u64) < window {
        return true;
    }
    quantile(&mut before, USUAL).is_none_or(|usual| judged.top > usual * BEYOND)
}

/// So often in two weeks must the node have been there.
const OFTEN: f64 = 0.98;
/// With less than this share left, it does not matter how often it was there.
const LAST: f64 = 0.05;

/// Whether it often was where it grows to, before its window: a quiet weekend makes of every Monday a steep rise.
fn is_known(samples: &Samples, name: Name, length_ms: u64, judged: &Judged) -> bool {
    let quarter = samples.step_ms(Span::Quarters);
    let mut before = samples.window(name, Span::Quarters, 14 * 96).highs;
    before.truncate(
        before
            .len()
            .saturating_sub(length_ms.div_ceil(quarter) as usize),
    );
    let mut before: Vec<f64> = before.into_iter().flatten().collect();
    if (before.len() as u64) * quarter < DAY_MS {
        return false;
    }
    quantile(&mut before, OFTEN).is_some_and(|often| judged.top <= often * BEYOND)
}

fn is_near_end(judged: &Judged, free: Option<u64>) -> bool {
    free.is_some_and(|free| (free as f64) < LAST * (judged.top + free as f64))
}

/// Whether every shorter window that would have to see the change sees it: else it is over.
fn is_seen(shorter: &[(u64, Judged)], judged: &Judged) -> bool {
    shorter.iter().all(|(length_ms, of_shorter)| {
        let expected = (judged.slope * *length_ms as f64).abs();
        of_shorter.verdict == judged.verdict || expected < SHOWS * of_shorter.least
    })
}

/// A change must be so many times the least that a window can show before its silence counts.
const SHOWS: f64 = 3.0;

fn full(samples: &Samples, name: Name, judged: &Judged, free: u64) -> Full {
    let now = samples.window(name, Span::Fast, 1).lows.pop().flatten();
    // What bursts and saw-teeth add on top now and then uses up the room, too.
    let room = free as f64 - (judged.top - now.unwrap_or(judged.top)).max(0.0);
    let ms = |slope: f64| (room.max(0.0) / slope).min(u64::MAX as f64 / 2.0) as u64;
    Full {
        in_ms: ms(judged.slope),
        earliest_ms: ms(judged.range.1),
        latest_ms: (judged.range.0 > 0.0).then(|| ms(judged.range.0)),
    }
}

/// When in the week a window began that ends now.
fn begin_of(now_ms: u64, length_ms: u64) -> u64 {
    const WEEK_MS: u64 = 7 * DAY_MS;
    (now_ms % WEEK_MS + WEEK_MS - length_ms % WEEK_MS) % WEEK_MS
}
