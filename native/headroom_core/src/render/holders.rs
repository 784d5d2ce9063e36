//! Who holds the descriptors, as text: the first line names whoever is told first, and why.

use comfy_table::{CellAlignment, Table};

use super::page::{ascii, wrapped};
use crate::advise::lines;
use crate::finding::{Finding, Fix, When};
use crate::holders::{
    self, bytes, Group, Inventory, Listener, Offer, Options, Orphan, Sight, Why, Zombie, ZombieWhy,
};
use crate::number::plain;
use headroom_facts::vocabulary::{Known, Level, Name};
use serde::{Deserialize, Serialize};

/// The widest name of a holder in the table.
const NAME: usize = 31;
/// The longest line to paste that fits on the page.
const LONGEST: usize = super::page::WIDTH - 2;
/// How many of each further list are shown.
const SHOWN: usize = 5;

/// The text, ASCII. `handle` is how the VM shows the port and the owner of a claim.
pub fn text(inventory: &Inventory, offers: &[Offer], handle: impl Fn(usize) -> String) -> String {
    let mut lines = wrapped(&headline(inventory), "", "  ");
    lines.push(String::new());
    lines.extend(table(&inventory.holders).lines().map(String::from));
    let others = inventory.others;
    if others.groups > 0 {
        let (groups, count) = (plain(others.groups), plain(others.count));
        lines.push(format!("and {groups} more groups with {count} descriptors"));
    }
    lines.push(String::new());
    let mut section =
        |name: &str, text: &str| lines.extend(wrapped(text, &format!("{name:<11}"), "           "));
    section("open", &open(inventory));
    if let Some(first) = inventory.holders.first() {
        let shown = first
            .sample
            .iter()
            .filter_map(|sample| sample.claim)
            .map(&handle);
        let shown: Vec<String> = shown.collect();
        section("the first", &shown.join(", "));
    }
    for zombie in inventory.zombies.iter().take(SHOWN) {
        section("zombie", &self::zombie(zombie, &handle(zombie.claim)));
    }
    for orphan in inventory.orphans.iter().take(SHOWN) {
        section("orphan", &self::orphan(orphan));
    }
    let more = |shown: usize| shown.saturating_sub(SHOWN);
    match more(inventory.zombies.len()) + more(inventory.orphans.len()) {
        0 => {}
        more => section("", &format!("and {more} more of these")),
    }
    for listener in inventory
        .listeners
        .iter()
        .filter(|listener| is_remarkable(listener))
        .take(SHOWN)
    {
        section("listener", &self::listener(listener));
    }
    section("listeners", &listeners(inventory));
    if inventory.moved > 0 {
        section(
            "moved",
            &format!("{} were opened or closed meanwhile", inventory.moved),
        );
    }
    if !inventory.complete {
        section(
            "incomplete",
            "not everything was seen, or not every owner asked",
        );
    }
    for offer in offers.iter().take(SHOWN) {
        if let Some(line) = &offer.line {
            lines.push(format!("{:<11}{line}", "close"));
            lines.extend(wrapped(&offer.message, "           ", "           "));
        }
    }
    let mut out = String::new();
    for line in lines {
        out.push_str(ascii(&line).trim_end());
        out.push('\n');
    }
    out
}

/// The first group in one sentence.
pub fn headline(inventory: &Inventory) -> String {
    match inventory.holders.first() {
        None => format!(
            "{} descriptors, none of them of a group that was asked for",
            inventory.total
        ),
        Some(first) if first.why == Why::Count => {
            format!(
                "{}: {} of {} descriptors",
                who(first),
                plain(first.count),
                plain(inventory.total)
            )
        }
        Some(first) => format!("{}: {}", who(first), first.message),
    }
}

fn who(group: &Group) -> String {
    let place = place(group);
    let application = match &group.application {
        Some(application) if *application != group.group => format!(" ({application})"),
        _ => String::new(),
    };
    let name = &group.group;
    match (&group.listener, &group.remote) {
        (Some(_), _) => format!("{name}{application} at {place}"),
        (None, Some(address)) => format!("{name}{application} to {address}"),
        (None, None) => format!("{name}{application}"),
    }
}

fn place(group: &Group) -> String {
    match (&group.listener, &group.remote) {
        (Some(listener), _) => listener.clone(),
        (None, Some(remote)) => format!("> {remote}"),
        (None, None) => kinds(group),
    }
}

/// What it is that is no connection.
fn kinds(group: &Group) -> String {
    let kinds = group.by_kind.sorted();
    let words: Vec<&str> = kinds
        .iter()
        .take(2)
        .map(|(kind, _)| kind.as_str())
        .collect();
    words.join(", ")
}

fn table(groups: &[Group]) -> String {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header(["HOLDER", "WHERE", "COUNT", "CLOSE_WAIT", "IDLE"]);
    let some = |count: u64| {
        if count == 0 {
            "-".into()
        } else {
            plain(count)
        }
    };
    for group in groups {
        let cells = [
            shortened(&group.group),
            place(group),
            plain(group.count),
            some(group.close_wait + group.reset),
            group
                .idle
                .get()
                .map_or("?".into(), |idle| some(idle.beyond)),
        ];
        table.add_row(cells.map(|cell| ascii(&cell)));
    }
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 2));
        column.set_cell_alignment(if index > 1 {
            CellAlignment::Right
        } else {
            CellAlignment::Left
        });
    }
    table.to_string()
}

fn shortened(name: &str) -> String {
    if name.chars().count() <= NAME {
        return name.to_string();
    }
    name.chars().take(NAME - 3).chain("...".chars()).collect()
}

fn open(inventory: &Inventory) -> String {
    let kinds = inventory.by_kind.sorted();
    let kinds: Vec<String> = kinds
        .iter()
        .map(|(kind, count)| format!("{} {}", plain(*count), kind.as_str()))
        .collect();
    let unclaimed = match inventory.unclaimed.total() {
        0 => String::new(),
        count => format!("; of these {} without a known owner", plain(count)),
    };
    format!(
        "{}: {}{unclaimed}",
        plain(inventory.total),
        kinds.join(", ")
    )
}

fn zombie(zombie: &Zombie, handle: &str) -> String {
    let fd = zombie.fd;
    match zombie.why {
        ZombieWhy::OwnerGone => format!(
            "{handle}: its owner is gone, {} wait to be sent",
            bytes(zombie.unsent)
        ),
        ZombieWhy::FdClosed => format!("{handle}: its descriptor {fd} was closed behind its back"),
        ZombieWhy::FdShared => format!("{handle}: another port has descriptor {fd}, too"),
    }
}

fn orphan(orphan: &Orphan) -> String {
    let state = orphan.state.map_or("", |state| state.as_str());
    let ends = [&orphan.local, &orphan.remote].map(|end| end.as_deref().unwrap_or_default());
    let text = format!(
        "descriptor {}, {} {state} {} {}",
        orphan.fd,
        orphan.kind.as_str(),
        ends[0],
        ends[1]
    );
    let words: Vec<&str> = text.split(' ').filter(|word| !word.is_empty()).collect();
    format!(
        "{}: no port and no socket of the VM has it",
        words.join(" ")
    )
}

fn is_remarkable(listener: &Listener) -> bool {
    listener.is_full() || matches!(listener.dropped, Known::Is(1..))
}

fn listener(listener: &Listener) -> String {
    let owner = listener.owner.as_deref().unwrap_or("nobody known");
    let queue = plain(listener.queue.into());
    let backlog = match listener.backlog {
        Known::Is(backlog) => format!("{} may", plain(backlog.into())),
        Known::Unknown => "how many may is unknown".into(),
    };
    let dropped = match listener.dropped {
        Known::Is(0) => String::new(),
        Known::Is(count) => format!(", {} dropped since it listens", plain(count.into())),
        Known::Unknown => ", how many it dropped is unknown".into(),
    };
    let full = if listener.is_full() {
        "full, so clients hang: "
    } else {
        ""
    };
    format!(
        "{} of {owner}: {full}{queue} wait, {backlog}{dropped}",
        listener.address
    )
}

fn listeners(inventory: &Inventory) -> String {
    let listeners = &inventory.listeners;
    let full = match listeners.iter().filter(|one| one.is_full()).count() {
        0 if listeners.iter().any(|one| one.full == Known::Unknown) => {
            "whether one is full is unknown".into()
        }
        full => format!("{full} of them full"),
    };
    let machine = match inventory.dropped.0 {
        Ok((overflows, drops)) => format!(
            "the machine dropped {} connections at a full queue since it was booted, {} for any reason",
            plain(overflows),
            plain(drops)
        ),
        Err(reason) => format!("how many connections the machine dropped is unknown ({reason})"),
    };
    format!("{}, {full}; {machine}", listeners.len())
}

/// What a report says that could not wait any longer for who holds most.
pub const TOO_LATE: &str = "not found in time on a node this busy, ask for them alone";

/// Who holds most of what matters, and what could be closed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct First {
    /// One sentence.
    pub headline: String,
    /// The line that closes what gives most; none where nothing can be closed.
    pub line: Option<String>,
    /// How many descriptors that gives.
    pub gives: u64,
    /// The port of the listener that most of them came in by.
    pub port: Option<u16>,
}

/// The holder that is told first.
pub fn first(sight: &Sight, options: &Options) -> First {
    let offers = holders::relief(sight, options, false);
    let offer = offers.into_iter().find(|offer| offer.line.is_some());
    let inventory = holders::inventory(sight, options);
    let listener = inventory
        .holders
        .first()
        .and_then(|first| first.listener.as_deref());
    First {
        headline: headline(&inventory),
        port: listener.and_then(port),
        gives: offer.as_ref().map_or(0, |offer| offer.gives),
        line: offer.and_then(|offer| offer.line),
    }
}

/// The port at the end of an address.
fn port(address: &str) -> Option<u16> {
    address.rsplit(':').next()?.parse().ok()
}

impl First {
    /// Says what could be closed beside each finding that is about descriptors or ports, before what needs a restart. A line that
    /// is longer than the page stands in what headroom:relief() shows.
    pub fn relieve(&self, findings: &mut [Finding]) {
        let gives = plain(self.gives);
        let close = match &self.line {
            Some(line) if line.len() <= LONGEST => {
                let note = format!("closes {gives} descriptors, see headroom:relief()");
                Some(Fix::now(line.clone(), note))
            }
            _ => None,
        };
        let from_host = self.port.map(lines::close_from_host);
        let concerned = findings.iter_mut().filter(|finding| {
            finding.level >= Level::Warning && matches!(finding.resource, Name::Fds | Name::Ports)
        });
        for finding in concerned {
            let fix = &mut finding.fix;
            let first =
                |fix: &[Fix], is: fn(&Fix) -> bool| fix.iter().position(is).unwrap_or(fix.len());
            // From outside it is the whole listener that goes: after what closes less, before words and restarts.
            let at = first(fix, |fix| fix.line.is_empty() || fix.needs_restart());
            fix.splice(at..at, from_host.clone());
            match (&close, &self.line) {
                (Some(close), _) => {
                    let at = first(fix, |fix| fix.when != When::Now);
                    fix.insert(at, close.clone());
                }
                (None, Some(_)) => {
                    let relief = fix.iter_mut().find(|fix| fix.line == lines::relief().line);
                    if let Some(relief) = relief {
                        relief.note = format!("has the line that closes {gives} descriptors");
                    }
                }
                (None, None) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::holders::inventory;
    use crate::render::page::WIDTH;

    // Text that is wider than the terminal is folded where nobody wants it.
    #[test]
    fn nothing_at_all_fits_on_the_page_too() {
        let sight = Sight::of_the_kernel(&[]);
        let text = super::text(&inventory(&sight, &Options::default()), &[], |_| {
            String::new()
        });
        assert!(text.lines().all(|line| line.len() <= WIDTH), "{text}");
    }
}
