//! What the threads of a node do, by their states as the kernel tells them: is it stopped, stuck, or only busy?

use serde::Serialize;

use headroom_facts::vocabulary::{Known, Level};

/// A thread at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// `R` runs, `S` sleeps, `D` waits uninterruptibly, `T` and `t` are stopped.
    pub state: char,
    /// The function of the kernel that it waits in, where it is told.
    pub waits_in: Option<String>,
}

/// A thread over a short time.
#[derive(Clone, Debug, PartialEq)]
pub struct Thread {
    /// Its name, which tells its work.
    pub name: String,
    /// Share of one processor that it used.
    pub percent: Known<f64>,
    /// What it did, each time that it was looked at.
    pub looks: Vec<Look>,
}

atoms! {
    /// The work of a thread.
    pub enum Kind {
        /// Runs Erlang code.
        Scheduler = "scheduler",
        /// Runs native code that takes long.
        DirtyCpu = "dirty_cpu",
        /// Runs native code that waits: files, and the loading of code.
        DirtyIo = "dirty_io",
        /// Waits for events of descriptors.
        Poller = "poller",
        /// Everything else.
        Other = "other",
    }
}

impl Kind {
    /// By the name of a thread: `1_scheduler` and `10_dirty_io_sch` up to OTP 25, `erts_sched_1` and `erts_dios_10` later.
    pub fn of(name: &str) -> Kind {
        let old = name.trim_start_matches(|c: char| c.is_ascii_digit());
        let work = old.strip_prefix('_').or(name.strip_prefix("erts_"));
        match work.unwrap_or_default() {
            work if work.starts_with("sched") => Kind::Scheduler,
            work if work.starts_with("dirty_c") || work.starts_with("dcpus") => Kind::DirtyCpu,
            work if work.starts_with("dirty_i") || work.starts_with("dios") => Kind::DirtyIo,
            work if work.starts_with("poll") => Kind::Poller,
            _ => Kind::Other,
        }
    }
}

/// The threads of one kind, at the last look.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Group {
    /// Which kind.
    pub kind: Kind,
    /// How many.
    pub threads: usize,
    /// Those that run or want to.
    pub running: usize,
    /// Those that wait inside of the kernel for something else than work.
    pub blocked: usize,
    /// Those that were stopped.
    pub stopped: usize,
}

/// A thread that uses a processor nearly for itself.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Burner {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: Kind,
    /// Share of one processor.
    pub percent: f64,
}

atoms! {
    /// What can be wrong with threads.
    pub enum Id {
        /// The process is stopped by a signal or a debugger.
        NodeStopped = "node_stopped",
        /// All schedulers wait inside of the kernel.
        SchedulersBlocked = "schedulers_blocked",
        /// All schedulers ran each time.
        SchedulersBusy = "schedulers_busy",
        /// All dirty I/O threads wait inside of the kernel.
        DirtyIoBlocked = "dirty_io_blocked",
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Trouble {
    /// What.
    pub id: Id,
    /// How bad.
    pub level: Level,
    /// In a sentence.
    pub message: String,
}

/// What the threads of a node do.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Threads {
    /// By kind, those that are there and have one.
    pub groups: Vec<Group>,
    /// Those that use most of a processor, the most first.
    pub burners: Vec<Burner>,
    /// What is wrong.
    pub troubles: Vec<Trouble>,
}

/// From here on a thread burns its processor.
const BURNS: f64 = 80.0;

impl Look {
    fn runs(&self) -> bool {
        self.state == 'R'
    }

    fn is_stopped(&self) -> bool {
        matches!(self.state, 'T' | 't')
    }

    /// Idle threads of a VM sleep on a futex or wait for events; sleep elsewhere is a system call that does not return.
    fn is_blocked(&self) -> bool {
        let elsewhere = |place: &String| {
            !["futex", "poll", "epoll", "nanosleep", "sigtimedwait"]
                .iter()
                .any(|idle| place.contains(idle))
        };
        self.state == 'D' || self.state == 'S' && self.waits_in.as_ref().is_some_and(elsewhere)
    }
}

/// Judges what was seen.
pub fn judge(threads: &[Thread]) -> Threads {
    // What the others wait for is their own business.
    let kinds = Kind::ALL.iter().filter(|kind| **kind != Kind::Other);
    let groups: Vec<Group> = kinds.filter_map(|&kind| group(threads, kind)).collect();
    let mut burners: Vec<Burner> = threads.iter().filter_map(burner).collect();
    burners.sort_by(|a, b| b.percent.total_cmp(&a.percent));
    Threads {
        troubles: troubles(threads),
        groups,
        burners,
    }
}

fn group(threads: &[Thread], kind: Kind) -> Option<Group> {
    let last = threads
        .iter()
        .filter(|thread| Kind::of(&thread.name) == kind);
    let last: Vec<&Look> = last.filter_map(|thread| thread.looks.last()).collect();
    let count = |is: fn(&Look) -> bool| last.iter().filter(|look| is(look)).count();
    (!last.is_empty()).then(|| Group {
        kind,
        threads: last.len(),
        running: count(Look::runs),
        blocked: count(Look::is_blocked),
        stopped: count(Look::is_stopped),
    })
}

fn burner(thread: &Thread) -> Option<Burner> {
    let percent = thread.percent.get().filter(|percent| *percent >= BURNS)?;
    Some(Burner {
        name: thread.name.clone(),
        kind: Kind::of(&thread.name),
        percent: (percent * 10.0).floor() / 10.0,
    })
}

fn troubles(threads: &[Thread]) -> Vec<Trouble> {
    let always = |kind: Kind, is: fn(&Look) -> bool| {
        let mut those = threads
            .iter()
            .filter(|thread| Kind::of(&thread.name) == kind)
            .peekable();
        those.peek().is_some()
            && those.all(|thread| !thread.looks.is_empty() && thread.looks.iter().all(is))
    };
    let how_many = |kind| {
        threads
            .iter()
            .filter(|thread| Kind::of(&thread.name) == kind)
            .count()
    };
    let (schedulers, dirty_io) = (how_many(Kind::Scheduler), how_many(Kind::DirtyIo));
    let mut troubles = Vec::new();
    let mut trouble = |id, level, message: String| troubles.push(Trouble { id, level, message });
    // What was stopped does nothing until it is told to; so the last look decides, and one of a moment before does not.
    let is_stopped = |thread: &Thread| thread.looks.last().is_some_and(Look::is_stopped);
    if !threads.is_empty() && threads.iter().all(is_stopped) {
        trouble(
            Id::NodeStopped,
            Level::Critical,
            "Every thread is stopped, by SIGSTOP or a debugger: the node answers nobody until it gets SIGCONT.".into(),
        );
    }
    if always(Kind::Scheduler, Look::is_blocked) {
        trouble(
            Id::SchedulersBlocked,
            Level::Critical,
            format!("All {schedulers} schedulers wait inside of the kernel: no Erlang process runs, and no shell answers."),
        );
    }
    if always(Kind::Scheduler, Look::runs) {
        trouble(
            Id::SchedulersBusy,
            Level::Warning,
            format!("All {schedulers} schedulers ran at each look: the node is overloaded, or stuck in native code."),
        );
    }
    if always(Kind::DirtyIo, Look::is_blocked) {
        trouble(
            Id::DirtyIoBlocked,
            Level::Critical,
            format!(
                "All {dirty_io} dirty I/O threads wait inside of the kernel, as for a file system that does not answer: \
                 files and the loading of code wait behind them."
            ),
        );
    }
    troubles
}

#[cfg(test)]
mod tests {
    use super::*;

    fn thread(name: &str, looks: &[(char, &str)]) -> Thread {
        let look = |&(state, place): &(char, &str)| Look {
            state,
            waits_in: (!place.is_empty()).then(|| place.into()),
        };
        Thread {
            name: name.into(),
            percent: Known::Is(0.0),
            looks: looks.iter().map(look).collect(),
        }
    }

    fn ids(threads: &[Thread]) -> Vec<Id> {
        judge(threads)
            .troubles
            .iter()
            .map(|trouble| trouble.id)
            .collect()
    }

    const IDLE: &[(char, &str)] = &[('S', "futex_wait_queue"), ('S', "do_epoll_wait"), ('S', "")];

    // Names as OTP 25 and 27 give them: a kind that is missed would leave a wedged node without a word.
    #[test]
    fn the_work_of_a_thread_by_its_name() {
        let cases = [
            ("1_scheduler", Kind::Scheduler),
            ("erts_sched_12", Kind::Scheduler),
            ("10_dirty_io_sch", Kind::DirtyIo),
            ("100_dirty_io_sc", Kind::DirtyIo),
            ("erts_dios_1", Kind::DirtyIo),
            ("2_dirty_cpu_sch", Kind::DirtyCpu),
            ("erts_dcpus_2", Kind::DirtyCpu),
            ("0_poller", Kind::Poller),
            ("erts_poll_0", Kind::Poller),
            ("beam.smp", Kind::Other),
            ("async_1", Kind::Other),
            ("erts_smsg_disp", Kind::Other),
        ];
        for (name, kind) in cases {
            assert_eq!(Kind::of(name), kind, "{name}");
        }
    }

    // An idle node must have nothing said about it, whatever its kernel calls the place where threads sleep.
    #[test]
    fn an_idle_node_is_well() {
        let threads = [
            thread("erts_sched_1", IDLE),
            thread("erts_dios_1", IDLE),
            thread("beam.smp", IDLE),
        ];
        assert_eq!(ids(&threads), []);
    }

    #[test]
    fn what_holds_for_all_of_a_kind_at_every_look_is_said() {
        let other = thread("beam.smp", IDLE);
        let stuck: &[(char, &str)] = &[('D', ""), ('D', "nfs_wait_bit_killable")];
        let fifo: &[(char, &str)] = &[('S', "wait_for_partner"), ('S', "fifo_open")];
        let runs: &[(char, &str)] = &[('R', ""), ('R', "")];
        let stopped: &[(char, &str)] = &[('T', "do_signal_stop"), ('T', "")];
        let all = |looks| {
            [
                thread("1_scheduler", looks),
                thread("1_dirty_io_sche", looks),
                other.clone(),
            ]
        };
        assert_eq!(
            ids(&all(stuck)),
            [Id::SchedulersBlocked, Id::DirtyIoBlocked]
        );
        assert_eq!(
            ids(&[thread("1_scheduler", IDLE), thread("1_dirty_io_sche", fifo)]),
            [Id::DirtyIoBlocked]
        );
        assert_eq!(ids(&all(runs)), [Id::SchedulersBusy]);
        assert_eq!(
            ids(&[thread("1_scheduler", stopped), thread("beam.smp", stopped)]),
            [Id::NodeStopped]
        );
        let stops: &[(char, &str)] = &[('S', "futex_wait_queue"), ('T', "")];
        let goes_on: &[(char, &str)] = &[('T', ""), ('S', "futex_wait_queue")];
        assert_eq!(ids(&[thread("1_scheduler", stops)]), [Id::NodeStopped]);
        assert_eq!(ids(&[thread("1_scheduler", goes_on)]), []);
        let one_free = [
            thread("1_scheduler", runs),
            thread("2_scheduler", &[('R', ""), ('S', "futex")]),
        ];
        assert_eq!(ids(&one_free), []);
        assert_eq!(ids(&[]), []);
    }

    #[test]
    fn who_burns_comes_first() {
        let with = |name: &str, percent| Thread {
            percent: Known::Is(percent),
            ..thread(name, IDLE)
        };
        let threads = [
            with("erts_sched_1", 12.0),
            with("erts_sched_2", 81.26),
            with("erts_dcpus_1", 99.99),
        ];
        let burners = judge(&threads).burners;
        let told: Vec<(&str, f64)> = burners
            .iter()
            .map(|burner| (burner.name.as_str(), burner.percent))
            .collect();
        assert_eq!(told, [("erts_dcpus_1", 99.9), ("erts_sched_2", 81.2)]);
    }
}
