//! Hazards: what makes each hold, at which level, and what harden does and says about it.

use headroom_core::finding::{Finding, Id, Key, Proof};
use headroom_core::hazards::harden::{outcome, plan, Attempt, Attempts};
use headroom_core::hazards::{hazards, ids};
use headroom_core::render::report::{self, Charset};
use headroom_core::snapshot::Snapshot;
use headroom_facts::exposure::{CodeMode, Exposure, Mnesia, MnesiaState};
use headroom_facts::vocabulary::{Known, Level, Limit, Name};
use headroom_facts::Facts;

/// A node without a hazard and with a lot of room.
fn safe() -> (Facts, Exposure) {
    let facts = Facts::from_json(include_str!("fixtures/healthy.json")).unwrap();
    let exposure = Exposure {
        native_lookup: true,
        resolver_started: true,
        code_mode: CodeMode::Embedded,
        unloaded_modules: 7,
        unloaded_formatters: vec![],
        file_server: false,
        dist_listeners: 0,
        mnesia: None,
    };
    assert!(hazards(&facts, &exposure).is_empty());
    (facts, exposure)
}

fn mnesia(state: MnesiaState) -> Option<Mnesia> {
    Some(Mnesia {
        state,
        directory: "/var/lib/mnesia".into(),
    })
}

type Change = fn(&mut Exposure);

fn causes() -> Vec<(Id, Name, Change)> {
    vec![
        (Id::ResolverNotStarted, Name::Fds, |e| {
            e.resolver_started = false
        }),
        (Id::InteractiveCodeLoading, Name::Fds, |e| {
            e.code_mode = CodeMode::Interactive
        }),
        (Id::FormattersNotLoaded, Name::Fds, |e| {
            e.code_mode = CodeMode::Interactive;
            e.unloaded_modules = 0;
            e.unloaded_formatters = vec!["io_lib_pretty".into()];
        }),
        (Id::DistListenerSpins, Name::Fds, |e| e.dist_listeners = 1),
        (Id::FileServerNeedsProcess, Name::Processes, |e| {
            e.file_server = true
        }),
        (Id::MnesiaLogDeletedAtEnfile, Name::KernelFiles, |e| {
            e.mnesia = mnesia(MnesiaState::Stopped)
        }),
        (Id::MnesiaLogDeletedAtEnfile, Name::KernelFiles, |e| {
            e.mnesia = mnesia(MnesiaState::OnDisc)
        }),
    ]
}

fn exhaust(facts: &mut Facts, name: Name) {
    let full = (Known::Is(1_000), Limit::Finite(1_000));
    match name {
        Name::Fds => {
            facts.fds.open = Known::Is(facts.nofile.soft.finite().unwrap());
            facts.fds.free = Limit::Finite(0);
        }
        Name::Ports => facts.beam.ports = full,
        Name::Processes => facts.beam.processes = full,
        Name::KernelFiles => {
            facts.nofile.exempt_from_file_max = Known::Is(false);
            (facts.nofile.file_nr, facts.nofile.file_max) = full;
        }
        Name::EtsTables | Name::Atoms => unreachable!(),
    }
}

fn harden_takes_it(finding: &Finding) -> bool {
    let value = finding
        .evidence
        .0
        .iter()
        .find(|(key, _)| *key == Key::Harden);
    matches!(value, Some((_, Proof::Flag(Known::Is(true)))))
}

fn only(facts: &Facts, exposure: &Exposure) -> Finding {
    let mut found = hazards(facts, exposure);
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

// A hazard that is missing is a node that goes down unwarned; one that is a warning too early is a pager for nothing.
#[test]
fn each_hazard_has_a_cause_and_rises_with_the_resource_behind_it() {
    let causes = causes();
    for (id, resource, change) in &causes {
        let (mut facts, mut exposure) = safe();
        change(&mut exposure);
        let finding = only(&facts, &exposure);
        assert_eq!(
            (finding.id, finding.level, finding.resource),
            (*id, Level::Notice, *resource)
        );
        assert!(finding.message.ends_with('.') && !finding.fix.is_empty());
        exhaust(&mut facts, *resource);
        assert_eq!(only(&facts, &exposure).level, Level::Warning);
    }
    for id in ids().filter(|id| *id != Id::SoftAboveMaxFds) {
        assert!(causes.iter().any(|(cause, ..)| *cause == id));
    }
}

// A resolver that halts for want of a port must not be taken for a matter of descriptors.
#[test]
fn the_worst_resource_is_the_one_named() {
    let (mut facts, mut exposure) = safe();
    exposure.resolver_started = false;
    exhaust(&mut facts, Name::Ports);
    let finding = only(&facts, &exposure);
    assert_eq!(
        (finding.level, finding.resource),
        (Level::Warning, Name::Ports)
    );
}

#[test]
fn what_does_not_hold_is_not_said() {
    let (mut facts, mut exposure) = safe();
    exposure.resolver_started = false;
    facts.otp_release = "24".into();
    assert_eq!(hazards(&facts, &exposure), []); // exits the caller only
    facts.otp_release = "25".into();
    exposure.native_lookup = false;
    assert_eq!(hazards(&facts, &exposure), []);
    exposure.mnesia = mnesia(MnesiaState::InMemory);
    exposure.unloaded_formatters = vec!["io".into()];
    assert_eq!(hazards(&facts, &exposure), []); // embedded mode never loads them
}

// The consequence differs: a mute node on OTP 25, unreadable events from 27 on.
#[test]
fn formatters_say_what_their_release_does() {
    let (mut facts, mut exposure) = safe();
    exposure.code_mode = CodeMode::Interactive;
    exposure.unloaded_modules = 0;
    exposure.unloaded_formatters = vec!["io".into()];
    facts.otp_release = "25".into();
    assert!(only(&facts, &exposure)
        .message
        .contains("removes the default handler"));
    facts.otp_release = "27".into();
    assert!(only(&facts, &exposure)
        .message
        .contains("FORMATTER CRASHED"));
}

// The same finding as in the snapshot; without `harden` in its evidence users would miss the key.
#[test]
fn a_raised_soft_limit_is_a_hazard_too() {
    let (_, exposure) = safe();
    let facts = Facts::from_json(include_str!("fixtures/raised_after_boot.json")).unwrap();
    let finding = only(&facts, &exposure);
    assert_eq!(finding.id, Id::SoftAboveMaxFds);
    assert!(finding.level >= Level::Warning && !harden_takes_it(&finding));
}

fn exposed() -> (Facts, Exposure) {
    let (facts, mut exposure) = safe();
    exposure.resolver_started = false;
    exposure.code_mode = CodeMode::Interactive;
    exposure.unloaded_formatters = vec!["io".into()];
    (facts, exposure)
}

// Starting the helper without room halts the node: harden would be what it protects from.
#[test]
fn harden_touches_nothing_without_room() {
    let (facts, exposure) = exposed();
    let roomy = plan(&facts, &exposure);
    assert!(roomy.start_resolver && roomy.load_modules);
    for name in [Name::Fds, Name::Ports, Name::Processes, Name::KernelFiles] {
        let mut facts = facts.clone();
        exhaust(&mut facts, name);
        let plan = plan(&facts, &exposure);
        assert!(!plan.start_resolver && !plan.load_modules, "{name:?}");
        let claimed = hazards(&facts, &exposure).iter().any(harden_takes_it);
        assert!(!claimed, "{name:?}");
    }
    let mut blind = facts.clone();
    blind.fds.free = Limit::Unknown;
    assert!(!plan(&blind, &exposure).start_resolver);
    let mut exempt = facts;
    exhaust(&mut exempt, Name::KernelFiles);
    exempt.nofile.exempt_from_file_max = Known::Is(true);
    assert!(plan(&exempt, &exposure).start_resolver);
}

// `done` is what was seen afterwards, whatever the attempt said.
#[test]
fn done_is_what_no_longer_holds() {
    let (facts, before) = exposed();
    let attempts = |resolver, modules| Attempts {
        refusal: Some("eagain".into()),
        hazards: plan(&facts, &before).hazards,
        resolver,
        modules,
    };
    let (_, mut after) = safe();
    after.code_mode = CodeMode::Interactive;
    let hardened = outcome(&attempts(Attempt::Made, Attempt::Made), &facts, &after);
    let done: Vec<(Id, bool)> = hardened.iter().map(|one| (one.hazard, one.done)).collect();
    assert_eq!(
        done,
        [
            (Id::ResolverNotStarted, true),
            (Id::InteractiveCodeLoading, false),
            (Id::FormattersNotLoaded, true)
        ]
    );
    for (resolver, word) in [
        (Attempt::NotMade, "too little room"),
        (Attempt::NoProgram, "no program"),
        (Attempt::Failed, "did not start"),
        (Attempt::NoAnswer, "in time"),
        (Attempt::Refused, "(eagain: no room for an OS process"),
    ] {
        let hardened = outcome(&attempts(resolver, Attempt::NotMade), &facts, &before);
        assert!(hardened.iter().all(|one| !one.done));
        assert!(hardened[0].note.contains(word), "{}", hardened[0].note);
        assert!(hardened[1].note.contains("Nothing was loaded"));
        assert!(hardened[2].note.contains("Nothing was loaded"));
    }
}

// An operator reads the report, not the list; a report of a recorded snapshot knows nothing of hazards.
#[test]
fn the_report_has_one_line_with_their_number() {
    let (mut facts, mut exposure) = exposed();
    exposure.file_server = true;
    let line = |facts: &Facts, exposure: Option<&Exposure>| {
        let hazards = exposure.map(|exposure| hazards(facts, exposure));
        let snapshot = Snapshot::new(facts.clone());
        let report = report::report(&snapshot, hazards.as_deref(), Charset::Ascii);
        let mut lines = report.lines().filter(|line| line.starts_with("hazards"));
        let line = lines.next().map(str::to_string);
        assert_eq!(lines.next(), None);
        line
    };
    assert_eq!(line(&facts, None), None);
    assert_eq!(
        line(&facts, Some(&exposure)).unwrap(),
        "hazards  3 at exhaustion: headroom:show(headroom:hazards())."
    );
    exhaust(&mut facts, Name::Processes);
    assert_eq!(
        line(&facts, Some(&exposure)).unwrap(),
        "hazards  4 at exhaustion, 1 of them close: headroom:show(headroom:hazards())."
    );
    // What every node of the release has is no news.
    assert_eq!(line(&facts, Some(&safe().1)), None);
}

// An operator looks the id of a hazard up; one without a paragraph leaves them alone with it.
#[test]
fn each_hazard_has_a_paragraph() {
    let text = include_str!("../../../docs/hazards.md");
    for id in ids() {
        let heading = format!("## `{}`\n", id.as_str());
        assert_eq!(text.matches(&heading).count(), 1, "{heading}");
    }
    assert_eq!(text.matches("\n## ").count(), ids().count());
}
