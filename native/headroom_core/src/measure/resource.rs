//! How much of each resource is used, and what bounds it.

use serde::{Serialize, Serializer};

use super::Binding;
use headroom_facts::beam::Tables;
use headroom_facts::vocabulary::{Count, Flag, Known, Limit, Name};
use headroom_facts::{Facts, Fds, Nofile};

/// One resource at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Resource {
    /// Which one.
    pub name: Name,
    /// How many are taken.
    pub used: Count,
    /// How many there can be.
    pub limit: Limit,
    /// How many are left.
    pub free: Limit,
    /// Used of limit, with one decimal, rounded down.
    pub percent: Known<f64>,
    /// What sets the limit.
    pub bound_by: BoundBy,
    /// Whether something refuses the next one at the limit.
    pub enforced: bool,
}

atoms! {
    /// What sets a limit.
    pub enum BoundBy {
        /// The soft limit of the process.
        NofileSoft = "nofile_soft",
        /// What the VM can watch, fixed at boot.
        MaxFds = "max_fds",
        /// What the kernel accepts as a limit.
        NrOpen = "nr_open",
        /// The size of the port table.
        PortLimit = "port_limit",
        /// The size of the process table.
        ProcessLimit = "process_limit",
        /// The number of tables that `+e` advises.
        EtsLimit = "ets_limit",
        /// The size of the atom table.
        AtomLimit = "atom_limit",
        /// The kernel's limit of open files.
        FileMax = "file_max",
    }
}

impl Resource {
    fn new(
        name: Name,
        used: Count,
        limit: Limit,
        free: Limit,
        bound_by: BoundBy,
        enforced: bool,
    ) -> Resource {
        Resource {
            name,
            used,
            limit,
            free,
            percent: percent(used, limit, free),
            bound_by,
            enforced,
        }
    }
}

impl Resource {
    /// Whether more are open than `fs.nr_open` lets the table grow to, so that it has grown before.
    pub fn is_outgrown(&self) -> bool {
        self.bound_by == BoundBy::NrOpen && is_outgrown(self.limit, self.used)
    }
}

/// All six.
#[derive(Clone, Debug, PartialEq)]
pub struct Resources([Resource; 6]);

impl Resources {
    /// Those of these facts.
    pub fn new(facts: &Facts) -> Resources {
        Resources::measured(&facts.fds, &facts.nofile, &facts.beam)
    }

    /// Those of what was measured, where nobody made facts of it.
    pub fn measured(fds: &Fds, nofile: &Nofile, tables: &Tables) -> Resources {
        Resources([
            self::fds(
                nofile.soft,
                nofile.max_fds,
                nofile.nr_open,
                fds.open,
                fds.free,
            ),
            table(Name::Ports, tables.ports),
            table(Name::Processes, tables.processes),
            table(Name::EtsTables, tables.ets_tables),
            table(Name::Atoms, tables.atoms),
            kernel_files(
                (nofile.file_nr, nofile.file_max),
                nofile.exempt_from_file_max,
            ),
        ])
    }

    /// The one of this name.
    pub fn of(&self, name: Name) -> &Resource {
        let [fds, ports, processes, ets_tables, atoms, kernel_files] = &self.0;
        match name {
            Name::Fds => fds,
            Name::Ports => ports,
            Name::Processes => processes,
            Name::EtsTables => ets_tables,
            Name::Atoms => atoms,
            Name::KernelFiles => kernel_files,
        }
    }

    /// In listed order.
    pub fn iter(&self) -> std::slice::Iter<'_, Resource> {
        self.0.iter()
    }

    /// The one that is closest to its limit, among those whose limit is enforced and known; of two, the first listed.
    pub fn binding(&self) -> Binding {
        let mut closest: Option<&Resource> = None;
        for resource in self.iter().filter(|resource| resource.enforced) {
            let higher = |best: &Resource| resource.percent.get() > best.percent.get();
            if resource.percent != Known::Unknown && closest.is_none_or(higher) {
                closest = Some(resource);
            }
        }
        Binding(closest.map(|resource| resource.name))
    }
}

impl<'a> IntoIterator for &'a Resources {
    type Item = &'a Resource;
    type IntoIter = std::slice::Iter<'a, Resource>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl Serialize for Resources {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

/// The descriptors of a snapshot.
pub fn of_fds(facts: &Facts) -> Resource {
    let nofile = &facts.nofile;
    fds(
        nofile.soft,
        nofile.max_fds,
        nofile.nr_open,
        facts.fds.open,
        facts.fds.free,
    )
}

/// Where the kernel stops to let the table of descriptors grow: it grows by whole words of 64 bits. (Kernels before 5.18
/// round `fs.nr_open` up instead, which gives up to 63 more.)
fn table_end(nr_open: Limit) -> Limit {
    match nr_open {
        Limit::Finite(nr_open) => Limit::Finite(nr_open & !63),
        other => other,
    }
}

/// Free slots for descriptors that need not be watched. The table of a process that has more open than `fs.nr_open` grew
/// before that was lowered: where it ends now is not known.
pub fn kernel_slots(fds: &Fds, nofile: &Nofile) -> Limit {
    let end = table_end(nofile.nr_open);
    let free = fds.free;
    if !is_below(end, nofile.soft) {
        return free;
    }
    match (end.minus(fds.open), free) {
        _ if is_outgrown(end, fds.open) => Limit::Unknown,
        (Limit::Finite(table), Limit::Finite(free)) => Limit::Finite(table.min(free)),
        (table, _) => table,
    }
}

fn is_below(limit: Limit, other: Limit) -> bool {
    match (limit, other) {
        (Limit::Finite(limit), Limit::Finite(other)) => limit < other,
        (Limit::Finite(_), Limit::Infinity) => true,
        _ => false,
    }
}

fn is_outgrown(end: Limit, open: Count) -> bool {
    matches!((end, open), (Limit::Finite(end), Known::Is(open)) if open > end)
}

/// The descriptors: the smallest of three limits counts. `free` are the free slots below the soft limit.
pub fn fds(soft: Limit, max_fds: Limit, nr_open: Limit, open: Count, free: Limit) -> Resource {
    let mut limit = soft;
    let mut bound_by = BoundBy::NofileSoft;
    // A limit that could not be read bounds nothing here, but without the soft limit nothing is known.
    let table_end = table_end(nr_open);
    for (other, by) in [(max_fds, BoundBy::MaxFds), (table_end, BoundBy::NrOpen)] {
        if is_below(other, limit) {
            limit = other;
            bound_by = by;
        }
    }
    let free = match bound_by {
        BoundBy::NofileSoft => free,
        BoundBy::NrOpen if is_outgrown(limit, open) => Limit::Unknown,
        // Never more than there is: descriptors at or above the limit take no slot below it.
        _ => limit.minus(open),
    };
    Resource {
        percent: taken_of(open, limit, free),
        ..Resource::new(Name::Fds, open, limit, free, bound_by, true)
    }
}

/// The share of the slots below a limit that are taken. Descriptors above it take none of them.
fn taken_of(open: Count, limit: Limit, free: Limit) -> Known<f64> {
    match (limit, free) {
        (Limit::Finite(all), Limit::Finite(left)) => {
            percent(Known::Is(all.saturating_sub(left)), limit, free)
        }
        (Limit::Finite(_), _) => Known::Unknown,
        _ => percent(open, limit, free),
    }
}

/// A table of the VM.
pub fn table(name: Name, (used, limit): (Count, Limit)) -> Resource {
    let bound_by = match name {
        Name::Fds => BoundBy::NofileSoft,
        Name::Ports => BoundBy::PortLimit,
        Name::Processes => BoundBy::ProcessLimit,
        Name::EtsTables => BoundBy::EtsLimit,
        Name::Atoms => BoundBy::AtomLimit,
        Name::KernelFiles => BoundBy::FileMax,
    };
    let enforced = name != Name::EtsTables;
    Resource::new(name, used, limit, limit.minus(used), bound_by, enforced)
}

/// The open files of the kernel. Not knowing whether the limit applies is taken as a yes.
pub fn kernel_files((used, limit): (Count, Limit), exempt: Flag) -> Resource {
    Resource {
        enforced: exempt != Known::Is(true),
        ..table(Name::KernelFiles, (used, limit))
    }
}

fn percent(used: Count, limit: Limit, free: Limit) -> Known<f64> {
    let (Known::Is(used), limit) = (used, limit) else {
        return Known::Unknown;
    };
    match limit {
        Limit::Unknown => Known::Unknown,
        Limit::Infinity => Known::Is(0.0),
        Limit::Finite(0) => Known::Is(100.0),
        Limit::Finite(limit) => {
            let tenths = match used.checked_mul(1000) {
                Some(thousandfold) => (thousandfold / limit) as f64,
                None => (u128::from(used) * 1000 / u128::from(limit)) as f64,
            };
            // 100.0 is kept for a resource with nothing left.
            let tenths = if tenths == 1000.0 && free != Limit::Finite(0) {
                999.0
            } else {
                tenths
            };
            Known::Is(tenths / 10.0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn fds_of(soft: u64, max_fds: u64, nr_open: u64, open: u64, free: u64) -> Resource {
        let [soft, max_fds, nr_open, free] = [soft, max_fds, nr_open, free].map(Limit::Finite);
        fds(soft, max_fds, nr_open, Known::Is(open), free)
    }

    // The wrong limit named here sends the operator to change something that binds nothing.
    #[test]
    fn the_smallest_limit_binds_and_ties_go_to_the_first() {
        let cases = [
            ((1024, 1024, 1024), 1024, BoundBy::NofileSoft),
            ((2048, 1024, 1024), 1024, BoundBy::MaxFds),
            ((2048, 1024, 512), 512, BoundBy::NrOpen),
            ((2048, 2048, 1000), 960, BoundBy::NrOpen),
            ((960, 2048, 1000), 960, BoundBy::NofileSoft),
            ((512, 1024, 2048), 512, BoundBy::NofileSoft),
        ];
        for ((soft, max_fds, nr_open), limit, by) in cases {
            let resource = fds_of(soft, max_fds, nr_open, 10, soft - 10);
            assert_eq!(
                (resource.limit, resource.bound_by),
                (Limit::Finite(limit), by)
            );
            assert_eq!(resource.free, Limit::Finite(limit - 10));
        }
    }

    // The table of a process that has more open than fs.nr_open has grown already: that none is left would be false, and
    // how many are left is not known.
    #[test]
    fn a_table_that_has_outgrown_nr_open_is_not_full() {
        let outgrown = fds_of(20_000, 20_000, 1000, 1500, 18_500);
        assert_eq!(
            (outgrown.limit, outgrown.free, outgrown.percent),
            (Limit::Finite(960), Limit::Unknown, Known::Unknown)
        );
        assert!(outgrown.is_outgrown());
        let full = fds_of(20_000, 20_000, 1000, 960, 19_040);
        assert_eq!(
            (full.free, full.percent),
            (Limit::Finite(0), Known::Is(100.0))
        );
        assert!(!full.is_outgrown());
    }

    // Holes count: after the soft limit was lowered below open descriptors, free is not limit minus open.
    #[test]
    fn free_slots_are_those_that_the_kernel_counts() {
        let lowered = fds_of(100, 20_000, 20_000, 5000, 2);
        assert_eq!(lowered.free, Limit::Finite(2));
        assert_eq!(lowered.percent, Known::Is(98.0));
        // Most slots are free again: the descriptors above the limit are nobody's trouble.
        assert_eq!(
            fds_of(100, 20_000, 20_000, 152, 70).percent,
            Known::Is(30.0)
        );
        let raised = fds_of(4096, 256, 20_000, 300, 3796);
        assert_eq!(raised.free, Limit::Finite(0));
    }

    #[test]
    fn percent_is_rounded_down_and_full_only_when_nothing_is_left() {
        let cases = [
            (65_434, 65_472, 38, 99.9),
            (0, 1024, 1024, 0.0),
            (1, 1024, 1023, 0.0),
            (1023, 1024, 1, 99.9),
            (1024, 1024, 0, 100.0),
            (100, 100, 3, 99.9),
            (2048, 1024, 0, 200.0),
            (0, 0, 0, 100.0),
        ];
        for (used, limit, free, expected) in cases {
            let result = percent(Known::Is(used), Limit::Finite(limit), Limit::Finite(free));
            assert_eq!(result, Known::Is(expected), "{used} of {limit}");
        }
        let infinite = percent(Known::Is(7), Limit::Infinity, Limit::Infinity);
        assert_eq!(infinite, Known::Is(0.0));
        let unknown = percent(Known::Unknown, Limit::Finite(7), Limit::Unknown);
        assert_eq!(unknown, Known::Unknown);
    }

    #[test]
    fn without_the_soft_limit_nothing_is_claimed() {
        let resource = fds(
            Limit::Unknown,
            Limit::Finite(1024),
            Limit::Finite(2048),
            Known::Is(7),
            Limit::Unknown,
        );
        assert_eq!(
            (resource.limit, resource.free),
            (Limit::Unknown, Limit::Unknown)
        );
        assert_eq!(resource.percent, Known::Unknown);
    }

    proptest! {
        // No input may overflow, and a percentage must always be a number: a NaN would raise in the NIF.
        #[test]
        fn any_numbers_give_a_finite_percentage(used: u64, limit: u64, free: u64) {
            let Known::Is(result) = percent(Known::Is(used), Limit::Finite(limit), Limit::Finite(free)) else {
                panic!("unknown");
            };
            prop_assert!(result.is_finite() && result >= 0.0);
        }
    }
}
