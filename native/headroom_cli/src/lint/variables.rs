//! Variables that size the tables of a node, and whether they reach it.

use headroom_facts::configured::{Configured, Flag, Reaches, Setting, Variable};

use super::flags;
use super::tree::Tree;

/// Variables whose value is a list of flags, and those that the emulator or a known start script reads.
const OF_FLAGS: [&str; 9] = [
    "ERL_AFLAGS",
    "ERL_FLAGS",
    "ERL_ZFLAGS",
    "ELIXIR_ERL_OPTIONS",
    "ERL_OPTIONS",
    "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS",
    "SERVER_ADDITIONAL_ERL_ARGS",
    "RABBITMQ_SERVER_ERL_ARGS",
    "SERVER_ERL_ARGS",
];
const READ: [&str; 4] = [
    "ERL_MAX_PORTS",
    "ERTS_MAX_PORTS",
    "ERL_MAX_ETS_TABLES",
    "ERL_FULLSWEEP_AFTER",
];

/// Takes a variable in, if it matters.
pub fn take(tree: &Tree, set: Setting, scope: &str, reaches: Reaches, into: &mut Configured) {
    let key = set.key.as_str();
    if OF_FLAGS.contains(&key) && reaches == Reaches::Emulator {
        return flags::value(tree, &set, scope, into);
    }
    if scope == "ejabberd" && key == "ERL_PROCESSES" {
        // ejabberdctl hands it on as the flag.
        into.flags.push(Flag {
            scope: scope.into(),
            set: Setting {
                key: "+P".into(),
                ..set
            },
        });
        return;
    }
    let of_ejabberd = scope == "ejabberd" && key == "POLL";
    if READ.contains(&key)
        || of_ejabberd
        || (OF_FLAGS.contains(&key) && reaches != Reaches::Emulator)
    {
        into.variables.push(Variable {
            scope: scope.into(),
            set,
            reaches,
        });
    }
}

/// Whether a name is one of those that matter.
pub fn matters(name: &str) -> bool {
    READ.contains(&name)
}
