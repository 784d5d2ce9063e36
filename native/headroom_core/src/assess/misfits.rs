//! Limits that do not fit each other, or that somebody set in vain.

use crate::advise::{boot, lines, now};
use crate::finding::{Finding, Fix, Id, Key, Proof};
use crate::measure::{level, Resources};
use crate::number::{self, plain};
use headroom_facts::boot::PortLimitSource;
use headroom_facts::otp;
use headroom_facts::release::Release;
use headroom_facts::vocabulary::{Known, Level, Limit, Name};
use headroom_facts::Facts;

/// The soft limit that containers get by default today.
const LOW_NOFILE: u64 = 1024;

/// Those that no level follows from.
pub(super) fn notices(facts: &Facts, resources: &Resources) -> Vec<Finding> {
    [
        ets_tables_above_advised(facts, resources),
        ports_below_nofile(facts, resources),
        nofile_low(facts),
        nofile_huge(facts),
        hard_above_nr_open(facts),
        file_max_below_nofile(facts),
        erts_max_ports_is_not_read(facts),
        erl_max_ports_malformed(facts),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn notice(
    id: Id,
    resource: Name,
    message: String,
    evidence: Vec<(Key, Proof)>,
    fix: Vec<Fix>,
) -> Finding {
    Finding::new(id, Level::Notice, resource, message, evidence, fix)
}

/// That somebody raised the soft limit above what the VM can watch, if so.
pub fn soft_above_max_fds(facts: &Facts) -> Option<Finding> {
    let (soft, max_fds) = (facts.nofile.soft, facts.nofile.max_fds);
    if !level::is_soft_above(soft, max_fds) {
        return None;
    }
    let reached = level::reaches(facts.fds.highest, max_fds);
    let (soft_text, max_text) = (number::limit(soft), number::limit(max_fds));
    let message = if reached {
        let highest = number::count(facts.fds.highest);
        format!(
            "The soft limit was raised to {soft_text} after boot and descriptor {highest} is open: sockets from {max_text} up are deaf and leak when closed."
        )
    } else {
        format!(
            "The soft limit was raised to {soft_text} after boot, but the VM watches only {max_text} descriptors: sockets above would be deaf and leak."
        )
    };
    let level = if reached {
        Level::Critical
    } else {
        Level::Warning
    };
    Some(Finding::new(
        Id::SoftAboveMaxFds,
        level,
        Name::Fds,
        message,
        vec![
            (Key::Soft, Proof::Limit(soft)),
            (Key::MaxFds, Proof::Limit(max_fds)),
            (Key::Highest, Proof::Count(facts.fds.highest)),
        ],
        now::back_to_max_fds(facts),
    ))
}

fn ets_tables_above_advised(facts: &Facts, resources: &Resources) -> Option<Finding> {
    let ets = resources.of(Name::EtsTables);
    let (Known::Is(used), Limit::Finite(limit)) = (ets.used, ets.limit) else {
        return None;
    };
    (used > limit).then(|| {
        let target = used.saturating_mul(2).checked_next_power_of_two().unwrap_or(used);
        notice(
            Id::EtsTablesAboveAdvised,
            Name::EtsTables,
            format!(
                "There are {} ETS tables, more than the {} that the VM was started for: lookups by name get slower, nothing is refused.",
                plain(used),
                plain(limit)
            ),
            vec![(Key::Used, Proof::Count(ets.used)), (Key::Limit, Proof::Limit(ets.limit))],
            vec![lines::ets_tables(facts, target)],
        )
    })
}

fn ports_below_nofile(facts: &Facts, resources: &Resources) -> Option<Finding> {
    let limit = |name| resources.of(name).limit.finite();
    let (ports, nofile) = (limit(Name::Ports)?, limit(Name::Fds)?);
    (ports < nofile).then(|| {
        notice(
            Id::PortsBelowNofile,
            Name::Ports,
            format!(
                "The port table holds {}, nofile allows {}: gen_tcp ends first when ports fill.",
                plain(ports),
                plain(nofile)
            ),
            vec![
                (Key::PortLimit, Proof::Limit(Limit::Finite(ports))),
                (Key::Limit, Proof::Limit(Limit::Finite(nofile))),
                (
                    Key::PortLimitSource,
                    Proof::word(facts.boot.port_limit_source.as_str()),
                ),
            ],
            boot::more_ports(facts),
        )
    })
}

fn nofile_low(facts: &Facts) -> Option<Finding> {
    let (soft, hard) = (facts.nofile.soft.finite()?, facts.nofile.hard);
    let much_larger = match hard {
        Limit::Infinity => true,
        Limit::Finite(hard) => hard >= soft.saturating_mul(4),
        Limit::Unknown => false,
    };
    (soft <= LOW_NOFILE && much_larger).then(|| {
        notice(
            Id::NofileLow,
            Name::Fds,
            format!(
                "The soft limit is {}, the hard limit {}: a VM never raises it by itself, and what is raised after boot does not help sockets.",
                plain(soft),
                number::limit(hard)
            ),
            vec![
                (Key::Soft, Proof::Limit(facts.nofile.soft)),
                (Key::Hard, Proof::Limit(hard)),
                (Key::MaxFds, Proof::Limit(facts.nofile.max_fds)),
            ],
            boot::nofile_at_boot(facts),
        )
    })
}

fn nofile_huge(facts: &Facts) -> Option<Finding> {
    let soft = facts.nofile.soft;
    if !level::is_huge(facts) {
        return None;
    }
    let table = facts.beam.ports.1.finite()?;
    let release = Release::parse(&facts.otp_release);
    let bytes = table.saturating_mul(otp::port_slot_bytes(release));
    Some(notice(
        Id::NofileHuge,
        Name::Ports,
        format!(
            "nofile was {} at boot, so the port table got {}: about {} MB of memory that is touched at boot.",
            number::limit(soft),
            slots(table),
            plain(bytes / 1_000_000)
        ),
        vec![
            (Key::Soft, Proof::Limit(soft)),
            (Key::PortLimit, Proof::Limit(Limit::Finite(table))),
            (Key::EstimatedBytes, Proof::Count(Known::Is(bytes))),
        ],
        vec![lines::flag("+Q", otp::DEFAULT_PORTS)],
    ))
}

fn hard_above_nr_open(facts: &Facts) -> Option<Finding> {
    let (hard, nr_open) = (facts.nofile.hard, facts.nofile.nr_open.finite()?);
    let above = hard == Limit::Infinity || hard.finite().is_some_and(|hard| hard > nr_open);
    // Where the kernel cannot be raised to the limit, the limit has to come down to the kernel.
    let raised = hard.finite().and_then(lines::nr_open_now);
    let fix = raised.map_or_else(
        || boot::at_boot(facts, nr_open, Some(nr_open)),
        |fix| vec![fix],
    );
    above.then(|| {
        notice(
            Id::HardAboveNrOpen,
            Name::Fds,
            format!(
                "The hard limit {} is above fs.nr_open {}: no program can set it again, so logins through PAM can fail.",
                number::limit(hard),
                plain(nr_open)
            ),
            vec![
                (Key::Hard, Proof::Limit(hard)),
                (Key::NrOpen, Proof::Limit(facts.nofile.nr_open)),
            ],
            fix,
        )
    })
}

fn file_max_below_nofile(facts: &Facts) -> Option<Finding> {
    let (file_max, soft) = (facts.nofile.file_max.finite()?, facts.nofile.soft.finite()?);
    let applies = facts.nofile.exempt_from_file_max != Known::Is(true);
    (applies && file_max < soft).then(|| {
        let wanted = soft.saturating_mul(2);
        notice(
            Id::FileMaxBelowNofile,
            Name::KernelFiles,
            format!(
                "The whole kernel may open {} files, less than the {} of this process: accept fails with enfile first.",
                plain(file_max),
                plain(soft)
            ),
            vec![
                (Key::FileMax, Proof::Limit(facts.nofile.file_max)),
                (Key::Soft, Proof::Limit(facts.nofile.soft)),
            ],
            vec![lines::file_max_now(wanted)],
        )
    })
}

fn erts_max_ports_is_not_read(facts: &Facts) -> Option<Finding> {
    let value = facts.boot.erts_max_ports.as_ref()?;
    let table = facts.beam.ports.1.finite();
    let fix = match value.trim().parse::<u64>() {
        Ok(wanted) if table.is_none_or(|table| wanted > table) => {
            lines::variable("ERL_MAX_PORTS", wanted)
        }
        // The table is as large already, or the value is no number: a variable of the other name would only harm.
        _ => lines::unset("ERTS_MAX_PORTS"),
    };
    Some(notice(
        Id::ErtsMaxPortsIsNotRead,
        Name::Ports,
        format!("ERTS_MAX_PORTS is set to {value:?}, but no emulator reads that name: the variable is ERL_MAX_PORTS."),
        vec![
            (Key::ErtsMaxPorts, Proof::Text(value.clone())),
            (Key::PortLimit, Proof::Limit(facts.beam.ports.1)),
        ],
        vec![fix],
    ))
}

fn erl_max_ports_malformed(facts: &Facts) -> Option<Finding> {
    let value = facts.boot.erl_max_ports.as_ref()?;
    // The emulator reads the variable with atoi, which stops at the first character that is no digit.
    let is_number = value.trim_start().starts_with(|c: char| c.is_ascii_digit());
    if is_number || facts.boot.port_limit_source != PortLimitSource::Env {
        return None;
    }
    let table = number::limit(facts.beam.ports.1);
    Some(notice(
        Id::ErlMaxPortsMalformed,
        Name::Ports,
        format!("ERL_MAX_PORTS was set to {value:?}, which is no number: the port table has the least size, {table}."),
        vec![
            (Key::ErlMaxPorts, Proof::Text(value.clone())),
            (Key::PortLimit, Proof::Limit(facts.beam.ports.1)),
        ],
        boot::more_ports(facts),
    ))
}

/// The size of a table of `slots` slots, in words.
fn slots(slots: u64) -> String {
    format!("{} slots", plain(slots))
}
