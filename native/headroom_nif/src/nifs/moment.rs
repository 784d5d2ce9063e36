//! The moment that a question or a change is about: what the VM says, the thresholds, and how old a count may be.

use headroom_facts::beam::{Beam, Now, Reserved, Vitals};
use headroom_facts::reading::{Detail, Patience, ScanNeeded};
use headroom_facts::thresholds::Thresholds;
use headroom_facts::System;
use headroom_os as os;
use rustler::{Binary, Error, NifResult, Term};

use super::pulse::{fixed, unkept};
use crate::term::{elements, from_term, Mismatch};

rustler::atoms! { bad_facts, fresh, recent, never }

/// Percent of a scheduler's millisecond that a reading with an answer takes at most.
pub const COST: i32 = 8;

pub struct Moment {
    pub beam: Beam,
    pub thresholds: Thresholds,
    patience: Patience,
}

impl Moment {
    /// From `{Beam, Thresholds, Patience}`. `Beam` is all facts of the VM in a map, or a tuple of those that change, which raises
    /// `unkept` where the others are not kept.
    pub fn from_term(term: Term) -> NifResult<Moment> {
        let [beam, thresholds, patience] = elements(term).ok_or(Error::BadArg)?;
        let mut beam = beam_of(beam)?;
        beam.reserved = still(beam.reserved);
        Ok(Moment {
            beam,
            thresholds: thresholds_of(thresholds)
                .map_err(|_| unanswered("thresholds: not as thresholds/1 gave them".into()))?,
            patience: patience_of(patience)?,
        })
    }

    /// What the operating system says now.
    pub fn system(&self, detail: Detail) -> Result<System, ScanNeeded> {
        os::read(self.beam.max_fds, self.patience, detail)
    }
}

/// The few numbers of a health check: a tuple, in the order of the fields. Read by hand, as most of what is asked is health.
pub fn vitals_of(term: Term) -> NifResult<Vitals> {
    let [ports, processes, atoms, reserved, thresholds] = elements(term).ok_or(Error::BadArg)?;
    let [fds, held_ports] = elements(reserved).ok_or(Error::BadArg)?;
    Ok(Vitals {
        ports: ports.decode()?,
        processes: processes.decode()?,
        atoms: atoms.decode()?,
        reserved: Reserved {
            fds: fds.decode()?,
            ports: held_ports.decode()?,
        },
        thresholds: thresholds_of(thresholds)?,
    })
}

fn thresholds_of(term: Term) -> NifResult<Thresholds> {
    Thresholds::from_compact(Binary::from_term(term)?.as_slice()).ok_or(Error::BadArg)
}

pub fn patience_of(term: Term) -> NifResult<Patience> {
    Ok(match term {
        word if recent() == word => Patience::Recent,
        word if fresh() == word => Patience::Fresh,
        word if never() == word => Patience::Never,
        _ => return Err(Error::BadArg),
    })
}

/// What is held back, as the library knows it: a guard may have given it back since the VM was told.
pub fn still(reserved: Reserved) -> Reserved {
    Reserved {
        fds: os::reserved().unwrap_or(reserved.fds),
        ..reserved
    }
}

fn beam_of(term: Term) -> NifResult<Beam> {
    if !term.is_tuple() {
        return from_term(term).map_err(unfit);
    }
    let now: Now = from_term(term).map_err(unfit)?;
    let fixed = fixed().ok_or_else(|| Error::RaiseTerm(Box::new(unkept())))?;
    Ok(fixed.at(now))
}

/// `{bad_facts, Why}` names the key: whoever adds a fact must not search blind.
fn unfit(mismatch: Mismatch) -> Error {
    unanswered(mismatch.to_string())
}

/// The same for facts that were not handed over.
pub fn unanswered(why: String) -> Error {
    Error::RaiseTerm(Box::new((bad_facts(), why)))
}
