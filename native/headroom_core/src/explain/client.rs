//! What the other end of a connection notices.

use super::operation::Operation;
use super::verdict::Culprit;
use super::Case;

/// What the other end notices, and whether a bare accept loop spins.
pub(super) fn sees(case: &Case, operation: Operation) -> String {
    let now = case.holds_now();
    let from_kernel = matches!(
        case.culprit,
        Culprit::Nofile | Culprit::NrOpen | Culprit::KernelFileMax | Culprit::KernelMemory
    );
    match (operation, case.culprit) {
        (_, Culprit::NotALimit | Culprit::Undetermined) => String::new(),
        (Operation::Accept, Culprit::PortTable) => {
            let pace = if now { "closes" } else { "would close" };
            format!("It is accepted and closed at once: end of file, or a reset if it had sent data. An accept loop {pace} every client that is queued.")
        }
        (Operation::Accept, _) if from_kernel => {
            let spins = if now {
                "spins now"
            } else {
                "spins while that lasts"
            };
            format!("It hangs: the connection waits in the listen backlog until there is room. A bare accept loop {spins}.")
        }
        (Operation::Accept, Culprit::Processes) => "It hangs in the listen backlog.".into(),
        (_, Culprit::MaxFds) if !operation.starts_program() => {
            "It is connected and never hears anything, not even a close, until its own timeout."
                .into()
        }
        (Operation::Connect, _) => {
            "Nothing: this node is the client, and no connection was made.".into()
        }
        (Operation::Listen, _) => "It is refused: nothing listens.".into(),
        (Operation::UdpOpen | Operation::SctpOpen | Operation::Socket, _) => {
            "Nothing: no socket was opened.".into()
        }
        (Operation::Peeloff, _) => {
            "Nothing yet: its association stays with the shared socket.".into()
        }
        (Operation::File, _) => "Whatever the caller makes of a file that cannot be opened.".into(),
        (Operation::OpenPort | Operation::OsCmd, _) => {
            "Whatever the caller makes of a program that did not start.".into()
        }
        (Operation::Spawn, _) => "Whatever the crashed caller was doing for it.".into(),
        (Operation::Ets, _) => "Whatever the caller makes of a missing table.".into(),
        (Operation::Undefined, Culprit::PortTable) => {
            "New connections are accepted and closed at once.".into()
        }
        (Operation::Undefined, _) if from_kernel => {
            let (hang, spins) = if now {
                ("hang", "spins")
            } else {
                ("hung", "spun")
            };
            format!("New connections {hang} in the listen backlog; a bare accept loop {spins}.")
        }
        (Operation::Undefined, _) => String::new(),
        (Operation::Accept, _) => "It hangs in the listen backlog.".into(),
    }
}
