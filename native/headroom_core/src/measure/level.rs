//! How bad a measure is, without a word about it: the same rules for a health check and for a snapshot.

use headroom_facts::boot::PortLimitSource;
use headroom_facts::thresholds::Thresholds;
use headroom_facts::vocabulary::{Count, Known, Level, Limit};
use headroom_facts::Facts;

use super::Resource;

/// Above it the port table that is sized to nofile costs memory that nobody asked for.
const HUGE_NOFILE: u64 = 1_048_576;

/// How bad the use of a resource is. What nothing enforces is never bad; a table that cannot grow any more may be.
pub fn level(resource: &Resource, thresholds: &Thresholds) -> Level {
    if resource.is_outgrown() {
        return Level::Warning;
    }
    let (Limit::Finite(free), Known::Is(percent)) = (resource.free, resource.percent) else {
        return Level::Ok;
    };
    let threshold = thresholds.of(resource.name);
    if !resource.enforced {
        Level::Ok
    } else if free <= threshold.critical_free || percent >= threshold.critical as f64 {
        Level::Critical
    } else if percent >= threshold.warning as f64 {
        Level::Warning
    } else {
        Level::Ok
    }
}

/// Whether an enforced limit cannot be judged.
pub fn is_unreadable(resource: &Resource) -> bool {
    let no_bound = resource.limit == Limit::Infinity;
    let unknown = resource.limit == Limit::Unknown || resource.used == Count::Unknown;
    resource.enforced && unknown && !no_bound
}

/// Whether somebody raised the soft limit after the VM fixed what it can watch.
pub fn is_soft_above(soft: Limit, max_fds: Limit) -> bool {
    match (soft, max_fds) {
        (Limit::Finite(soft), Limit::Finite(max_fds)) => soft > max_fds,
        (Limit::Infinity, Limit::Finite(_)) => true,
        _ => false,
    }
}

/// Whether any descriptor stands at or above `max_fds`, as far as the facts can tell.
pub fn reaches(highest: Count, max_fds: Limit) -> bool {
    matches!((highest, max_fds), (Known::Is(highest), Limit::Finite(max_fds)) if highest >= max_fds)
}

/// Whether a limit that nobody needs made the port table large.
pub fn is_huge(facts: &Facts) -> bool {
    let sized_by_nofile = facts.boot.port_limit_source == PortLimitSource::Nofile;
    sized_by_nofile && facts.nofile.soft.is_above(HUGE_NOFILE)
}
