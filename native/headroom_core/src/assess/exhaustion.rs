//! Resources that are used up, nearly used up, or that cannot be read.

use crate::advise::{boot, lines};
use crate::finding::{Finding, Fix, Id, Key, Proof};
use crate::measure::{level, BoundBy, Resource, Resources};
use crate::number;
use headroom_facts::unreadable::{self, Reason, Unreadable, What, Word};
use headroom_facts::vocabulary::{Known, Level, Limit, Name};
use headroom_facts::Facts;

pub(super) fn findings(facts: &Facts, resources: &Resources) -> Vec<Finding> {
    let of = |resource| exhausted(facts, resource).or_else(|| unreadable(facts, resource));
    resources.iter().filter_map(of).collect()
}

fn exhausted(facts: &Facts, resource: &Resource) -> Option<Finding> {
    let level = level::level(resource, &facts.thresholds);
    if level == Level::Ok {
        return None;
    }
    let full = resource.free == Limit::Finite(0);
    let id = Id::of_exhaustion(resource.name, full)?;
    Some(Finding::new(
        id,
        level,
        resource.name,
        message(resource, full),
        evidence(facts, resource),
        boot::more_of(facts, resource),
    ))
}

/// What happens at the end of each resource, as it is met on OTP 23 to 29.
fn message(resource: &Resource, full: bool) -> String {
    let limit = number::limit(resource.limit);
    if resource.is_outgrown() {
        let used = number::count(resource.used);
        return format!("{used} descriptors are open, and fs.nr_open lets the table grow to {limit} only: the next one may be refused, when the table would have to grow.");
    }
    let (what, consequence) = match (resource.name, resource.bound_by) {
        (Name::Fds, BoundBy::MaxFds) => (
            "descriptors that the VM can watch",
            "new sockets are deaf and leak",
        ),
        (Name::Fds, _) => ("descriptors", "new clients hang in the listen backlog"),
        (Name::Ports, _) => ("ports", "new clients are accepted and closed at once"),
        (Name::Processes, _) => ("processes", "every spawn fails with system_limit"),
        (Name::EtsTables, _) => ("ETS tables", "lookups by name get slower"),
        (Name::Atoms, _) => ("atoms", "the node ends"),
        (Name::KernelFiles, _) => (
            "open files of the kernel",
            "accept, socket and open fail with enfile",
        ),
    };
    if full {
        let above = match (resource.used.get(), resource.limit.finite()) {
            (Some(used), Some(limit)) if used > limit => {
                format!(", and {} more are open above that", used - limit)
            }
            _ => String::new(),
        };
        format!("All {limit} {what} are taken{above}: {consequence}.")
    } else {
        let free = number::limit(resource.free);
        let are = if resource.free == Limit::Finite(1) {
            "is"
        } else {
            "are"
        };
        format!("{free} of {limit} {what} {are} left; at 0 {consequence}.")
    }
}

fn evidence(facts: &Facts, resource: &Resource) -> Vec<(Key, Proof)> {
    let mut evidence = vec![
        (Key::Used, Proof::Count(resource.used)),
        (Key::Limit, Proof::Limit(resource.limit)),
        (Key::Free, Proof::Limit(resource.free)),
        (Key::Percent, Proof::Percent(resource.percent)),
        (Key::BoundBy, Proof::word(resource.bound_by.as_str())),
    ];
    // A health check may judge by a count that was made a moment before.
    if resource.name == Name::Fds && facts.fds.age_ms > 0 {
        evidence.push((Key::AgeMs, Proof::Count(Known::Is(facts.fds.age_ms))));
    }
    evidence
}

fn unreadable(facts: &Facts, resource: &Resource) -> Option<Finding> {
    if !level::is_unreadable(resource) {
        return None;
    }
    let related: &[What] = match resource.name {
        Name::Fds => &[What::Nofile, What::Open],
        Name::Ports => &[What::Ports],
        Name::Processes => &[What::Processes],
        Name::EtsTables => &[What::EtsTables],
        Name::Atoms => &[What::Atoms],
        Name::KernelFiles => &[
            What::FileNr,
            What::FileMax,
            What::Capabilities,
            What::UserNs,
        ],
    };
    let (missing, because) = unreadable::reasons(&facts.unreadable, related);
    if missing.iter().any(Unreadable::is_out_of_sight) {
        return None;
    }
    let what = resource.name.noun();
    let (used, limit) = (number::count(resource.used), number::limit(resource.limit));
    let unsupported = Reason::Word(Word::UnsupportedOs);
    let look = match missing.iter().any(|missing| missing.reason == unsupported) {
        true => Fix::said("this system does not tell it"),
        false => lines::inspect(facts.os_pid),
    };
    let cure = lines::proc_filesystem(&missing);
    let fix = [look].into_iter().chain(cure).collect();
    Some(Finding::new(
        Id::Unreadable,
        Level::Warning,
        resource.name,
        format!("How many {what} are left cannot be told: used {used}, limit {limit}{because}."),
        vec![
            (Key::Used, Proof::Count(resource.used)),
            (Key::Limit, Proof::Limit(resource.limit)),
            (Key::Unreadable, Proof::Unreadable(missing)),
        ],
        fix,
    ))
}
