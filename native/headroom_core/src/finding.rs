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
    /// What to do, in lines that can be pasted.
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

/// Whether nothing of it works without a restart.
pub fn takes_restart(fix: &[Fix]) -> bool {
    !fix.is_empty() && fix.iter().all(Fix::needs_restart)
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

/// When a fix works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// At once.
    Now,
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
    /// Where the line goes, or what it does.
    pub note: String,
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
            note: note.into(),
        }
    }

    /// A line that works after a restart.
    pub fn permanent(line: impl Into<String>, note: impl Into<String>) -> Fix {
        Fix {
            when: When::Permanent,
            line: line.into(),
            note: note.into(),
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
    Probe(Probe),
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
