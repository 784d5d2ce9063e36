//! What a user may watch: files by inotify, descriptors by epoll.

use super::kernel::asked;
use super::{tense, Account, Question, Suspect};
use crate::advise::lines;
use crate::explain::case::Case;
use crate::explain::scene::Scene;
use crate::finding::Fix;
use headroom_facts::probe::Outcome;

/// The kernel's limit of inotify instances of one user.
pub(super) struct InotifyInstances;

impl Suspect for InotifyInstances {
    fn stands(&self, _: Question, scene: &Scene) -> Account {
        // Without a free descriptor the refusal is that of the descriptor.
        let free = scene.probe.fd == Outcome::Granted;
        let outcome = scene.probe.quotas.inotify[0];
        let outcome = if free { outcome } else { Outcome::NotDone };
        let unasked = "the kernel does not tell how many inotify instances a user has";
        asked(outcome, libc::EMFILE, "an inotify instance", unasked)
    }

    fn headline(&self, case: &Case, _: &Scene) -> String {
        tense(
            case,
            "This user has no inotify instance left (fs.inotify.max_user_instances).",
            "This user had no inotify instance left (fs.inotify.max_user_instances).",
        )
    }

    fn fixes(&self, _: &Case, _: &Scene) -> Vec<Fix> {
        vec![lines::sysctl("fs.inotify.max_user_instances=8192")]
    }
}

/// The kernel's limit of inotify watches of one user.
pub(super) struct InotifyWatches;

impl Suspect for InotifyWatches {
    fn stands(&self, _: Question, scene: &Scene) -> Account {
        let unasked = "the kernel does not tell how many inotify watches a user has";
        let outcome = scene.probe.quotas.inotify[1];
        asked(outcome, libc::ENOSPC, "an inotify watch", unasked)
    }

    fn headline(&self, case: &Case, _: &Scene) -> String {
        tense(
            case,
            "This user has no inotify watch left (fs.inotify.max_user_watches).",
            "This user had no inotify watch left (fs.inotify.max_user_watches).",
        )
    }

    fn fixes(&self, _: &Case, _: &Scene) -> Vec<Fix> {
        vec![
            lines::look(
                "sysctl fs.inotify.max_user_watches",
                "how many a user may have",
            ),
            lines::sysctl("fs.inotify.max_user_watches=524288").saying("or watch fewer folders"),
        ]
    }
}

/// The kernel's limit of epoll watches of one user.
pub(super) struct EpollWatches;

impl Suspect for EpollWatches {
    fn stands(&self, _: Question, _: &Scene) -> Account {
        Account::possible("the kernel does not tell how many epoll watches a user has")
    }

    fn headline(&self, _: &Case, _: &Scene) -> String {
        "The kernel refused to watch a descriptor (fs.epoll.max_user_watches).".into()
    }

    fn fixes(&self, _: &Case, scene: &Scene) -> Vec<Fix> {
        self.looks(scene)
    }

    fn looks(&self, _: &Scene) -> Vec<Fix> {
        vec![lines::look("sysctl fs.epoll.max_user_watches", "per user")]
    }
}
