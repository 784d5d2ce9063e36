//! The one door for questions: nothing is changed here.

use std::time::{Duration, Instant};

use headroom_core::explain::Failure;
use headroom_core::plan;
use headroom_core::question::{answer, Failed, Given, Question, Unanswered};
use headroom_core::requirement::Requirements;
use headroom_facts::Facts;
use headroom_os as os;
use rustler::schedule::consume_timeslice;
use rustler::{Encoder, Env, Error, NifResult, Term};

use super::moment::{unanswered, Moment, COST};
use super::{option, scan_needed, undefined, watch};
use crate::term::{atom_text, elements, from_term, to_term, to_value_within, Bounds, Seen};

rustler::atoms! { bad_requirement, bad_plan, too_long }

/// How much of a reason is read: what a normal scheduler has the time for, or more.
#[derive(Clone, Copy)]
enum Length {
    Short,
    Long,
}

/// Percent of a scheduler's millisecond.
fn percent(taken: Duration) -> i32 {
    (taken.as_micros() / 10).clamp(1, 100) as i32
}

/// What a term asks, or the answer where the term itself is what is wrong.
enum Asked<'a> {
    Question(Question),
    Answered(Term<'a>),
}

/// Answers a question about a moment, or says `scan_needed`, or `too_long` where [`ask_long`] has to be asked.
#[rustler::nif]
fn ask<'a>(env: Env<'a>, question: Term<'a>, moment: Term<'a>) -> NifResult<Term<'a>> {
    answered(env, question, moment, Length::Short)
}

/// The same for a question with a long text in it.
#[rustler::nif(schedule = "DirtyCpu")]
fn ask_long<'a>(env: Env<'a>, question: Term<'a>, moment: Term<'a>) -> NifResult<Term<'a>> {
    answered(env, question, moment, Length::Long)
}

fn answered<'a>(
    env: Env<'a>,
    question: Term<'a>,
    moment: Term<'a>,
    length: Length,
) -> NifResult<Term<'a>> {
    let question = match asked(env, question, length)? {
        Asked::Question(question) => question,
        Asked::Answered(answer) => return Ok(answer),
    };
    let mut moment = Moment::from_term(moment)?;
    let Ok(system) = moment.system(question.detail()) else {
        return Ok(scan_needed().encode(env));
    };
    let exposure = moment.beam.exposure.take();
    let aside = moment.beam.aside.take();
    let facts = Facts::new(system, moment.beam, moment.thresholds);
    let recorded = watch::recorded(facts.taken_at);
    let growing = question
        .wants_trend()
        .then(|| watch::growing(facts.taken_at))
        .flatten();
    let probe = question.suspicion(&facts).map(os::probe);
    let local_ports = question.wants_local_ports().then(os::local_ports).flatten();
    let given = Given {
        facts,
        exposure,
        aside,
        growing,
        probe: probe.unwrap_or_default(),
        recorded,
        local_ports,
    };
    let answer = answer(question, given).map_err(|Unanswered(why)| unanswered(why))?;
    let answer = to_term(env, &answer)?;
    consume_timeslice(env, COST);
    Ok(answer)
}

/// A question is its name, or a tuple of its name and what belongs to it.
fn asked<'a>(env: Env<'a>, term: Term<'a>, length: Length) -> NifResult<Asked<'a>> {
    let question = if term.is_atom() {
        atom_text(term, plain)?
    } else if let Some([name, argument]) = elements(term) {
        match atom_text(name, Kind::parse)?.ok_or(Error::BadArg)? {
            Kind::Report => Some(match elements(argument) {
                Some([charset, first]) => {
                    Question::ReportWith(from_term(charset)?, from_term(first)?)
                }
                None => Question::Report(from_term(argument)?),
            }),
            Kind::Hardened => Some(Question::Hardened(from_term(argument)?)),
            Kind::Require => return required(env, argument),
            Kind::Plan => return planned(env, argument),
            Kind::Diagnose | Kind::Explain => None,
        }
    } else if let Some([name, reason, operation, probe]) = elements(term) {
        let started = Instant::now();
        let reason = match length {
            Length::Long => to_value_within(reason, Bounds::LONG),
            Length::Short => match to_value_within(reason, Bounds::SHORT) {
                Seen { cut: true, .. } => {
                    consume_timeslice(env, COST);
                    return Ok(Asked::Answered(too_long().encode(env)));
                }
                whole => whole,
            },
        };
        let failed = Failed {
            failure: Failure::new(&reason.value, from_term(operation)?, reason.unread),
            probe: from_term(probe)?,
        };
        if let Length::Short = length {
            consume_timeslice(env, percent(started.elapsed()));
        }
        match atom_text(name, Kind::parse)? {
            Some(Kind::Diagnose) => Some(Question::Diagnose(failed)),
            Some(Kind::Explain) => Some(Question::Explain(failed)),
            _ => None,
        }
    } else {
        None
    };
    question.map(Asked::Question).ok_or(Error::BadArg)
}

fn plain(name: &str) -> Option<Question> {
    Some(match name {
        "snapshot" => Question::Snapshot,
        "json" => Question::Json,
        "boot_advice" => Question::BootAdvice,
        "hazards" => Question::Hazards,
        "harden_plan" => Question::HardenPlan,
        _ => return None,
    })
}

headroom_facts::atoms! {
    /// The questions that say more than their name.
    pub enum Kind {
        /// `{report, Charset}` or `{report, {Charset, First}}`
        Report = "report",
        /// `{hardened, Attempts}`
        Hardened = "hardened",
        /// `{require, Requirements}`
        Require = "require",
        /// `{plan, Asked}`
        Plan = "plan",
        /// `{diagnose, Reason, Operation, Probe}`
        Diagnose = "diagnose",
        /// `{explain, Reason, Operation, Probe}`
        Explain = "explain",
    }
}

/// `{bad_requirement, Key, Why}` has the key as it was given.
fn required<'a>(env: Env<'a>, term: Term<'a>) -> NifResult<Asked<'a>> {
    let given = option::pairs(term)?;
    let pairs: Vec<_> = given.iter().map(|given| (&given.0, &given.1)).collect();
    Ok(match Requirements::from_option(&pairs) {
        Ok(required) => Asked::Question(Question::Require(required)),
        Err((index, why)) => Asked::Answered((bad_requirement(), given[index].2, why).encode(env)),
    })
}

/// `{bad_plan, Key, Why}` has the key as it was given, or `undefined` where one is missing.
fn planned<'a>(env: Env<'a>, term: Term<'a>) -> NifResult<Asked<'a>> {
    let given = option::pairs(term)?;
    let pairs: Vec<_> = given.iter().map(|given| (&given.0, &given.1)).collect();
    Ok(match plan::Asked::from_option(&pairs) {
        Ok(asked) => Asked::Question(Question::Plan(asked)),
        Err((index, why)) => {
            let key = index.map_or(undefined().encode(env), |index| given[index].2);
            Asked::Answered((bad_plan(), key, why).encode(env))
        }
    })
}
