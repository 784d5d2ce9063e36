//! `headroom door`: asks a node through the socket that it opened when it started, so also one that is full.

use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::{Path, PathBuf};
use std::process::{self, ExitCode};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use clap::{Args, ValueEnum};
use headroom_core::number::plain;

use crate::outside::{self, Node};
use crate::say::{failed, say};

/// Ask a node with headroom through its door, which answers when no shell gets in any more
///
/// The door is a local datagram socket that the node opened when it started (option `door`, or $RUNTIME_DIRECTORY, or
/// $XDG_RUNTIME_DIR of the node). It answers without a free descriptor, port or process. It needs the node's user, or root.
/// Exit status: 0 with an answer, 3 without.
#[derive(Args)]
pub struct Door {
    /// What to ask
    question: Question,
    /// Number of the OS process, or name of the node; without it, the one node that has a door
    #[arg(value_name = "PID|NODE")]
    node: Option<String>,
    /// The socket itself
    #[arg(long, value_name = "PATH", conflicts_with = "node")]
    socket: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Question {
    /// How close is the node to a limit?
    Report,
    /// Who holds the descriptors?
    Holders,
    /// Is it a leak, and when is it full?
    Trend,
    /// Give back what is held in reserve: descriptors and ports
    Release,
}

impl Question {
    fn request(self, json: bool) -> &'static str {
        match (self, json) {
            (Question::Report, false) => "report",
            (Question::Report, true) => "report json",
            (Question::Holders, false) => "holders",
            (Question::Holders, true) => "holders json",
            (Question::Trend, false) => "trend",
            (Question::Trend, true) => "trend json",
            (Question::Release, _) => "release json",
        }
    }
}

impl Door {
    pub fn run(self) -> ExitCode {
        let answer = self
            .path()
            .and_then(|path| ask(&path, self.question.request(self.json)));
        let answer = answer.and_then(|answer| match self.question {
            Question::Release if !self.json => released(&answer),
            _ => Ok(answer),
        });
        match answer {
            Ok(text) if text.ends_with('\n') => say(&text, 0),
            Ok(text) => say(&(text + "\n"), 0),
            Err(why) => failed(&why),
        }
    }

    fn path(&self) -> Result<PathBuf, String> {
        if let Some(path) = &self.socket {
            return Ok(path.clone());
        }
        let nodes = match &self.node {
            Some(node) => vec![outside::select(node).map_err(|why| why.to_string())?],
            None => outside::nodes().map_err(|why| why.to_string())?,
        };
        let mut doors: Vec<(&Node, PathBuf)> = nodes
            .iter()
            .filter_map(|node| Some((node, of_node(node)?)))
            .collect();
        match (doors.len(), &self.node) {
            (1, _) => Ok(doors.remove(0).1),
            (0, Some(node)) => Err(format!(
                "no door of {node} is seen: it has none (option `door`, $RUNTIME_DIRECTORY, $XDG_RUNTIME_DIR), or one without the word \
                 {NAME} in its path (give --socket), or this user may not look; `headroom inspect {node}` needs none"
            )),
            (0, None) => Err("no node with a door is seen on this host; `headroom ps` lists the nodes".into()),
            _ => {
                let pids: Vec<String> = doors.iter().map(|(node, _)| node.pid.to_string()).collect();
                Err(format!("several nodes have a door: name one of {}", pids.join(", ")))
            }
        }
    }
}

/// The socket of a node's door, as it is seen from here. It is known by its path, since other sockets are not to be asked.
fn of_node(node: &Node) -> Option<PathBuf> {
    let bound = node.bound_sockets(|path| path.contains(NAME));
    let mut seen = PathBuf::from(format!("/proc/{}/root", node.pid));
    seen.extend(bound.first()?.components().skip(1));
    Some(seen)
}

/// A word in the path of a door that is found by the node's number.
const NAME: &str = "headroom";

/// Within this time an open door has answered most often, and a lost request is sent again.
const HEARD: Duration = Duration::from_millis(400);
/// A node whose schedulers are all taken needs longer, and one that is stopped never answers.
const PATIENCE: Duration = Duration::from_secs(10);

const MAGIC: &[u8; 4] = b"HRD1";
/// Magic, identity, index, count, status.
const HEAD: usize = 4 + 8 + 4 + 4 + 1;
const ANSWERED: u8 = 0;

struct Request {
    id: [u8; 8],
    question: String,
}

struct Reply {
    count: u32,
    status: u8,
    piece: Vec<u8>,
}

impl Request {
    fn new(question: &str) -> Request {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |now| now.as_nanos() as u64);
        Request {
            id: (now ^ u64::from(process::id()) << 40).to_be_bytes(),
            question: question.into(),
        }
    }

    fn bytes(&self, index: u32) -> Vec<u8> {
        [
            MAGIC,
            &self.id[..],
            &index.to_be_bytes(),
            self.question.as_bytes(),
        ]
        .concat()
    }

    /// The piece of this index of the answer to this request; everything else is late or somebody else's.
    fn reply(&self, index: u32, datagram: &[u8]) -> Option<Reply> {
        let (head, piece) = datagram.split_at_checked(HEAD)?;
        let number = |at: usize| Some(u32::from_be_bytes(head.get(at..at + 4)?.try_into().ok()?));
        let is_ours = &head[..4] == MAGIC && head[4..12] == self.id && number(12)? == index;
        is_ours.then_some(Reply {
            count: number(16)?,
            status: head[20],
            piece: piece.to_vec(),
        })
    }
}

/// Asks, and puts the pieces of the answer together.
fn ask(path: &Path, question: &str) -> Result<String, String> {
    let request = Request::new(question);
    let place = path.display();
    let told = |error: io::Error| {
        match error.kind() {
        io::ErrorKind::NotFound => format!("there is no door at {place}"),
        io::ErrorKind::PermissionDenied => format!("{place} is for the node's user, and root"),
        io::ErrorKind::ConnectionRefused => format!("nobody is behind the door at {place}: the node is gone"),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => format!(
            "the door at {place} gave no answer within {} s: the node is stopped, or its schedulers are stuck; `headroom inspect` \
             looks from outside",
            PATIENCE.as_secs()
        ),
        _ => format!("{place}: {error}"),
    }
    };
    let client = client(path).map_err(told)?;
    let mut answer = Vec::new();
    let (mut index, mut count) = (0, 1);
    let mut status = ANSWERED;
    while index < count {
        let reply = piece(&client, &request, index, PATIENCE).map_err(told)?;
        (count, status) = (reply.count, reply.status);
        answer.extend(reply.piece);
        index += 1;
    }
    let answer = String::from_utf8_lossy(&answer).into_owned();
    match status {
        ANSWERED => Ok(answer),
        _ => Err(format!("the node answered: {answer}")),
    }
}

/// A socket of our own, with a name that leaves no file: the node answers to it.
fn client(path: &Path) -> io::Result<UnixDatagram> {
    let own = format!(
        "headroom-{}-{:x}",
        process::id(),
        u64::from_be_bytes(Request::new("").id)
    );
    let client = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(own)?)?;
    client.connect(path)?;
    Ok(client)
}

/// Asks for one piece until it comes: a request can find the queue of a busy door full.
fn piece(
    client: &UnixDatagram,
    request: &Request,
    index: u32,
    patience: Duration,
) -> io::Result<Reply> {
    client.set_read_timeout(Some(HEARD))?;
    client.set_write_timeout(Some(HEARD))?;
    let began = Instant::now();
    let mut datagram = vec![0; 1 << 17];
    loop {
        let received = client
            .send(&request.bytes(index))
            .and_then(|_| client.recv(&mut datagram));
        match received {
            Ok(length) => {
                if let Some(reply) = request.reply(index, &datagram[..length]) {
                    return Ok(reply);
                }
            }
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
                ) => {}
            Err(error) => return Err(error),
        }
        if began.elapsed() >= patience {
            return Err(io::ErrorKind::TimedOut.into());
        }
    }
}

/// What was given back, in words.
fn released(json: &str) -> Result<String, String> {
    let given: serde_json::Value = serde_json::from_str(json).map_err(|error| error.to_string())?;
    let number = |key: &str| {
        given
            .get(key)
            .and_then(serde_json::Value::as_u64)
            .unwrap_or(0)
    };
    Ok(match (number("fds"), number("ports")) {
        (0, 0) => "nothing was held in reserve, so nothing is given back".into(),
        (fds, ports) => format!(
            "gave back {} descriptors and {} ports",
            plain(fds),
            plain(ports)
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn datagram(id: [u8; 8], index: u32, count: u32, status: u8, piece: &[u8]) -> Vec<u8> {
        [
            MAGIC,
            &id[..],
            &index.to_be_bytes(),
            &count.to_be_bytes(),
            &[status],
            piece,
        ]
        .concat()
    }

    // A late piece of another answer in the middle of this one would be a report that never was.
    #[test]
    fn only_the_piece_that_was_asked_for_is_taken() {
        let request = Request::new("report");
        let good = datagram(request.id, 3, 7, 0, b"text");
        let reply = request.reply(3, &good).unwrap();
        assert_eq!(
            (reply.count, reply.status, reply.piece.as_slice()),
            (7, 0, &b"text"[..])
        );
        assert!(request.reply(2, &good).is_none());
        assert!(request.reply(3, &datagram([0; 8], 3, 7, 0, b"")).is_none());
        assert!(request.reply(3, &good[..HEAD - 1]).is_none());
        assert!(request.reply(3, b"").is_none());
    }

    #[test]
    fn what_was_given_back_in_words() {
        let told = released(r#"{"fds":64,"ports":2}"#).unwrap();
        assert_eq!(told, "gave back 64 descriptors and 2 ports");
        assert!(released(r#"{"fds":0,"ports":0}"#)
            .unwrap()
            .starts_with("nothing was held"));
        assert!(released("oops").is_err());
    }
}
