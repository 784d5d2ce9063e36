//! Series whose truth is known: what a node's descriptors do when nothing leaks, when something does, and what hides it.

use fastrand::Rng;
use std::f64::consts::TAU;

/// What a series was made to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Truth {
    Steady,
    Plateau,
    Growing,
    Draining,
}

/// How a window is sampled, and which waves run through it.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    pub name: &'static str,
    /// Samples in the window.
    pub points: usize,
    /// Milliseconds between two samples.
    pub step_ms: u64,
    /// The share by which a daily wave moves the level, at most.
    pub wave: f64,
    /// Whether two days of seven are quieter.
    pub weekend: bool,
}

/// A series with its truth.
pub struct Series {
    pub values: Vec<u64>,
    pub truth: Truth,
    /// The limit and the number of samples after which a leak reaches it.
    pub limit: f64,
    pub full_after: Option<f64>,
    /// When in the week it begins, in milliseconds from Monday on, as somebody in another time zone would have it.
    pub week_ms: u64,
}

const DAY_MS: f64 = 86_400_000.0;

/// One series: 40 % steady, 20 % plateau, 30 % growing, 10 % draining.
pub fn series(rng: &mut Rng, kind: &Kind) -> Series {
    let truth = match rng.u32(0..10) {
        0..=3 => Truth::Steady,
        4..=5 => Truth::Plateau,
        6..=8 => Truth::Growing,
        _ => Truth::Draining,
    };
    let n = kind.points;
    let level = 10_f64.powf(between(rng, 1.9, 4.2));
    let mut base = vec![level; n];
    let week_ms = wave(rng, kind, &mut base);

    let noise_sd = level * between(rng, 0.003, 0.03);
    let noise = autoregressive(rng, n, noise_sd);
    let tooth = if rng.bool() {
        level * between(rng, 0.05, 0.4)
    } else {
        0.0
    };
    let teeth = saw_tooth(rng, kind, tooth);

    let least = (0.12 * level).max(8.0 * noise_sd).max(10.0);
    let mut full_after = None;
    let mut limit = level * between(rng, 1.5, 8.0);
    match truth {
        Truth::Steady => {
            if rng.u32(0..10) < 2 {
                step(rng, &mut base, level);
            }
        }
        Truth::Plateau => plateau(rng, &mut base, least, level),
        Truth::Growing => {
            let rise = least * between(rng, 1.0, 6.0);
            let from = if rng.u32(0..10) < 3 {
                between(rng, 0.0, 0.5)
            } else {
                0.0
            };
            let slope = rise / (n as f64 * (1.0 - from));
            grow(rng, &mut base, from, slope);
            let top = crest(kind, &base) + tooth;
            let wait = between(rng, 0.2, 4.0) * n as f64;
            limit = top + slope * wait;
            full_after = Some(wait);
        }
        Truth::Draining => {
            let fall = least.min(0.8 * level) * between(rng, 1.0, 2.0);
            let fall = fall.min(0.85 * level);
            for (at, value) in base.iter_mut().enumerate() {
                *value -= fall * at as f64 / n as f64;
            }
        }
    }
    let mut values: Vec<f64> = (0..n).map(|at| base[at] + noise[at] + teeth[at]).collect();
    bursts(rng, &mut values, level);
    restarts(rng, &mut values);
    Series {
        values: values
            .iter()
            .map(|value| value.max(0.0).round() as u64)
            .collect(),
        truth,
        limit,
        full_after,
        week_ms,
    }
}

/// The last point at which the wave stands as high as it ever does: the limit is met on a crest.
fn crest(kind: &Kind, base: &[f64]) -> f64 {
    let day = (DAY_MS / kind.step_ms as f64) as usize;
    let last = if kind.wave > 0.0 {
        day.min(base.len())
    } else {
        1
    };
    base[base.len() - last..]
        .iter()
        .copied()
        .fold(0.0, f64::max)
}

pub fn between(rng: &mut Rng, low: f64, high: f64) -> f64 {
    low + rng.f64() * (high - low)
}

/// Normal numbers by Box and Muller.
pub fn normal(rng: &mut Rng) -> f64 {
    (-2.0 * (1.0 - rng.f64()).ln()).sqrt() * (TAU * rng.f64()).cos()
}

fn autoregressive(rng: &mut Rng, n: usize, sd: f64) -> Vec<f64> {
    let memory = between(rng, 0.0, 0.9);
    let fresh = sd * (1.0 - memory * memory).sqrt();
    let mut value = sd * normal(rng);
    (0..n)
        .map(|_| {
            value = memory * value + fresh * normal(rng);
            value
        })
        .collect()
}

fn wave(rng: &mut Rng, kind: &Kind, base: &mut [f64]) -> u64 {
    if kind.wave == 0.0 {
        return 0;
    }
    let height = between(rng, 0.1, kind.wave);
    let phase = rng.f64();
    let first_day = rng.usize(0..7);
    let quiet = between(rng, 0.4, 0.9);
    for (at, value) in base.iter_mut().enumerate() {
        let days = at as f64 * kind.step_ms as f64 / DAY_MS + phase;
        *value *= 1.0 + height * (TAU * days).sin();
        if kind.weekend && (days as usize + first_day) % 7 >= 5 {
            *value *= quiet;
        }
    }
    let zone = between(rng, -1.0 / 3.0, 1.0 / 3.0);
    ((phase + first_day as f64 + zone).rem_euclid(7.0) * DAY_MS) as u64
}

/// Up to an eighth of the window long, and never longer than four hours.
fn saw_tooth(rng: &mut Rng, kind: &Kind, height: f64) -> Vec<f64> {
    let n = kind.points;
    let longest = (n as f64 / 8.0).min(4.0 * 3_600_000.0 / kind.step_ms as f64);
    let period = longest * between(rng, 0.13, 1.0);
    let mut start = -period * rng.f64();
    let mut length = period;
    (0..n)
        .map(|at| {
            while at as f64 >= start + length {
                start += length;
                length = period * between(rng, 0.8, 1.2);
            }
            height * (at as f64 - start) / length
        })
        .collect()
}

fn step(rng: &mut Rng, base: &mut [f64], level: f64) {
    let from = (base.len() as f64 * between(rng, 0.1, 0.9)) as usize;
    let by = level * between(rng, -0.25, 0.0);
    base[from..].iter_mut().for_each(|value| *value += by);
}

/// It rises in a step, in a line or in a curve, and then stays.
fn plateau(rng: &mut Rng, base: &mut [f64], least: f64, level: f64) {
    let n = base.len() as f64;
    let rise = (least * between(rng, 1.0, 3.0)).max(0.15 * level);
    let from = between(rng, 0.0, 0.3) * n;
    let until = from + between(rng, 0.0, 0.35) * n;
    let curved = rng.bool();
    for (at, value) in base.iter_mut().enumerate() {
        let done = ((at as f64 - from) / (until - from).max(1.0)).clamp(0.0, 1.0);
        let done = if curved {
            1.0 - (1.0 - done).powi(2)
        } else {
            done
        };
        *value += rise * done;
    }
}

/// A leak: drop by drop, or in lumps.
fn grow(rng: &mut Rng, base: &mut [f64], from: f64, slope: f64) {
    let from = from * base.len() as f64;
    let lump = if rng.u32(0..3) == 0 {
        base.len() as f64 / between(rng, 20.0, 60.0)
    } else {
        1.0
    };
    for (at, value) in base.iter_mut().enumerate() {
        let leaked = ((at as f64 - from) / lump).floor().max(0.0) * lump;
        *value += slope * leaked;
    }
}

fn bursts(rng: &mut Rng, values: &mut [f64], level: f64) {
    if rng.u32(0..10) >= 4 {
        return;
    }
    for _ in 0..rng.u32(1..=4) {
        let length = ((values.len() as f64 * between(rng, 0.005, 0.03)) as usize).max(1);
        let from = rng.usize(0..values.len() - length);
        let height = level * between(rng, 0.1, 1.0);
        values[from..from + length]
            .iter_mut()
            .for_each(|value| *value += height);
    }
}

fn restarts(rng: &mut Rng, values: &mut [f64]) {
    if rng.u32(0..10) >= 2 {
        return;
    }
    for _ in 0..rng.u32(1..=2) {
        let length = ((values.len() as f64 * between(rng, 0.003, 0.02)) as usize).max(1);
        let from = rng.usize(0..values.len() - length);
        let left = between(rng, 0.0, 0.4);
        values[from..from + length]
            .iter_mut()
            .for_each(|value| *value *= left);
    }
}
