//! The suspects of one question, and which of them it was.

use super::operation::Operation;
use super::reason::Elsewhere;
use super::rules::{self, Weight};
use super::scene::{whose, Scene};
use super::suspects::{self, weigh, Cause, Question, Standing, Suspected};
use super::symptom::{Symptom, Word};
use super::verdict::{Basis, Culprit, Rejected};
use crate::finding::Fix;
use crate::number;
use headroom_facts::release::Release;

/// The suspects of one question, and which of them it was.
pub(super) struct Case {
    pub symptom: Symptom,
    /// What was being done when it failed, in the end: a socket that needed a process is a spawn here.
    pub operation: Operation,
    pub release: Release,
    pub culprit: Culprit,
    pub basis: Basis,
    /// The culprit, if it is a suspect.
    pub found: Option<Suspected>,
    pub suspects: Vec<Suspected>,
    /// What else yields this error, if something does.
    pub beside: Option<&'static str>,
    /// Whether it happened on another node, and what to call that.
    pub elsewhere: bool,
    pub whose: String,
}

impl Case {
    pub(super) fn new(
        symptom: Symptom,
        operation: Operation,
        elsewhere: Option<&Elsewhere>,
        scene: &Scene,
    ) -> Case {
        let release = Release::parse(&scene.facts.otp_release);
        let mut rules = rules::of(symptom, operation, release);
        let mut beside = rules::beside(symptom, operation);
        if rules.is_empty() && !rules::is_harmless(symptom, operation) {
            // Such an operation does not say so: what the state shows counts.
            rules = rules::of(symptom, Operation::Undefined, release);
            beside = beside.or(rules::beside(symptom, Operation::Undefined));
        }
        let question = Question { symptom, operation };
        let mut suspects: Vec<(Suspected, Weight)> = Vec::new();
        for rule in rules {
            if !suspects.iter().any(|(known, _)| known.cause == rule.cause) {
                suspects.push((weigh(rule.cause, question, scene), rule.weight));
            }
        }
        let (found, basis) = choose(&suspects, beside.is_some());
        let culprit = match found {
            Some(index) => suspects[index].0.cause.culprit(),
            None if rules::is_harmless(symptom, operation) && !leaves_doubt(&suspects, scene) => {
                Culprit::NotALimit
            }
            None => Culprit::Undetermined,
        };
        Case {
            symptom,
            operation,
            release,
            culprit,
            basis,
            found: found.map(|index| suspects[index].0.clone()),
            suspects: suspects.into_iter().map(|(suspect, _)| suspect).collect(),
            beside,
            elsewhere: elsewhere.is_some(),
            whose: whose(elsewhere),
        }
    }

    /// Whether the condition holds at this moment.
    pub(super) fn holds_now(&self) -> bool {
        let standing = self.found.as_ref().map(|found| found.account.standing);
        matches!(standing, Some(Standing::Exhausted | Standing::Refused))
    }

    /// When it was, if it was not now.
    pub(super) fn when(&self, scene: &Scene) -> String {
        match self.found.as_ref().map(|found| found.account.standing) {
            Some(Standing::Recorded(peak)) => {
                let seconds = scene.facts.taken_at.saturating_sub(peak.at).max(0) / 1000;
                format!("{} s ago", number::plain(seconds.unsigned_abs()))
            }
            _ => "when this happened".into(),
        }
    }

    /// The suspects that are left where no culprit was found.
    pub(super) fn left(&self) -> impl Iterator<Item = &Suspected> {
        self.suspects
            .iter()
            .filter(|suspect| suspect.account.standing == Standing::Possible)
    }

    /// What to do: lines that help, or lines that look where several are possible.
    pub(super) fn fixes(&self, scene: &Scene) -> Vec<Fix> {
        match &self.found {
            Some(found) => found.cause.suspect().fixes(self, scene),
            None if self.culprit == Culprit::Undetermined && !self.elsewhere => self
                .left()
                .flat_map(|suspect| suspect.cause.suspect().looks(scene))
                .collect(),
            None => Vec::new(),
        }
    }

    /// What the other end notices, and whether a bare accept loop spins.
    pub(super) fn client_sees(&self, operation: Operation) -> String {
        let Some(found) = &self.found else {
            return String::new();
        };
        let suspect = found.cause.suspect();
        suspect
            .seen_by_client(operation, self.holds_now())
            .unwrap_or_else(|| operation.without_success().into())
    }

    /// The other suspects, and why it was none of them.
    pub(super) fn rejected(&self, scene: &Scene) -> Vec<Rejected> {
        if self.elsewhere {
            // Their numbers are those of this node.
            return Vec::new();
        }
        let cleared = |suspect: &&Suspected| match &self.found {
            Some(_) => suspect.cause.culprit() != self.culprit,
            None => suspect.account.standing == Standing::Impossible,
        };
        let others = self.suspects.iter().filter(cleared);
        let mut rejected: Vec<Rejected> = others
            .map(|suspect| Rejected {
                verdict: suspect.cause.culprit(),
                why: suspect.account.why.clone(),
            })
            .collect();
        rejected.extend(self.rules_out(scene));
        rejected
    }

    /// The usual suspects that the error itself rules out, with their numbers.
    fn rules_out(&self, scene: &Scene) -> Vec<Rejected> {
        let Symptom::Word(word) = self.symptom else {
            return Vec::new();
        };
        if !matches!(word, Word::Emfile | Word::Enfile | Word::SystemLimit) {
            return Vec::new();
        }
        let question = Question {
            symptom: self.symptom,
            operation: self.operation,
        };
        let usual = [Cause::PortTable, Cause::Nofile, Cause::KernelFileMax];
        usual
            .into_iter()
            .filter(|cause| !self.suspects.iter().any(|suspect| suspect.cause == *cause))
            .map(|cause| {
                let numbers = weigh(cause, question, scene).account.why;
                let error = match cause {
                    Cause::PortTable if word == Word::SystemLimit => {
                        format!("{} takes no port", self.operation.noun())
                    }
                    Cause::PortTable => "that is system_limit".into(),
                    Cause::Nofile => "that is emfile".into(),
                    _ => "that is enfile".into(),
                };
                let since = match (cause, word) {
                    (Cause::PortTable, Word::Enfile) => " since R15B01",
                    _ => "",
                };
                Rejected {
                    verdict: cause.culprit(),
                    why: format!("{error}{since}; {numbers}"),
                }
            })
            .collect()
    }

    /// Which verdict each operation would give, where none is known and it matters.
    pub(super) fn by_operation(&self, scene: &Scene) -> Vec<(Culprit, Vec<&'static str>)> {
        let mut answers: Vec<(Culprit, Vec<&'static str>)> = Vec::new();
        for &operation in Operation::ALL {
            if operation == Operation::Undefined
                || rules::of(self.symptom, operation, self.release).is_empty()
            {
                continue;
            }
            let culprit = Case::new(self.symptom, operation, None, scene).culprit;
            match answers.iter_mut().find(|(known, _)| *known == culprit) {
                Some((_, operations)) => operations.push(operation.as_str()),
                None => answers.push((culprit, vec![operation.as_str()])),
            }
        }
        answers.retain(|(culprit, _)| *culprit != self.culprit);
        answers
    }
}

/// The first of the strongest evidence. By elimination there must be one that is left, only one, and nothing beside it.
fn choose(suspects: &[(Suspected, Weight)], beside: bool) -> (Option<usize>, Basis) {
    let standing = |suspect: &Suspected| suspect.account.standing;
    let strongest = suspects
        .iter()
        .enumerate()
        .filter_map(|(index, (suspect, _))| Some((index, basis_of(standing(suspect))?)))
        .min_by_key(|(_, basis)| *basis);
    if let Some((index, basis)) = strongest {
        return (Some(index), basis);
    }
    if beside {
        return (None, Basis::None);
    }
    for weight in [Weight::Usual, Weight::Otherwise] {
        let left: Vec<usize> = suspects
            .iter()
            .enumerate()
            .filter(|(_, (suspect, w))| *w == weight && standing(suspect) == Standing::Possible)
            .map(|(index, _)| index)
            .collect();
        match left[..] {
            [] => continue,
            [index] => return (Some(index), Basis::ByElimination),
            _ => break,
        }
    }
    (None, Basis::None)
}

/// The basis of what a suspect's own standing shows.
fn basis_of(standing: Standing) -> Option<Basis> {
    match standing {
        Standing::Exhausted => Some(Basis::Observed),
        Standing::Recorded(_) => Some(Basis::Recorded),
        Standing::Refused => Some(Basis::Probed),
        Standing::Possible | Standing::Impossible => None,
    }
}

/// Whether an error of everyday may still come from a limit.
fn leaves_doubt(suspects: &[(Suspected, Weight)], scene: &Scene) -> bool {
    suspects.iter().any(|(suspect, weight)| {
        let possible = suspect.account.standing == Standing::Possible;
        // Something beyond is open, whatever the next one will get.
        let beyond = suspect.cause == Cause::MaxFds
            && suspects::is_raised(scene)
            && scene
                .facts
                .nofile
                .max_fds
                .finite()
                .is_some_and(|max_fds| scene.facts.fds.highest.get() >= Some(max_fds));
        possible && (*weight == Weight::Usual || beyond)
    })
}
