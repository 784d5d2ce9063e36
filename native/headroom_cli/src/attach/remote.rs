//! Calls into a node over the distribution, without an Erlang of our own.

use std::fmt::Display;
use std::time::Duration;

use eetf::{Atom, Binary, ByteList, FixInteger, List, Term};
use erl_dist::epmd::EpmdClient;
use erl_rpc::{RpcClient, RpcClientHandle};
use smol::future::FutureExt;
use smol::net::TcpStream;
use smol::Timer;

/// Nothing here takes so long on a node that answers.
const PATIENCE: Duration = Duration::from_secs(20);

/// Where a node listens.
pub struct Address {
    /// Its name, with the host.
    pub node: String,
    /// The host to connect to.
    pub host: String,
    /// Its port, where it is known without epmd.
    pub port: Option<u16>,
    /// The port of epmd.
    pub epmd: u16,
}

/// A connection to a node. It is a hidden one, and the node gives it a name of its own.
pub struct Remote {
    handle: RpcClientHandle,
}

impl Remote {
    pub fn connect(address: &Address, cookie: &str) -> Result<Remote, String> {
        let Address { node, host, .. } = address;
        let connect = async {
            let port = match address.port {
                Some(port) => port,
                None => port(address).await?,
            };
            let name = format!("{}@{host}", short(node));
            let client = RpcClient::connect_with_port(&name, port, cookie).await;
            client.map_err(|error| refused(node, &error))
        };
        let client = smol::block_on(in_time(node, connect))?;
        let handle = client.handle();
        // What goes wrong there is seen by the call that waits for an answer.
        smol::spawn(async { drop(client.run().await) }).detach();
        Ok(Remote { handle })
    }

    /// Calls a function there.
    pub fn call(
        &mut self,
        module: &str,
        function: &str,
        arguments: Vec<Term>,
    ) -> Result<Term, String> {
        let what = format!("{module}:{function}/{}", arguments.len());
        let call = self
            .handle
            .call(module.into(), function.into(), List::from(arguments));
        smol::block_on(in_time(&what, async {
            call.await.map_err(|error| format!("{what}: {error}"))
        }))
    }

    /// Calls a function that answers `ok`, or `true`.
    pub fn done(
        &mut self,
        module: &str,
        function: &str,
        arguments: Vec<Term>,
    ) -> Result<(), String> {
        match self.call(module, function, arguments)? {
            Term::Atom(word) if matches!(word.name.as_str(), "ok" | "true") => Ok(()),
            other => Err(format!("{module}:{function} answered {other}")),
        }
    }
}

async fn in_time<T>(
    what: impl Display,
    work: impl std::future::Future<Output = Result<T, String>>,
) -> Result<T, String> {
    let late = async {
        Timer::after(PATIENCE).await;
        Err(format!(
            "{what} gave no answer within {} s",
            PATIENCE.as_secs()
        ))
    };
    work.or(late).await
}

async fn port(address: &Address) -> Result<u16, String> {
    let Address {
        node, host, epmd, ..
    } = address;
    let at = (host.as_str(), *epmd);
    let stream = TcpStream::connect(at)
        .await
        .map_err(|error| format!("no epmd answers at {host}:{epmd}: {error}"))?;
    let found = EpmdClient::new(stream).get_node(short(node)).await;
    match found.map_err(|error| format!("epmd at {host}:{epmd}: {error}"))? {
        Some(entry) => Ok(entry.port),
        None => Err(format!(
            "epmd at {host}:{epmd} knows no node {}",
            short(node)
        )),
    }
}

fn short(node: &str) -> &str {
    node.split('@').next().unwrap_or(node)
}

/// A node that does not like the cookie answers with a challenge that does not fit, or hangs up.
fn refused(node: &str, error: &erl_rpc::ConnectError) -> String {
    match error {
        erl_rpc::ConnectError::HandshakeError(why) => format!(
            "{node} refused the connection, most likely since this is not its cookie ({why}); give it by --cookie, or be the node's \
             user"
        ),
        other => format!("{node} cannot be reached: {other}"),
    }
}

pub fn atom(name: &str) -> Term {
    Atom::from(name).into()
}

pub fn binary(bytes: &[u8]) -> Term {
    Binary::from(bytes.to_vec()).into()
}

pub fn empty_map() -> Term {
    eetf::Map {
        map: Default::default(),
    }
    .into()
}

/// A list of characters.
pub fn string(text: &str) -> Term {
    ByteList::from(text).into()
}

pub fn number(n: i32) -> Term {
    FixInteger::from(n).into()
}

/// What a term says as text: a binary, or a list of characters.
pub fn text(term: &Term) -> Option<String> {
    match term {
        Term::Binary(binary) => String::from_utf8(binary.bytes.clone()).ok(),
        Term::ByteList(list) => Some(list.bytes.iter().copied().map(char::from).collect()),
        Term::List(list) => list.elements.iter().map(character).collect(),
        _ => None,
    }
}

fn character(term: &Term) -> Option<char> {
    match term {
        Term::FixInteger(code) => char::from_u32(code.value.try_into().ok()?),
        _ => None,
    }
}

pub fn count(term: &Term) -> Option<u64> {
    match term {
        Term::FixInteger(number) => number.value.try_into().ok(),
        Term::BigInteger(number) => number.value.to_string().parse().ok(),
        _ => None,
    }
}

/// Reads an encoded term.
pub fn decode(bytes: &[u8]) -> Result<Term, String> {
    Term::decode(bytes).map_err(|error| error.to_string())
}

pub fn is_atom(term: &Term, name: &str) -> bool {
    matches!(term, Term::Atom(atom) if atom.name == name)
}

/// An element of a tuple.
fn element(term: &Term, index: usize) -> Option<&Term> {
    match term {
        Term::Tuple(tuple) => tuple.elements.get(index),
        _ => None,
    }
}

pub fn first(term: &Term) -> Option<&Term> {
    element(term, 0)
}

pub fn second(term: &Term) -> Option<&Term> {
    element(term, 1)
}

/// The names in a list of atoms.
pub fn atoms(term: &Term) -> Vec<String> {
    let Term::List(list) = term else {
        return Vec::new();
    };
    let name = |term: &Term| match term {
        Term::Atom(atom) => Some(atom.name.clone()),
        _ => None,
    };
    list.elements.iter().filter_map(name).collect()
}

/// The keys of a list of pairs.
pub fn keys(term: &Term) -> Vec<String> {
    let Term::List(list) = term else {
        return Vec::new();
    };
    let key = |pair: &Term| match first(pair) {
        Some(Term::Atom(atom)) => Some(atom.name.clone()),
        _ => None,
    };
    list.elements.iter().filter_map(key).collect()
}

/// The value of a key, an atom, in a map.
pub fn value<'a>(term: &'a Term, key: &str) -> Option<&'a Term> {
    match term {
        Term::Map(map) => map.map.get(&atom(key)),
        _ => None,
    }
}

pub fn length(term: &Term) -> usize {
    match term {
        Term::List(list) => list.elements.len(),
        _ => 0,
    }
}
