//! One thing worth saying: a sentence with the numbers in it, the evidence, and what to do.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use headroom_facts::probe::{Outcome, Peak, Probe};
use headroom_facts::unreadable::Unreadable;
use headroom_facts::vocabulary::{Count, Level, Limit, Name};

/// One thing worth saying about a node.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// What it is.
    pub id: Id,
    /// How bad it is.
    pub level: Level,
    /// The resource that it is about.
    pub resource: Name,
    /// One sentence, with the numbers in it.
    pub message: String,
    /// The numbers.
    pub evidence: Evidence,
    /// What to do: lines that can be pasted, and words where there is no line. Data gets the lines.
    #[serde(serialize_with = "pasted")]
    pub fix: Vec<Fix>,
    /// Whether the fix needs a restart of the node.
    pub restart: bool,
}

impl Finding {
    /// A finding; whether it takes a restart follows from its lines.
    pub fn new(
        id: Id,
        level: Level,
        resource: Name,
        message: String,
        evidence: Vec<(Key, Proof)>,
        fix: Vec<Fix>,
    ) -> Finding {
        Finding {
            id,
            level,
            resource,
            message,
            evidence: Evidence(evidence),
            restart: takes_restart(&fix),
            fix,
        }
    }
}

/// Whether nothing of it works without a restart. A look at something mends nothing.
pub fn takes_restart(fix: &[Fix]) -> bool {
    let mut mends = fix.iter().filter(|fix| fix.when != When::Look).peekable();
    mends.peek().is_some() && mends.all(Fix::needs_restart)
}

fn pasted<S: Serializer>(fix: &[Fix], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(fix.iter().filter(|fix| !fix.line.is_empty()))
}

atoms! {
    /// The names of all findings.
    #[allow(missing_docs)] // named like the facts that they repeat
    pub enum Id {
        FdsExhausted = "fds_exhausted",
        FdsNearlyExhausted = "fds_nearly_exhausted",
        PortsExhausted = "ports_exhausted",
        PortsNearlyExhausted = "ports_nearly_exhausted",
        ProcessesExhausted = "processes_exhausted",
        ProcessesNearlyExhausted = "processes_nearly_exhausted",
        AtomsExhausted = "atoms_exhausted",
        AtomsNearlyExhausted = "atoms_nearly_exhausted",
        KernelFilesExhausted = "kernel_files_exhausted",
        KernelFilesNearlyExhausted = "kernel_files_nearly_exhausted",
        SoftAboveMaxFds = "soft_above_max_fds",
        Unreadable = "unreadable",
        EtsTablesAboveAdvised = "ets_tables_above_advised",
        PortsBelowNofile = "ports_below_nofile",
        ProcessesBelowNofile = "processes_below_nofile",
        NofileLow = "nofile_low",
        NofileHuge = "nofile_huge",
        HardAboveNrOpen = "hard_above_nr_open",
        FileMaxBelowNofile = "file_max_below_nofile",
        ErtsMaxPortsIsNotRead = "erts_max_ports_is_not_read",
        ErlMaxPortsMalformed = "erl_max_ports_malformed",
        ResolverNotStarted = "resolver_not_started",
        InteractiveCodeLoading = "interactive_code_loading",
        FormattersNotLoaded = "formatters_not_loaded",
        DistListenerSpins = "dist_listener_spins",
        FileServerNeedsProcess = "file_server_needs_process",
        MnesiaLogDeletedAtEnfile = "mnesia_log_deleted_at_enfile",
        LimitBelowRequired = "limit_below_required",
        LimitAboveRequired = "limit_above_required",
        FreeBelowRequired = "free_below_required",
        RequiredButUnknown = "required_but_unknown",
    }
}

impl Id {
    /// The finding of a resource that is used up, or nearly; none for what nothing refuses.
    pub fn of_exhaustion(name: Name, full: bool) -> Option<Id> {
        Some(match (name, full) {
            (Name::Fds, true) => Id::FdsExhausted,
            (Name::Fds, false) => Id::FdsNearlyExhausted,
            (Name::Ports, true) => Id::PortsExhausted,
            (Name::Ports, false) => Id::PortsNearlyExhausted,
            (Name::Processes, true) => Id::ProcessesExhausted,
            (Name::Processes, false) => Id::ProcessesNearlyExhausted,
            (Name::Atoms, true) => Id::AtomsExhausted,
            (Name::Atoms, false) => Id::AtomsNearlyExhausted,
            (Name::KernelFiles, true) => Id::KernelFilesExhausted,
            (Name::KernelFiles, false) => Id::KernelFilesNearlyExhausted,
            (Name::EtsTables, _) => return None,
        })
    }
}

/// When a fix works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// At once.
    Now,
    /// At once, and it mends nothing by itself: it shows, or says, what can be done.
    Look,
    /// From the next start on.
    Permanent,
}

/// A line that can be pasted, with a word on when it works and what it does. Data gets the line alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// When it works.
    pub when: When,
    /// The line.
    pub line: String,
    /// The file or command that the line belongs to; none for what is typed at the prompt of the node or of a shell.
    pub place: Option<Place>,
    /// Where the line goes, or what it does, in words.
    pub note: String,
}

/// Where a line belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The flags of the emulator.
    VmArgs,
    /// The environment that the node is started in.
    Environment,
    /// The systemd unit of the node.
    Unit,
    /// The systemd unit of the container engine, on the host.
    EngineUnit,
    /// The command that runs a container.
    ContainerRun,
    /// A service of a compose file.
    Compose,
    /// The image's recipe.
    Dockerfile,
    /// The script that starts the node.
    StartScript,
    /// The settings of the kernel that each boot of the machine reads.
    SysctlD,
    /// A shell of the host.
    Host,
    /// A file of a known piece of software.
    File(&'static str),
}

impl Place {
    /// The place in words.
    pub const fn words(self) -> &'static str {
        match self {
            Place::VmArgs => "in vm.args",
            Place::Environment => "in the environment",
            Place::Unit => "in the systemd unit",
            Place::EngineUnit => "in the systemd unit of containerd on the host",
            Place::ContainerRun => "for docker or podman run",
            Place::Compose => "in the service of the compose file",
            Place::Dockerfile => "in the Dockerfile, with the command headroom in the image",
            Place::StartScript => "in the script that starts the node",
            Place::SysctlD => "in /etc/sysctl.d/ on the host",
            Place::Host => "as root on the host",
            Place::File(words) => words,
        }
    }

    /// What makes the line work once it is there.
    const fn then(self) -> &'static str {
        match self {
            Place::VmArgs
            | Place::Environment
            | Place::Unit
            | Place::ContainerRun
            | Place::Compose
            | Place::StartScript
            | Place::File(_) => ", then restart",
            Place::EngineUnit => ", then restart both",
            Place::Dockerfile | Place::SysctlD | Place::Host => "",
        }
    }
}

impl Fix {
    /// Whether this works only after a restart.
    pub fn needs_restart(&self) -> bool {
        self.when == When::Permanent
    }

    /// A line that works at once.
    pub fn now(line: impl Into<String>, note: impl Into<String>) -> Fix {
        Fix {
            when: When::Now,
            line: line.into(),
            place: None,
            note: note.into(),
        }
    }

    /// A line that works after a restart.
    pub fn permanent(line: impl Into<String>, note: impl Into<String>) -> Fix {
        Fix {
            when: When::Permanent,
            line: line.into(),
            place: None,
            note: note.into(),
        }
    }

    /// A line that shows what can be done.
    pub fn look(line: impl Into<String>, note: impl Into<String>) -> Fix {
        Fix {
            when: When::Look,
            ..Fix::now(line, note)
        }
    }

    /// Words alone, where there is no line to paste.
    pub fn said(words: impl Into<String>) -> Fix {
        Fix::look("", words)
    }

    /// A line for a place, which works from the next start on.
    pub fn at(place: Place, line: impl Into<String>) -> Fix {
        Fix {
            place: Some(place),
            ..Fix::permanent(line, format!("{}{}", place.words(), place.then()))
        }
    }

    /// A line for a place, which works at once.
    pub fn now_at(place: Place, line: impl Into<String>) -> Fix {
        Fix {
            place: Some(place),
            ..Fix::now(line, place.words())
        }
    }

    /// With a remark behind the words of its place.
    pub fn saying(self, remark: &str) -> Fix {
        let (place, then) = self
            .place
            .map_or(("", ""), |place| (place.words(), place.then()));
        let comma = if remark.starts_with('(') { "" } else { "," };
        Fix {
            note: format!("{place}{comma} {remark}{then}"),
            ..self
        }
    }
}

impl Serialize for Fix {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.line)
    }
}

/// Named numbers: the keys come from a closed set.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Evidence(pub Vec<(Key, Proof)>);

atoms! {
    /// The keys of evidence.
    #[allow(missing_docs)] // named like the facts that they repeat
    pub enum Key {
        Used = "used",
        Limit = "limit",
        Free = "free",
        Percent = "percent",
        BoundBy = "bound_by",
        Soft = "soft",
        Hard = "hard",
        MaxFds = "max_fds",
        NrOpen = "nr_open",
        FileMax = "file_max",
        Highest = "highest",
        PortLimit = "port_limit",
        PortLimitSource = "port_limit_source",
        ErlMaxPorts = "erl_max_ports",
        ErtsMaxPorts = "erts_max_ports",
        EstimatedBytes = "estimated_bytes",
        Unreadable = "unreadable",
        NeededFds = "needed_fds",
        FreeFds = "free_fds",
        FreePorts = "free_ports",
        FreeKernelFiles = "free_kernel_files",
        CodeMode = "code_mode",
        UnloadedModules = "unloaded_modules",
        Modules = "modules",
        Listeners = "listeners",
        Mnesia = "mnesia",
        Directory = "directory",
        Harden = "harden",
        Probe = "probe",
        Pipe = "pipe",
        OtpRelease = "otp_release",
        Fds = "fds",
        Ports = "ports",
        Processes = "processes",
        KernelFiles = "kernel_files",
        ExemptFromFileMax = "exempt_from_file_max",
        Recorded = "recorded",
        Required = "required",
        SetBy = "set_by",
        OsProcesses = "os_processes",
        Threads = "threads",
        Memory = "memory",
        LocalPorts = "local_ports",
        AgeMs = "age_ms",
    }
}

/// One value of evidence.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
#[allow(missing_docs)] // one for each type of a fact
pub enum Proof {
    Count(Count),
    Limit(Limit),
    Percent(headroom_facts::vocabulary::Known<f64>),
    Text(String),
    Texts(Vec<String>),
    Flag(headroom_facts::vocabulary::Flag),
    Word(Word),
    Unreadable(Vec<Unreadable>),
    Table(Count, Limit),
    Probe(Box<Probe>),
    Outcome(Outcome),
    Peak(Peak),
}

impl Proof {
    /// A word of a closed set.
    pub const fn word(word: &'static str) -> Proof {
        Proof::Word(Word(word))
    }
}

/// A word of a closed set: an atom in Erlang terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word(pub &'static str);

impl Serialize for Word {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_unit_variant("Word", 0, self.0)
    }
}

impl Serialize for Evidence {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (key, proof) in &self.0 {
            map.serialize_entry(key, proof)?;
        }
        map.end()
    }
}
