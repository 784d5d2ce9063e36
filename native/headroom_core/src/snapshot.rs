//! Facts with their judgement: what is shown, in terms and in JSON.

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use crate::assess::{self, Judgement};
use headroom_facts::Facts;

/// The version of the shape of a snapshot.
pub const SCHEMA: u32 = 1;

/// Facts and judgement of one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// What was measured.
    pub facts: Facts,
    /// What it means.
    pub judgement: Judgement,
}

impl Snapshot {
    /// Judges the facts.
    pub fn new(facts: Facts) -> Snapshot {
        let judgement = assess::judge(&facts);
        Snapshot { facts, judgement }
    }
}

impl Serialize for Snapshot {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Snapshot { facts, judgement } = self;
        let mut out = serializer.serialize_struct("Snapshot", 18)?;
        out.serialize_field("schema", &SCHEMA)?;
        out.serialize_field("taken_at", &facts.taken_at)?;
        out.serialize_field("node", &facts.node)?;
        out.serialize_field("os_pid", &facts.os_pid)?;
        out.serialize_field("otp_release", &facts.otp_release)?;
        out.serialize_field("kernel", &facts.kernel)?;
        out.serialize_field("level", &judgement.level)?;
        out.serialize_field("binding", &judgement.binding)?;
        out.serialize_field("resources", &judgement.resources)?;
        out.serialize_field("fds", &facts.fds)?;
        out.serialize_field("reserved", &facts.reserved)?;
        out.serialize_field("nofile", &facts.nofile)?;
        out.serialize_field("beam", &facts.beam)?;
        out.serialize_field("boot", &facts.boot)?;
        out.serialize_field("thresholds", &facts.thresholds)?;
        out.serialize_field("capacity", &judgement.capacity)?;
        out.serialize_field("findings", &judgement.findings)?;
        out.serialize_field("unreadable", &facts.unreadable)?;
        out.end()
    }
}
