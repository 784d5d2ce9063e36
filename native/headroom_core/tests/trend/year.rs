//! Years of a healthy service: days, weekends, saw-teeth, bursts and restarts, and nothing that leaks. Whoever is woken by
//! it once will not be woken by the leak.

use std::f64::consts::TAU;

use fastrand::Rng;
use headroom_core::trend::{outlook, Alarm, Samples, Verdict};
use headroom_facts::vocabulary::Name;

use crate::series::{between, normal};

const DAY_MS: f64 = 86_400_000.0;

/// A healthy service.
struct Service {
    rng: Rng,
    level: f64,
    wave: f64,
    quiet: f64,
    tooth: (f64, f64),
    noise: f64,
    memory: f64,
    drift: f64,
    burst: (u64, f64),
}

impl Service {
    fn new(seed: u64) -> Service {
        let mut rng = Rng::with_seed(seed);
        Service {
            level: 10_f64.powf(between(&mut rng, 2.5, 4.0)),
            wave: between(&mut rng, 0.3, 0.7),
            quiet: between(&mut rng, 0.4, 0.9),
            tooth: (
                between(&mut rng, 300.0, 3600.0) * 1000.0,
                between(&mut rng, 0.0, 0.2),
            ),
            noise: between(&mut rng, 0.003, 0.03),
            memory: 0.9,
            drift: 0.0,
            burst: (0, 0.0),
            rng,
        }
    }

    /// What of it nobody rolls dice for.
    fn expected(&self, ms: u64) -> f64 {
        let days = ms as f64 / DAY_MS;
        let wave = 1.0 + self.wave * (TAU * days).sin();
        let quiet = if days as u64 % 7 >= 5 {
            self.quiet
        } else {
            1.0
        };
        let tooth = self.tooth.1 * (ms as f64 / self.tooth.0).fract();
        self.level * (wave * quiet + tooth)
    }

    fn highest(&self) -> f64 {
        self.level * (1.0 + self.wave + self.tooth.1)
    }

    fn at(&mut self, ms: u64) -> u64 {
        let rng = &mut self.rng;
        let fresh = self.noise * (1.0 - self.memory * self.memory).sqrt();
        self.drift = self.memory * self.drift + fresh * normal(rng);
        if rng.u32(0..20_000) == 0 {
            self.burst = (ms + rng.u64(10_000..300_000), between(rng, -0.8, 0.25));
        }
        let burst = if ms < self.burst.0 { self.burst.1 } else { 0.0 };
        let value = self.expected(ms) + self.level * self.drift;
        (value * (1.0 + burst)).max(0.0) as u64
    }
}

/// Alarms and verdicts `growing` in that time, and how many verdicts there were.
fn watched(seed: u64, days: u64, interval_ms: u64, look_every_ms: u64) -> (u32, u32, u32) {
    let mut service = Service::new(seed);
    let limit = (1.3 * service.highest()) as u64;
    let mut samples = Samples::new(interval_ms);
    let mut alarm = Alarm::default();
    let (mut alarms, mut growing, mut looks) = (0, 0, 0);
    for tick in 0..days * 86_400_000 / interval_ms {
        let ms = tick * interval_ms;
        let used = service.at(ms);
        samples.push(ms, &[Some(used), None, None, None, None, None]);
        if ms.is_multiple_of(look_every_ms) {
            let week_ms = Some(ms % (7 * 86_400_000));
            let outlook = outlook(
                &samples,
                Name::Fds,
                week_ms,
                Some(limit.saturating_sub(used)),
            );
            looks += 1;
            growing += u32::from(outlook.verdict == Verdict::Growing);
            alarms += u32::from(alarm.look(&outlook, ms) && alarm.is_raised());
        }
    }
    (alarms, growing, looks)
}

fn row(name: &str, (alarms, growing, looks): (u32, u32, u32)) {
    let share = 100.0 * f64::from(growing) / f64::from(looks);
    println!("{name:36} {looks:8} looks, {share:5.2} % growing, {alarms} alarms");
}

// A month at one sample a second, looked at as often as a node looks, and a year at one in ten seconds.
#[test]
#[ignore = "takes minutes: make trend"]
fn a_healthy_service_raises_no_alarm() {
    let mut alarms = 0;
    for seed in 301..304 {
        let year = watched(seed, 365, 10_000, 600_000);
        row(&format!("365 days at 10 s, seed {seed}"), year);
        let days = watched(seed + 10, 10, 1000, 10_000);
        row(&format!("10 days at 1 s, seed {}", seed + 10), days);
        alarms += year.0 + days.0;
    }
    assert_eq!(alarms, 0);
}

// The same for one day, in every test run.
#[test]
fn a_healthy_day_raises_no_alarm() {
    let day = watched(21, 1, 5000, 60_000);
    row("1 day at 5 s", day);
    assert_eq!(day.0, 0);
}
