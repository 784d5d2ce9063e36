//! The line that says which limits a program starts with. Numbers are plain here: they go into logs and are searched for.

use crate::nofile::raise::LARGEST_SANE;
use crate::nofile::AtStart;
use headroom_facts::vocabulary::Limit;
use headroom_facts::wanted::Wanted;

/// One line: the soft limit, why it is not what was asked for, and a port table that ends before it.
pub fn line(start: &AtStart, ports: Option<u64>) -> String {
    let mut line = if start.before == start.now {
        format!("nofile stays {}", plain(start.now))
    } else {
        format!("nofile {} -> {}", plain(start.before), plain(start.now))
    };
    if start.in_full {
        line += &format!(" (hard {})", plain(start.hard));
    } else {
        line += &shortfall(start);
    }
    if let Some(ports) = ports.filter(|&ports| start.now.is_above(ports)) {
        line += &format!(
            "; ERL_MAX_PORTS makes a port table of {ports}, below nofile: gen_tcp ends there"
        );
    }
    line
}

fn shortfall(start: &AtStart) -> String {
    let wanted = match start.wanted {
        Wanted::Max => "more".into(),
        Wanted::Soft(wanted) => wanted.to_string(),
    };
    let why = match (start.refused, start.hard, start.nr_open) {
        (Some(reason), Limit::Finite(hard), Limit::Finite(nr_open)) if hard > nr_open => format!(
            "the kernel refused it ({reason}), since the hard limit {hard} is above fs.nr_open {nr_open}"
        ),
        (Some(reason), ..) => format!("the kernel refused it ({reason})"),
        (None, Limit::Finite(hard), _) if start.now == start.hard => {
            format!("the hard limit is {hard}")
        }
        (None, _, Limit::Finite(nr_open)) if start.now == start.nr_open => {
            format!("fs.nr_open is {nr_open}")
        }
        (None, ..) => format!("{LARGEST_SANE} is the most that is taken"),
    };
    format!(", not {wanted}: {why}")
}

fn plain(limit: Limit) -> String {
    match limit {
        Limit::Finite(limit) => limit.to_string(),
        Limit::Infinity => "unlimited".into(),
        Limit::Unknown => "unknown".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use headroom_facts::unreadable::Reason;
    use Limit::{Finite, Infinity};

    fn start(wanted: Wanted, before: u64, now: u64, hard: Limit, in_full: bool) -> AtStart {
        AtStart {
            wanted,
            before: Finite(before),
            now: Finite(now),
            hard,
            nr_open: Finite(1 << 30),
            in_full,
            refused: None,
        }
    }

    // It is the only trace of a limit that was not raised as wished: the reason named must be the one that bound.
    #[test]
    fn the_line_names_what_bound() {
        use Wanted::{Max, Soft};
        let raised = start(Max, 1024, 524_288, Finite(524_288), true);
        let stays = start(Max, 4096, 4096, Finite(4096), true);
        let hard = start(Soft(65_536), 1024, 4096, Finite(4096), false);
        let sane = start(Soft(2_000_000), 1024, LARGEST_SANE, Infinity, false);
        let mut kernel = start(Soft(90_000), 1024, 70_000, Infinity, false);
        kernel.nr_open = Finite(70_000);
        let mut refused = start(Max, 1024, 1024, Finite(1 << 31), false);
        refused.refused = Some(Reason::from_errno(libc::EPERM));
        let cases = [
            (raised, None, "nofile 1024 -> 524288 (hard 524288)"),
            (stays, Some(4096), "nofile stays 4096 (hard 4096)"),
            (stays, Some(2048), "nofile stays 4096 (hard 4096); ERL_MAX_PORTS makes a port table of 2048, below nofile: gen_tcp ends there"),
            (hard, None, "nofile 1024 -> 4096, not 65536: the hard limit is 4096"),
            (sane, None, "nofile 1024 -> 1048576, not 2000000: 1048576 is the most that is taken"),
            (kernel, None, "nofile 1024 -> 70000, not 90000: fs.nr_open is 70000"),
            (refused, None, "nofile stays 1024, not more: the kernel refused it (eperm), since the hard limit 2147483648 is above fs.nr_open 1073741824"),
        ];
        for (start, ports, expected) in cases {
            assert_eq!(line(&start, ports), expected);
        }
    }
}
