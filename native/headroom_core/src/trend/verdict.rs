//! What a window of samples says: whether it grows, how fast, and from where.
//!
//! The window is cut into blocks, and each keeps the level that a tenth of its samples lie below: under a saw-tooth, above
//! the dips of a restart. A direction needs four things: it is significant, it matters, it is recent, and it is no step.

use super::statistics::{fit, fit_seasons, median, quantile, scatter, Fit};

atoms! {
    /// What a series does.
    pub enum Verdict {
        /// It stays where it is, waves and bursts included.
        Steady = "steady",
        /// It rose, and stays there now.
        Plateau = "plateau",
        /// It rises, and nothing in the window says that it will stop.
        Growing = "growing",
        /// It falls.
        Draining = "draining",
        /// There is not enough to tell.
        TooShort = "too_short",
    }
}

/// Samples at equal distances, the oldest first; what was not seen is not there.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Window {
    /// The lower values of each stretch of time; the values themselves where a stretch is one sample.
    pub lows: Vec<Option<f64>>,
    /// The highest value of each stretch.
    pub highs: Vec<Option<f64>>,
    /// Milliseconds from one to the next.
    pub step_ms: u64,
    /// When in the week it begins, in milliseconds from Monday's first on; a hint, and it may be off by a time zone.
    pub week_ms: Option<u64>,
}

/// What a window says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Judged {
    /// The word.
    pub verdict: Verdict,
    /// Change in a millisecond; 0 unless it grows or drains.
    pub slope: f64,
    /// The ends of the slope's interval at 99 %.
    pub range: (f64, f64),
    /// The highest value of the last sixth: where the way to the limit begins.
    pub top: f64,
    /// How far back the change began, in milliseconds.
    pub since_ms: u64,
    /// A smaller change than this does not show in this window.
    pub least: f64,
}

/// Blocks of a window without seasons. More of them see each less, and a saw-tooth shows through.
const BLOCKS: usize = 16;
/// Blocks of a day.
const DAILY: usize = 12;
/// A day, in milliseconds.
pub const DAY_MS: u64 = 86_400_000;
/// The share of a block's samples that lie below its level.
const LOW: f64 = 0.1;
/// Less is no change worth a word, whatever the level is.
const LEAST: f64 = 8.0;
/// The normal score from which a direction is none by chance; the values are not independent, so it is high.
const SURE: f64 = 3.3;

/// How strictly a stretch is judged.
struct Rule {
    /// The change must be this share of the level,
    share: f64,
    /// this many times the scatter around the line,
    noise: f64,
    /// its second half must be as steep as this share of the whole,
    recent: f64,
    /// and no single step may make up more than this share of it.
    step: f64,
}

const WHOLE: Rule = Rule {
    share: 0.05,
    noise: 3.0,
    recent: 0.3,
    step: 0.62,
};
/// For the last part alone: what began late has less to show, and more must be clear.
const LATE: Rule = Rule {
    share: 0.06,
    noise: 3.0,
    recent: 0.5,
    step: 0.5,
};
/// The first and the last block in which that part may begin.
const EARLIEST: usize = 3;
const LATEST: usize = 9;

/// Judges a window.
pub fn judge(window: &Window) -> Judged {
    let points = window.lows.len() as u64;
    let days = points * window.step_ms / DAY_MS;
    let verdict = if days >= 2 {
        seasonal(window, days as usize)
    } else {
        plain(window)
    };
    verdict.unwrap_or(Judged {
        verdict: Verdict::TooShort,
        slope: 0.0,
        range: (0.0, 0.0),
        top: top(window),
        since_ms: 0,
        least: f64::INFINITY,
    })
}

fn plain(window: &Window) -> Option<Judged> {
    let whole = Stretch::new(window, 0)?;
    let onset = whole.onset();
    let late = Stretch::new(window, window.lows.len() * onset.max(EARLIEST) / BLOCKS)?;
    let directed = whole.directed(&WHOLE);
    let directed_late = late.directed(&LATE);
    match (directed, directed_late) {
        (Some(_), Some(late)) if onset >= EARLIEST => return Some(late),
        (Some(directed), _) | (None, Some(directed)) => return Some(directed),
        (None, None) => (),
    }
    let verdict = if whole.has_risen(&WHOLE) || late.has_risen(&LATE) || whole.began_low() {
        Verdict::Plateau
    } else {
        Verdict::Steady
    };
    Some(whole.says(verdict))
}

/// The blocks of the part of a window that begins at a point, and their line.
struct Stretch<'a> {
    window: &'a Window,
    from: usize,
    blocks: Vec<Option<f64>>,
    fit: Fit,
    /// Change over all of it.
    change: f64,
    level: f64,
    noise: f64,
}

impl<'a> Stretch<'a> {
    /// Nothing if a quarter of it was not seen.
    fn new(window: &'a Window, from: usize) -> Option<Stretch<'a>> {
        let part = &window.lows[from..];
        if part.len() < BLOCKS {
            return None;
        }
        let blocks = levels(part, BLOCKS);
        let mut seen: Vec<f64> = blocks.iter().copied().flatten().collect();
        if seen.len() * 4 < BLOCKS * 3 {
            return None;
        }
        let level = median(&mut seen)?;
        let fit = fit(&blocks)?;
        let noise = residual(&blocks, fit.slope);
        Some(Stretch {
            window,
            from,
            change: fit.slope * BLOCKS as f64,
            blocks,
            fit,
            level,
            noise,
        })
    }

    fn is_significant(&self, rule: &Rule) -> bool {
        self.fit.z.abs() > SURE && self.change.abs() > self.least(rule)
    }

    fn least(&self, rule: &Rule) -> f64 {
        let share = rule.share * self.level;
        share.max(rule.noise * self.noise).max(LEAST)
    }

    fn has_risen(&self, rule: &Rule) -> bool {
        self.is_significant(rule) && self.change > 0.0
    }

    /// Whether the second half still goes where the whole goes.
    fn is_recent(&self, rule: &Rule) -> Option<Fit> {
        let half = fit(&self.blocks[BLOCKS / 2..])?;
        let goes_on = half.slope / self.fit.slope > rule.recent;
        (goes_on && half.z.abs() > 1.0).then_some(half)
    }

    /// The block from which on it changes, if it was flat before: the bend that leaves the least distance to the blocks.
    fn onset(&self) -> usize {
        let bend = |from: usize| {
            let rise = |at: usize| at.saturating_sub(from) as f64;
            let slope = fit(&self.blocks[from..]).map_or(0.0, |fit| fit.slope);
            let seen = || {
                self.blocks
                    .iter()
                    .enumerate()
                    .filter_map(|(at, block)| block.map(|value| (at, value)))
            };
            let mut bases: Vec<f64> = seen().map(|(at, value)| value - slope * rise(at)).collect();
            let base = median(&mut bases).unwrap_or(0.0);
            seen()
                .map(|(at, value)| (value - base - slope * rise(at)).abs())
                .sum::<f64>()
        };
        let distances = (0..=LATEST).map(|from| (from, bend(from)));
        distances
            .min_by(|a, b| a.1.total_cmp(&b.1))
            .map_or(0, |(from, _)| from)
    }

    /// Whether no single step makes up most of the change.
    fn is_even(&self, rule: &Rule) -> bool {
        let seen: Vec<f64> = self.blocks.iter().copied().flatten().collect();
        // A single block that a restart pulled down is no step.
        let smooth: Vec<f64> = seen
            .windows(3)
            .filter_map(|three| median(&mut three.to_vec()))
            .collect();
        let pairs: Vec<f64> = smooth
            .chunks_exact(2)
            .map(|pair| (pair[0] + pair[1]) / 2.0)
            .collect();
        let steps = pairs.windows(2).map(|pair| (pair[1] - pair[0]).abs());
        steps.fold(0.0, f64::max) <= rule.step * self.change.abs()
    }

    fn directed(&self, rule: &Rule) -> Option<Judged> {
        if !self.is_significant(rule) || !self.is_even(rule) {
            return None;
        }
        let half = self.is_recent(rule)?;
        let verdict = if self.change > 0.0 {
            Verdict::Growing
        } else {
            Verdict::Draining
        };
        // What has become much steeper lately reaches the limit at the later pace.
        let steeper = half.slope.abs() > STEEPER * self.fit.slope.abs();
        let fit = if steeper { half } else { self.fit };
        let block_ms = self.length_ms() as f64 / BLOCKS as f64;
        Some(Judged {
            slope: fit.slope / block_ms,
            range: wider(fit, block_ms),
            ..self.says(verdict)
        })
    }

    /// Whether the beginning lies far below a rest that is flat.
    fn began_low(&self) -> bool {
        let beginning = BLOCKS / 8;
        let (first, rest) = self.blocks.split_at(beginning);
        let first: Vec<f64> = first.iter().copied().flatten().collect();
        let rest: Vec<f64> = rest.iter().copied().flatten().collect();
        let Some(level) = median(&mut rest.clone()) else {
            return false;
        };
        let far = (0.12 * level).max(4.0 * scatter(&rest)).max(LEAST);
        !first.is_empty() && first.iter().all(|&value| value < level - far)
    }

    fn length_ms(&self) -> u64 {
        (self.window.lows.len() - self.from) as u64 * self.window.step_ms
    }

    fn says(&self, verdict: Verdict) -> Judged {
        Judged {
            verdict,
            slope: 0.0,
            range: (0.0, 0.0),
            top: top(self.window),
            since_ms: self.length_ms(),
            least: self.least(&WHOLE),
        }
    }
}

/// The ends of the slope's interval, which takes the blocks for independent and is too narrow where they are not.
fn wider(fit: Fit, block_ms: f64) -> (f64, f64) {
    let ends = [
        fit.range.0,
        fit.range.1,
        fit.slope * (1.0 - LEAST_DOUBT),
        fit.slope * (1.0 + LEAST_DOUBT),
    ];
    let low = ends.iter().copied().fold(f64::INFINITY, f64::min);
    let high = ends.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    (low / block_ms, high / block_ms)
}

/// The share by which a slope may be wrong at least.
const LEAST_DOUBT: f64 = 0.15;

/// From this on the second half's slope counts instead of the whole's.
const STEEPER: f64 = 1.6;

/// Over days, the daily wave and the quiet of the weekend are taken out first: only like hours of like days are compared.
fn seasonal(window: &Window, days: usize) -> Option<Judged> {
    let per_day = (DAY_MS / window.step_ms) as usize;
    let from = window.lows.len() - days * per_day;
    let blocks = levels(&window.lows[from..], days * DAILY);
    let level = median(&mut blocks.iter().copied().flatten().collect::<Vec<_>>())?;
    let (rest, trend) = bent_trend(&blocks)?;
    let lifted = window.week_ms.and_then(|begins| {
        let lifted = with_weekends_lifted(&blocks, begins + from as u64 * window.step_ms)?;
        let (rest_of_lifted, trend) = bent_trend(&lifted)?;
        (rest_of_lifted < EXPLAINS * rest).then_some((lifted, trend))
    });
    let (mut blocks, trend) = lifted.unwrap_or((blocks, trend));
    let lately = &blocks[blocks.len() - DAILY * (days as f64 * LATELY).ceil().max(2.0) as usize..];
    let added = fit_seasons(lately, |at| at % DAILY)?.slope;
    take_wave_out(&mut blocks, &trend);
    let lows = blocks
        .into_iter()
        .map(|block| block.map(|value| value + level))
        .collect();
    let flat = Window {
        lows,
        highs: Vec::new(),
        step_ms: BLOCK_MS,
        week_ms: None,
    };
    let judged = plain(&flat)?;
    let goes_on = added / (judged.slope * BLOCK_MS as f64) > GOES_ON;
    let verdict = match judged.verdict {
        Verdict::Growing if !goes_on => Verdict::Plateau,
        Verdict::Draining if !goes_on => Verdict::Steady,
        other => other,
    };
    Some(Judged {
        verdict,
        top: highest(&window.highs[window.highs.len().saturating_sub(per_day)..]),
        ..judged
    })
}

/// Milliseconds of a block of a day.
const BLOCK_MS: u64 = DAY_MS / DAILY as u64;
const EXPLAINS: f64 = 0.7;
const LATELY: f64 = 0.35;
const GOES_ON: f64 = 0.5;
/// Raises the quiet days to what the working days are at the same hour.
///
/// When a weekend begins depends on where the clients are, so of some time zones the one counts that explains most.
fn with_weekends_lifted(blocks: &[Option<f64>], week_ms: u64) -> Option<Vec<Option<f64>>> {
    let zones = (0..=2 * ZONES).map(|zone| {
        let begins = week_ms + 7 * DAY_MS + (zone as u64) * BLOCK_MS - ZONES as u64 * BLOCK_MS;
        lifted(blocks, |at| is_weekend(begins + at as u64 * BLOCK_MS))
    });
    let best = zones.flatten().min_by(|a, b| a.0.total_cmp(&b.0));
    best.map(|(_, lifted)| lifted)
}

/// How many blocks a weekend may begin earlier or later than the clock says.
const ZONES: usize = 4;

/// The lifted blocks, and what is left of them that neither hour nor slope explains.
fn lifted(
    blocks: &[Option<f64>],
    is_quiet: impl Fn(usize) -> bool,
) -> Option<(f64, Vec<Option<f64>>)> {
    let like = |at: usize| 2 * (at % DAILY) + usize::from(is_quiet(at));
    let slope = fit_seasons(blocks, like)?.slope;
    let lift = weekend_lift(blocks, slope, &is_quiet);
    let lifted: Vec<Option<f64>> = (0..blocks.len())
        .map(|at| Some(blocks[at]? * if is_quiet(at) { lift } else { 1.0 }))
        .collect();
    let trend: Vec<f64> = (0..lifted.len()).map(|at| slope * at as f64).collect();
    Some((rest(&lifted, &trend), lifted))
}

/// Takes out what each hour of the day usually adds to a trend.
fn take_wave_out(blocks: &mut [Option<f64>], trend: &[f64]) {
    for phase in 0..DAILY {
        let at_phase = || (phase..blocks.len()).step_by(DAILY);
        let rests = at_phase().filter_map(|at| Some(blocks[at]? - trend[at]));
        let usual = median(&mut rests.collect::<Vec<_>>()).unwrap_or(0.0);
        for at in (phase..blocks.len()).step_by(DAILY) {
            blocks[at] = blocks[at].map(|value| value - usual);
        }
    }
}

/// What is left of the blocks that neither the hour nor a trend explains.
fn rest(blocks: &[Option<f64>], trend: &[f64]) -> f64 {
    let mut rests = blocks.to_vec();
    take_wave_out(&mut rests, trend);
    let seen = rests
        .iter()
        .zip(trend)
        .filter_map(|(rest, trend)| Some((rest.as_ref()? - trend).abs()));
    seen.sum()
}

/// The trend under the wave that explains most: flat, then a rise or a fall, then flat, each part as long as it may be.
fn bent_trend(blocks: &[Option<f64>]) -> Option<(f64, Vec<f64>)> {
    let n = blocks.len();
    let bends = (0..=BENDS).flat_map(|from| (from + 2..=BENDS).map(move |to| (from, to)));
    let trends = bends.filter_map(|(from, to)| {
        let (from, to) = (n * from / BENDS, n * to / BENDS);
        let shape: Vec<f64> = (0..n)
            .map(|at| at.clamp(from, to) as f64 - from as f64)
            .collect();
        let slope = slope_along(blocks, &shape)?;
        let trend: Vec<f64> = shape.iter().map(|at| at * slope).collect();
        Some((rest(blocks, &trend), trend))
    });
    trends.min_by(|a, b| a.0.total_cmp(&b.0))
}

/// In how many parts of the window a trend may bend.
const BENDS: usize = 8;

/// The median step from an hour to the same hour of a later day, where a shape rises between them.
fn slope_along(blocks: &[Option<f64>], shape: &[f64]) -> Option<f64> {
    let mut slopes = Vec::new();
    for at in 0..blocks.len() {
        for later in (at + DAILY..blocks.len()).step_by(DAILY) {
            let rise = shape[later] - shape[at];
            if let (Some(value), Some(other)) = (blocks[at], blocks[later]) {
                if rise > 0.0 {
                    slopes.push((other - value) / rise);
                }
            }
        }
    }
    median(&mut slopes)
}

/// How much more of it there is on a working day than on a quiet one, at the same hour and without the slope.
fn weekend_lift(blocks: &[Option<f64>], slope: f64, is_quiet: &impl Fn(usize) -> bool) -> f64 {
    let mut ratios = Vec::new();
    for at in 0..blocks.len() {
        for other in (at % DAILY..blocks.len()).step_by(DAILY) {
            let (Some(quiet), Some(busy)) = (blocks[at], blocks[other]) else {
                continue;
            };
            if is_quiet(at) && !is_quiet(other) && quiet > 0.0 {
                ratios.push((busy - slope * (other as f64 - at as f64)) / quiet);
            }
        }
    }
    median(&mut ratios).map_or(1.0, |lift| lift.clamp(1.0, HIGHEST_LIFT))
}

/// A weekend that has less than a third of a working day's is no quiet day but something else.
const HIGHEST_LIFT: f64 = 3.0;

/// Whether a time of the week, in milliseconds from Monday's first on, is on Saturday or Sunday.
fn is_weekend(week_ms: u64) -> bool {
    week_ms / DAY_MS % 7 >= 5
}

/// How far the blocks scatter around their line.
fn residual(blocks: &[Option<f64>], slope: f64) -> f64 {
    let rests: Vec<f64> = blocks
        .iter()
        .enumerate()
        .filter_map(|(at, block)| block.map(|value| value - slope * at as f64))
        .collect();
    scatter(&rests)
}

/// The level of each of so many blocks, where at least half of the block was seen.
fn levels(points: &[Option<f64>], blocks: usize) -> Vec<Option<f64>> {
    let bound = |block: usize| block * points.len() / blocks;
    (0..blocks)
        .map(|block| {
            let part = &points[bound(block)..bound(block + 1)];
            let mut seen: Vec<f64> = part.iter().copied().flatten().collect();
            let enough = seen.len() * 2 >= part.len();
            enough.then(|| quantile(&mut seen, LOW)).flatten()
        })
        .collect()
}

/// The highest value of the last sixth.
fn top(window: &Window) -> f64 {
    let from = window.highs.len() - window.highs.len().div_ceil(6);
    highest(&window.highs[from..])
}

fn highest(values: &[Option<f64>]) -> f64 {
    values.iter().copied().flatten().fold(0.0, f64::max)
}
