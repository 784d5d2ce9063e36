//! Code that is loaded at its first call: without a descriptor it is undef.

use super::harden::{loading_failed, Attempts};
use super::{Hazard, Node};
use crate::finding::{Finding, Fix, Id, Key, Proof};
use crate::number::plain;
use headroom_facts::exposure::CodeMode;
use headroom_facts::vocabulary::{Known, Name};

/// Loads every module of every loaded application.
pub const LOAD_ALL: &str = "[code:ensure_modules_loaded(Ms) || {A, _, _} <- application:loaded_applications(), {ok, Ms} <- [application:get_key(A, modules)]].";

pub(super) const HAZARD: Hazard = Hazard {
    id: Id::InteractiveCodeLoading,
    harden: false,
    everywhere: false,
    find,
    note,
};

fn find(node: &Node) -> Option<Finding> {
    let unloaded = node.exposure.unloaded_modules;
    (node.exposure.code_mode == CodeMode::Interactive && unloaded > 0).then(|| {
        let message = format!(
            "Code is loaded at its first call, and {} modules of the loaded applications are not loaded: without a free descriptor they are undef.",
            plain(unloaded)
        );
        node.hazard(
            Id::InteractiveCodeLoading,
            &[Name::Fds, Name::KernelFiles],
            message,
            vec![
                (Key::CodeMode, Proof::word(node.exposure.code_mode.as_str())),
                (Key::UnloadedModules, Proof::Count(Known::Is(unloaded))),
                node.free(Key::FreeFds, Name::Fds),
            ],
            node.has_room()
                .then(|| Fix::now(LOAD_ALL, "loads them"))
                .into_iter()
                .chain([Fix::permanent(
                    "-mode embedded",
                    "in vm.args of a release, then restart",
                )])
                .collect(),
        )
    })
}

fn note(node: &Node, attempts: &Attempts, done: bool) -> String {
    if done {
        return "Every module of the loaded applications is loaded.".into();
    }
    loading_failed(node, attempts).unwrap_or_else(|| format!(
        "Modules that print, log and serve a shell are loaded; {} others are loaded at their first call. A release with -mode embedded loads all at boot.",
        plain(node.exposure.unloaded_modules)
    ))
}
