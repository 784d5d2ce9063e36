//! What a release needs before it may start: (requirements, facts) to findings. What is unknown never passes.

use crate::advise::{goal, lines};
use crate::finding::{Finding, Fix, Id, Key, Proof};
use crate::measure::{BoundBy, Resource, Resources};
use crate::number::{self, plain};
use headroom_facts::boot::{PortLimitSource, StartedBy};
use headroom_facts::term::Value;
use headroom_facts::unreadable::{self, What};
use headroom_facts::vocabulary::{Known, Level, Limit, Name};
use headroom_facts::Facts;

/// The names of what can be found unmet.
pub const IDS: [Id; 4] = [
    Id::LimitBelowRequired,
    Id::LimitAboveRequired,
    Id::FreeBelowRequired,
    Id::RequiredButUnknown,
];

/// What is required of one resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Demand {
    /// The limit is at least this.
    Min(u64),
    /// The limit is at most this.
    Max(u64),
    /// At least this many are free now.
    Free(u64),
}

/// What is required of a node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Requirements(Vec<(Name, Demand)>);

impl Requirements {
    /// The requirements that an option like `#{fds => 65536, ports => #{min => 65536, free => 100}}` states.
    ///
    /// # Errors
    /// The index of the pair that is wrong, and why.
    pub fn from_option(pairs: &[(&Value, &Value)]) -> Result<Requirements, (usize, String)> {
        let mut all = Vec::new();
        for (index, (key, value)) in pairs.iter().enumerate() {
            let name = key.as_atom().and_then(Name::parse).ok_or_else(|| {
                let names: Vec<_> = Name::ALL.iter().map(|name| name.as_str()).collect();
                (
                    index,
                    format!("no such resource; there are {}", names.join(", ")),
                )
            })?;
            let demands = demands(value).map_err(|why| (index, why))?;
            all.extend(demands.into_iter().map(|demand| (name, demand)));
        }
        all.sort_by_key(|(name, demand)| (*name, demand.rank()));
        Ok(Requirements(all))
    }

    /// How many single demands there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether anything is required of this resource.
    pub fn concern(&self, name: Name) -> bool {
        self.0.iter().any(|(of, _)| *of == name)
    }

    /// Whether nothing is required.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Everything that is not met, in the order of the resources.
    pub fn unmet(&self, facts: &Facts) -> Vec<Finding> {
        let unmet = |&(name, demand)| unmet(facts, name, demand);
        self.0.iter().filter_map(unmet).collect()
    }
}

impl Demand {
    fn rank(self) -> (u8, u64) {
        match self {
            Demand::Min(n) => (0, n),
            Demand::Max(n) => (1, n),
            Demand::Free(n) => (2, n),
        }
    }
}

fn demands(value: &Value) -> Result<Vec<Demand>, String> {
    const NUMBER: &str = "a whole number from 0";
    if let Some(least) = value.as_u64() {
        return Ok(vec![Demand::Min(least)]);
    }
    let pairs = value
        .as_pairs()
        .filter(|pairs| !pairs.is_empty())
        .ok_or_else(|| format!("neither {NUMBER} nor a map of min, max and free"))?;
    let mut demands = Vec::new();
    let (mut min, mut max) = (0, u64::MAX);
    for (key, value) in pairs {
        let key = key.as_atom().unwrap_or_default();
        let number = value.as_u64().ok_or_else(|| format!("{key} is {NUMBER}"));
        demands.push(match key {
            "min" => {
                min = number?;
                Demand::Min(min)
            }
            "max" => {
                max = number?;
                Demand::Max(max)
            }
            "free" => Demand::Free(number?),
            _ => return Err("its keys are min, max and free".into()),
        });
    }
    if min > max {
        return Err(format!("min {min} is above max {max}"));
    }
    Ok(demands)
}

/// Without `max_fds` it is not known how many descriptors the VM can watch, whatever the soft limit says.
fn found(facts: &Facts, name: Name) -> Resource {
    let resource = *Resources::new(facts).of(name);
    let unwatched = name == Name::Fds && facts.nofile.max_fds == Limit::Unknown;
    if unwatched || resource.limit == Limit::Unknown {
        Resource {
            limit: Limit::Unknown,
            free: Limit::Unknown,
            percent: Known::Unknown,
            ..resource
        }
    } else {
        resource
    }
}

fn unmet(facts: &Facts, name: Name, demand: Demand) -> Option<Finding> {
    let resource = found(facts, name);
    let measured = match demand {
        Demand::Min(_) | Demand::Max(_) => resource.limit,
        Demand::Free(_) => resource.free,
    };
    let is_met = match (measured, demand) {
        // The process is exempt from it.
        (_, Demand::Min(_) | Demand::Free(_))
            if name == Name::KernelFiles && !resource.enforced =>
        {
            true
        }
        (Limit::Unknown, _) => return Some(unknown(facts, &resource, demand)),
        (Limit::Infinity, Demand::Max(_)) => false,
        (Limit::Infinity, _) => true,
        (Limit::Finite(found), Demand::Min(least) | Demand::Free(least)) => found >= least,
        (Limit::Finite(found), Demand::Max(most)) => found <= most,
    };
    (!is_met).then(|| missed(facts, &resource, demand))
}

fn missed(facts: &Facts, resource: &Resource, demand: Demand) -> Finding {
    let name = resource.name;
    let set_by = set_by(facts, resource);
    let (limit, free) = (number::limit(resource.limit), number::limit(resource.free));
    let must = must(name, demand);
    let (id, message, fix) = match demand {
        Demand::Min(least) => (
            Id::LimitBelowRequired,
            format!("{must}; it is {limit}, set by {set_by}."),
            goal::at_least(facts, name, least),
        ),
        Demand::Max(most) => (
            Id::LimitAboveRequired,
            format!("{must}; it is {limit}, set by {set_by}."),
            goal::at_most(facts, name, most),
        ),
        Demand::Free(least) => {
            let wanted = resource.used.get().map(|used| used.saturating_add(least));
            (
                Id::FreeBelowRequired,
                format!("{must}; {free} of {limit} are, the limit is set by {set_by}."),
                wanted.map_or(Vec::new(), |wanted| goal::at_least(facts, name, wanted)),
            )
        }
    };
    finding(id, resource, demand, message, fix, Some(set_by))
}

fn unknown(facts: &Facts, resource: &Resource, demand: Demand) -> Finding {
    let name = resource.name;
    let related: &[What] = match name {
        Name::Fds => &[What::Nofile, What::CheckIo, What::Open],
        Name::KernelFiles => &[What::FileNr, What::FileMax],
        _ => &[],
    };
    let (missing, because) = unreadable::reasons(&facts.unreadable, related);
    let must = must(name, demand);
    let message = format!("{must}; how many there are cannot be told{because}.");
    let fix = lines::proc_filesystem(&missing).into_iter().collect();
    finding(Id::RequiredButUnknown, resource, demand, message, fix, None)
}

/// The demand as the beginning of a sentence.
fn must(name: Name, demand: Demand) -> String {
    let name = name.as_str();
    match demand {
        Demand::Min(least) => format!("{name}: the limit must be at least {}", plain(least)),
        Demand::Max(most) => format!("{name}: the limit must be at most {}", plain(most)),
        Demand::Free(least) => format!("{name}: at least {} must be free", plain(least)),
    }
}

fn finding(
    id: Id,
    resource: &Resource,
    demand: Demand,
    message: String,
    fix: Vec<Fix>,
    set_by: Option<String>,
) -> Finding {
    let (Demand::Min(required) | Demand::Max(required) | Demand::Free(required)) = demand;
    let mut evidence = vec![
        (Key::Required, Proof::Count(Known::Is(required))),
        (Key::Limit, Proof::Limit(resource.limit)),
        (Key::Used, Proof::Count(resource.used)),
        (Key::Free, Proof::Limit(resource.free)),
        (Key::BoundBy, Proof::word(resource.bound_by.as_str())),
    ];
    evidence.extend(set_by.map(|by| (Key::SetBy, Proof::Text(by))));
    Finding::new(id, Level::Critical, resource.name, message, evidence, fix)
}

/// Who set the limit, as far as it can be told.
fn set_by(facts: &Facts, resource: &Resource) -> String {
    let boot = &facts.boot;
    let flag = |kind: &str| match boot.flag(kind) {
        Some(flag) => flag.to_string(),
        None if boot.port_limit_source == PortLimitSource::Unknown => "an unknown flag".into(),
        None => "the default of the VM".into(),
    };
    match resource.bound_by {
        BoundBy::NofileSoft => {
            let keeper = match boot.started_by {
                StartedBy::Systemd => ", started by systemd",
                StartedBy::Container => ", started in a container",
                StartedBy::Kubernetes => ", started by Kubernetes",
                StartedBy::Unknown => "",
            };
            let hard = number::limit(facts.nofile.hard);
            format!("the soft limit of the OS process (hard limit {hard}{keeper})")
        }
        BoundBy::MaxFds => "the soft limit at boot (max_fds)".into(),
        BoundBy::NrOpen => "the sysctl fs.nr_open".into(),
        BoundBy::PortLimit => match boot.port_limit_source {
            PortLimitSource::Flag => flag("+Q"),
            PortLimitSource::Env => {
                let value = boot.erl_max_ports.as_deref().unwrap_or_default();
                format!("ERL_MAX_PORTS={value:?}")
            }
            PortLimitSource::Nofile => "nofile at boot".into(),
            PortLimitSource::Default | PortLimitSource::Unknown => flag("+Q"),
        },
        BoundBy::ProcessLimit => flag("+P"),
        BoundBy::EtsLimit => match (&boot.erl_max_ets_tables, boot.flag("+e")) {
            (Some(value), None) => format!("ERL_MAX_ETS_TABLES={value:?}"),
            _ => flag("+e"),
        },
        BoundBy::AtomLimit => flag("+t"),
        BoundBy::FileMax => "the sysctl fs.file-max".into(),
    }
}
