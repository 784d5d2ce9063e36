//! Whether a configuration will hold at the next start: rules over what files say, each in a file of its own with the
//! reason, its source, and what it finds and does not find.

mod rules;
mod scene;
pub mod values;

use serde::{Serialize, Serializer};

use crate::finding::Fix;
use headroom_facts::configured::{Configured, Spot};
use headroom_facts::vocabulary::Level;

pub use rules::RULES;
pub use scene::Scene;

atoms! {
    /// The names of all that can be found; those that the report and boot advice know, too, have the same name there.
    #[allow(missing_docs)] // each has a page
    pub enum Id {
        NofileLow = "nofile_low",
        NofileHuge = "nofile_huge",
        HardAboveNrOpen = "hard_above_nr_open",
        SoftAboveHard = "soft_above_hard",
        LimitNotANumber = "limit_not_a_number",
        LimitMisplaced = "limit_misplaced",
        LimitsConfIgnored = "limits_conf_ignored",
        LimitsConfMalformed = "limits_conf_malformed",
        SysctlNotKept = "sysctl_not_kept",
        SysctlRefused = "sysctl_refused",
        SysctlUnknown = "sysctl_unknown",
        SysctlOverridden = "sysctl_overridden",
        SysctlConfIgnored = "sysctl_conf_ignored",
        SysctlNotNamespaced = "sysctl_not_namespaced",
        NrOpenNotWhole = "nr_open_not_whole",
        FileMaxBelowNofile = "file_max_below_nofile",
        PortsBelowNofile = "ports_below_nofile",
        ProcessesBelowNofile = "processes_below_nofile",
        ErtsMaxPortsIsNotRead = "erts_max_ports_is_not_read",
        ErlMaxPortsMalformed = "erl_max_ports_malformed",
        VariableNotRead = "variable_not_read",
        VariableNotExported = "variable_not_exported",
        FlagRefused = "flag_refused",
        FlagOverridden = "flag_overridden",
        EtsLimitIsAdvice = "ets_limit_is_advice",
        KernelPollObsolete = "kernel_poll_obsolete",
        FullsweepCosts = "fullsweep_costs",
        LimitSetInVain = "limit_set_in_vain",
        NotUnderstood = "not_understood",
        NotRead = "not_read",
    }
}

/// One thing that will not work, or not as it reads.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Found {
    /// What it is.
    pub id: Id,
    /// `warning` where the next start has less than the file says or fails; `notice` where it is only not what one thinks.
    pub level: Level,
    /// Where.
    #[serde(serialize_with = "spot")]
    pub at: Spot,
    /// One sentence.
    pub message: String,
    /// What to write instead.
    pub fix: Vec<Fix>,
}

fn spot<S: Serializer>(at: &Spot, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{}:{}", at.file, at.line))
}

impl Found {
    /// Something that harms.
    pub fn warning(id: Id, at: &Spot, message: impl Into<String>, fix: Vec<Fix>) -> Found {
        Found {
            id,
            level: Level::Warning,
            at: at.clone(),
            message: message.into(),
            fix,
        }
    }

    /// Something to know.
    pub fn notice(id: Id, at: &Spot, message: impl Into<String>, fix: Vec<Fix>) -> Found {
        Found {
            level: Level::Notice,
            ..Found::warning(id, at, message, fix)
        }
    }
}

/// A file of an example: its path and its text.
pub type Example = &'static [(&'static str, &'static str)];

/// A rule, with all that its page says.
pub struct Rule {
    /// What it finds.
    pub id: Id,
    /// Why that does not work.
    pub why: &'static str,
    /// Where that is written.
    pub source: &'static str,
    /// Files in which it finds something.
    pub bad: Example,
    /// The same, put right.
    pub good: Example,
    /// Looks.
    pub check: fn(&Scene) -> Vec<Found>,
}

/// Everything that the rules find, in the order of the files.
pub fn lint(configured: &Configured) -> Vec<Found> {
    let scene = Scene::new(configured);
    let mut found: Vec<Found> = RULES.iter().flat_map(|rule| (rule.check)(&scene)).collect();
    found.sort_by(|a, b| (&a.at, a.id).cmp(&(&b.at, b.id)));
    found.dedup();
    found
}
