//! What would end this node, mute it or lose its data when a descriptor, port or process is missing.
//!
//! Each of them was met on OTP 23 to 29; a hazard is a notice until the resource behind it is at warning.

use crate::advise::{boot, lines};
use crate::finding::{Finding, Fix, Id, Key, Proof};
use crate::measure::{level, Resource, Resources};
use crate::number::{self, grouped};
use headroom_facts::exposure::{CodeMode, Exposure, Mnesia, MnesiaState};
use headroom_facts::otp::PORT_PROGRAM_FDS;
use headroom_facts::vocabulary::{Known, Level, Limit, Name};
use headroom_facts::Facts;

/// The release whose resolver began to halt the node instead of the caller.
const RESOLVER_HALTS: u64 = 25;
/// The last release whose logger is known to remove a handler that failed.
const HANDLER_REMOVED: u64 = 25;
/// Free open files of the kernel to ask for before Mnesia is started.
const KERNEL_FILES_WANTED: u64 = 1_000;

/// The findings that only [`hazards`] gives.
pub const IDS: [Id; 6] = [
    Id::ResolverNotStarted,
    Id::InteractiveCodeLoading,
    Id::FormattersNotLoaded,
    Id::DistListenerSpins,
    Id::FileServerNeedsProcess,
    Id::MnesiaLogDeletedAtEnfile,
];

/// The hazards that hold for this node now, the worst first.
pub fn hazards(facts: &Facts, exposure: &Exposure) -> Vec<Finding> {
    let node = Node {
        facts,
        exposure,
        resources: Resources::new(facts),
    };
    let soft_above_max_fds = super::judge(facts)
        .findings
        .into_iter()
        .find(|finding| finding.id == Id::SoftAboveMaxFds)
        .map(|mut finding| {
            let kept = Proof::Flag(Known::Is(false));
            finding.level = Level::Warning;
            finding.evidence.0.push((Key::Harden, kept));
            finding
        });
    let mut hazards: Vec<Finding> = [
        node.resolver(),
        node.code_loading(),
        node.formatters(),
        soft_above_max_fds,
        node.dist_listener(),
        node.file_server(),
        node.mnesia(),
    ]
    .into_iter()
    .flatten()
    .collect();
    hazards.sort_by_key(|hazard| (std::cmp::Reverse(hazard.level), hazard.resource));
    hazards
}

/// The node as every hazard looks at it.
pub(super) struct Node<'a> {
    pub(super) facts: &'a Facts,
    pub(super) exposure: &'a Exposure,
    pub(super) resources: Resources,
}

impl Node<'_> {
    pub(super) fn of(&self, name: Name) -> &Resource {
        self.resources.of(name)
    }

    /// A hazard behind which these resources stand, the first of them unless another is worse.
    fn hazard(
        &self,
        id: Id,
        behind: &[Name],
        message: String,
        mut evidence: Vec<(Key, Proof)>,
        fix: Vec<Fix>,
    ) -> Finding {
        let level = |name: Name| level::level(self.of(name), &self.facts.thresholds);
        let mut worst = behind[0];
        for &name in behind {
            if level(name) > level(worst) {
                worst = name;
            }
        }
        let level = if level(worst) >= Level::Warning {
            Level::Warning
        } else {
            Level::Notice
        };
        let taken_away = fix.iter().any(|fix| fix.line == HARDEN);
        evidence.push((Key::Harden, Proof::Flag(Known::Is(taken_away))));
        Finding::new(id, level, worst, message, evidence, fix)
    }

    fn free(&self, key: Key, name: Name) -> (Key, Proof) {
        (key, Proof::Limit(self.of(name).free))
    }

    fn release(&self) -> u64 {
        self.facts.otp_release.parse().unwrap_or(0)
    }

    /// Whether something may be started or loaded without making happen what it is meant to prevent. What is not known
    /// is no room. More than is needed, for others take descriptors at the same time.
    pub(super) fn has_room(&self) -> bool {
        let enough = |name, least| {
            let resource = self.of(name);
            match resource.free {
                Limit::Infinity => true,
                Limit::Finite(free) => free >= least,
                Limit::Unknown => !resource.enforced,
            }
        };
        enough(Name::Fds, 32)
            && enough(Name::Ports, 16)
            && enough(Name::Processes, 16)
            && (enough(Name::KernelFiles, 32) || !self.of(Name::KernelFiles).enforced)
    }

    /// The lines that take a hazard away at once and from the next start on, where `harden/0` can.
    fn by_harden(&self, note: &str) -> Vec<Fix> {
        let now = self.has_room().then(|| Fix::now(HARDEN, note));
        let at_start = lines::harden_at_start();
        now.into_iter().chain([at_start]).collect()
    }

    fn resolver(&self) -> Option<Finding> {
        let exposed = self.exposure.native_lookup && !self.exposure.resolver_started;
        (exposed && self.release() >= RESOLVER_HALTS).then(|| {
            let message = format!(
                "The resolver's helper is not started: the first lookup of a host name with fewer than {PORT_PROGRAM_FDS} free descriptors, no free port, or no room for an OS process (pids, nproc) or its pipes halts the node ({} descriptors, {} ports are free).",
                number::limit(self.of(Name::Fds).free),
                number::limit(self.of(Name::Ports).free)
            );
            self.hazard(
                Id::ResolverNotStarted,
                &[Name::Fds, Name::Ports, Name::KernelFiles],
                message,
                vec![
                    (Key::NeededFds, Proof::Count(Known::Is(PORT_PROGRAM_FDS))),
                    self.free(Key::FreeFds, Name::Fds),
                    self.free(Key::FreePorts, Name::Ports),
                ],
                self.by_harden("starts inet_gethost: 1 port, 2 descriptors"),
            )
        })
    }

    fn code_loading(&self) -> Option<Finding> {
        let unloaded = self.exposure.unloaded_modules;
        (self.exposure.code_mode == CodeMode::Interactive && unloaded > 0).then(|| {
            let message = format!(
                "Code is loaded at its first call, and {} modules of the loaded applications are not loaded: without a free descriptor they are undef.",
                grouped(unloaded)
            );
            self.hazard(
                Id::InteractiveCodeLoading,
                &[Name::Fds, Name::KernelFiles],
                message,
                vec![
                    (Key::CodeMode, Proof::word(self.exposure.code_mode.as_str())),
                    (Key::UnloadedModules, Proof::Count(Known::Is(unloaded))),
                    self.free(Key::FreeFds, Name::Fds),
                ],
                self.has_room()
                    .then(|| Fix::now(LOAD_ALL, "loads them"))
                    .into_iter()
                    .chain([Fix::permanent(
                        "-mode embedded",
                        "in vm.args of a release, then restart",
                    )])
                    .collect(),
            )
        })
    }

    fn formatters(&self) -> Option<Finding> {
        let modules = &self.exposure.unloaded_formatters;
        let exposed = self.exposure.code_mode == CodeMode::Interactive && !modules.is_empty();
        exposed.then(|| {
            let consequence = if self.release() <= HANDLER_REMOVED {
                "the first event removes the default handler for good, and the node is mute"
            } else {
                "events come out as FORMATTER CRASHED"
            };
            self.hazard(
                Id::FormattersNotLoaded,
                &[Name::Fds, Name::KernelFiles],
                format!(
                    "{} modules that format log events are not loaded: without a free descriptor {consequence}.",
                    grouped(modules.len() as u64)
                ),
                vec![
                    (Key::Modules, Proof::Texts(modules.clone())),
                    self.free(Key::FreeFds, Name::Fds),
                ],
                self.by_harden("loads them and what a shell needs"),
            )
        })
    }

    fn dist_listener(&self) -> Option<Finding> {
        (self.exposure.dist_listeners > 0).then(|| {
            let reserved = self.facts.reserved.fds > 0;
            let give_back =
                reserved.then(|| Fix::now("headroom:release().", "lets the connection in"));
            let local = Fix::permanent(
                "-kernel inet_dist_use_interface {127,0,0,1}",
                "in vm.args, if no other host connects",
            );
            self.hazard(
                Id::DistListenerSpins,
                &[Name::Fds, Name::KernelFiles],
                "The distribution listens: without a free descriptor one connection that waits there keeps net_kernel busy on a whole core until a descriptor is free.".into(),
                vec![
                    (Key::Listeners, Proof::Count(Known::Is(self.exposure.dist_listeners))),
                    self.free(Key::FreeFds, Name::Fds),
                ],
                give_back.into_iter().chain([local]).collect(),
            )
        })
    }

    fn file_server(&self) -> Option<Finding> {
        self.exposure.file_server.then(|| {
            let processes = self.of(Name::Processes);
            let mut fix = boot::more_of(self.facts, processes);
            fix.push(Fix::permanent("file:open(Name, [raw | Modes])", "in the code that opens files"));
            self.hazard(
                Id::FileServerNeedsProcess,
                &[Name::Processes],
                format!(
                    "With a full process table one file:open that is not raw takes the node down with file_server_2 ({} of {} processes are free).",
                    number::limit(processes.free),
                    number::limit(processes.limit)
                ),
                vec![
                    (Key::Free, Proof::Limit(processes.free)),
                    (Key::Limit, Proof::Limit(processes.limit)),
                ],
                fix,
            )
        })
    }

    fn mnesia(&self) -> Option<Finding> {
        let Mnesia { state, directory } = self.exposure.mnesia.as_ref()?;
        let when = match state {
            MnesiaState::InMemory => return None,
            MnesiaState::Stopped => "Mnesia is loaded and not running: if it starts",
            MnesiaState::OnDisc => "Mnesia keeps tables on disc: if it is started again",
        };
        let wanted = format!("#{{kernel_files => #{{free => {KERNEL_FILES_WANTED}}}}}");
        Some(self.hazard(
            Id::MnesiaLogDeletedAtEnfile,
            &[Name::KernelFiles],
            format!("{when} while the kernel is out of open files (enfile), it deletes LATEST.LOG, and what was not dumped from there is lost."),
            vec![
                (Key::Mnesia, Proof::word(state.as_str())),
                (Key::Directory, Proof::Text(directory.clone())),
                self.free(Key::FreeKernelFiles, Name::KernelFiles),
            ],
            vec![
                Fix::now(format!("ok = headroom:check({wanted})."), "before each mnesia:start()"),
                Fix::permanent(
                    format!("{{headroom, [{{require, {wanted}}}]}}"),
                    "in sys.config, headroom before mnesia",
                ),
            ],
        ))
    }
}

/// Takes away what can be taken away while the node runs.
const HARDEN: &str = "headroom:harden().";
/// Loads every module of every loaded application.
const LOAD_ALL: &str = "[code:ensure_modules_loaded(Ms) || {A, _, _} <- application:loaded_applications(), {ok, Ms} <- [application:get_key(A, modules)]].";
