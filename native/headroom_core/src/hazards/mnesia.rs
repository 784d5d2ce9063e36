//! Mnesia, which deletes its log when it starts without an open file of the kernel.

use super::harden::Attempts;
use super::{Hazard, Node};
use crate::finding::{Finding, Fix, Id, Key, Proof};
use headroom_facts::exposure::{Mnesia, MnesiaState};
use headroom_facts::vocabulary::Name;

/// Free open files of the kernel to ask for before Mnesia is started.
const KERNEL_FILES_WANTED: u64 = 1_000;

pub(super) const HAZARD: Hazard = Hazard {
    id: Id::MnesiaLogDeletedAtEnfile,
    harden: false,
    everywhere: false,
    find,
    note,
};

fn find(node: &Node) -> Option<Finding> {
    let Mnesia { state, directory } = node.exposure.mnesia.as_ref()?;
    let when = match state {
        MnesiaState::InMemory => return None,
        MnesiaState::Stopped => "Mnesia is loaded and not running: if it starts",
        MnesiaState::OnDisc => "Mnesia keeps tables on disc: if it is started again",
    };
    let wanted = format!("#{{kernel_files => #{{free => {KERNEL_FILES_WANTED}}}}}");
    Some(node.hazard(
        Id::MnesiaLogDeletedAtEnfile,
        &[Name::KernelFiles],
        format!("{when} while the kernel is out of open files (enfile), it deletes LATEST.LOG, and what was not dumped from there is lost."),
        vec![
            (Key::Mnesia, Proof::word(state.as_str())),
            (Key::Directory, Proof::Text(directory.clone())),
            node.free(Key::FreeKernelFiles, Name::KernelFiles),
        ],
        vec![
            Fix::now(format!("ok = headroom:check({wanted})."), "before each mnesia:start()"),
            Fix::permanent(
                format!("{{headroom, [{{require, {wanted}}}]}}"),
                "in sys.config, headroom before mnesia",
            ),
        ],
    ))
}

fn note(_: &Node, _: &Attempts, _: bool) -> String {
    "Nothing was done: ask headroom:check/1 for free files of the kernel before Mnesia starts."
        .into()
}
