//! What the threads of another process do, looked at several times.

use std::fs;
use std::time::{Duration, Instant};

use headroom_core::threads::{Look, Thread};
use procfs::process::Process;

/// Each thread at one moment.
pub struct Sample {
    at: Instant,
    threads: Vec<Seen>,
}

struct Seen {
    tid: i32,
    name: String,
    look: Look,
    /// Time on a processor since it started, where the kernel counts it.
    ran: Option<Duration>,
}

impl Sample {
    /// Looks at all threads now.
    pub fn take(process: &Process) -> Option<Sample> {
        let tasks = process.tasks().ok()?.flatten();
        let threads = tasks.filter_map(|task| {
            let stat = task.stat().ok()?;
            let folder = format!("/proc/{}/task/{}", task.pid, task.tid);
            let read = |file: &str| fs::read_to_string(format!("{folder}/{file}")).ok();
            Some(Seen {
                tid: task.tid,
                name: stat.comm,
                look: Look {
                    state: stat.state,
                    waits_in: read("wchan").filter(|place| !matches!(place.as_str(), "" | "0")),
                },
                ran: read("schedstat").and_then(|times| {
                    let nanoseconds = times.split_whitespace().next()?.parse().ok()?;
                    Some(Duration::from_nanos(nanoseconds))
                }),
            })
        });
        Some(Sample {
            at: Instant::now(),
            threads: threads.collect(),
        })
    }
}

/// The threads that were there in all samples, with the share of a processor that each used between first and last.
pub fn threads(samples: &[Sample]) -> Vec<Thread> {
    let (Some(first), Some(last)) = (samples.first(), samples.last()) else {
        return Vec::new();
    };
    let elapsed = (last.at - first.at).as_secs_f64();
    let of = |sample: &Sample, tid: i32| sample.threads.iter().position(|seen| seen.tid == tid);
    let threads = last.threads.iter().filter_map(|now| {
        let looks = samples.iter().map(|sample| {
            let at = of(sample, now.tid)?;
            Some(sample.threads[at].look.clone())
        });
        let before = &first.threads[of(first, now.tid)?];
        let percent = before
            .ran
            .zip(now.ran)
            .filter(|_| elapsed > 0.0)
            .map(|(before, now)| {
                let share = now.saturating_sub(before).as_secs_f64() / elapsed;
                (share * 100.0).min(100.0)
            });
        Some(Thread {
            name: now.name.clone(),
            percent: percent.into(),
            looks: looks.collect::<Option<Vec<Look>>>()?,
        })
    });
    threads.collect()
}
