//! Who holds the descriptors: looks at them, in short steps for a dirty scheduler, and what the core makes of them.
//!
//! A look stays with the caller between the calls, as binaries: nothing is kept here that a dead caller would leave behind.

use headroom_core::holders::{self, Again, Options, Sight};
use headroom_core::render;
use headroom_facts::inventory::{decode, decode_identities, encode, encode_identities, Descriptor};
use headroom_facts::owners::{Claim, Files, Owner, Owners, Program};
use headroom_os::inventory::{self as os, Busy, Look};
use rustler::types::ListIterator;
use rustler::{Binary, Encoder, Env, NewBinary, NifResult, Term};

use crate::term::{from_term, to_term, to_value};

rustler::atoms! { first, more, done, busy, undefined, doubts, inventory, json, text, relief, targets }

/// One step of a look: `{start, IdleMs}` begins, the state of the answer `{more, State, Seen}` goes on, until `{done, State}`.
/// `busy`: somebody else looks, try again.
#[rustler::nif(schedule = "DirtyCpu")]
fn look<'a>(env: Env<'a>, state: Term<'a>) -> NifResult<Term<'a>> {
    let mut look = match state.decode::<(Term, u32)>() {
        Ok((_, idle_ms)) => Look::start(idle_ms),
        Err(_) => from_term(state)?,
    };
    let mut seen = Vec::new();
    Ok(match look.step(&mut seen) {
        Ok(true) => (more(), to_term(env, &look)?, binary(env, &encode(&seen))).encode(env),
        Ok(false) => (done(), to_term(env, &look)?).encode(env),
        Err(Busy) => busy().encode(env),
    })
}

/// Which sockets stand at these descriptors now, or `busy`. At most 512 at once.
#[rustler::nif(schedule = "DirtyCpu")]
fn identify<'a>(env: Env<'a>, fds: Term<'a>) -> NifResult<Term<'a>> {
    let fds: Vec<u32> = from_term(fds)?;
    Ok(match os::identify(&fds) {
        Ok(identities) => binary(env, &encode_identities(&identities)),
        Err(Busy) => busy().encode(env),
    })
}

/// The whole of what the kernel says of these descriptors, `{Fd, Path, Local, Remote}` each, or `busy`. At most 512.
#[rustler::nif(schedule = "DirtyCpu")]
fn details<'a>(env: Env<'a>, fds: Term<'a>) -> NifResult<Term<'a>> {
    let fds: Vec<u32> = from_term(fds)?;
    let Ok(descriptors) = os::look_at(&fds) else {
        return Ok(busy().encode(env));
    };
    let known = |descriptor: &Descriptor| {
        let socket = descriptor.socket.unwrap_or_default();
        let path = match descriptor.socket {
            None => os::path(descriptor.fd),
            Some(_) => None,
        };
        let path = path.map_or_else(|| undefined().encode(env), |path| binary(env, &path));
        let address = |address: Option<std::net::SocketAddr>| {
            let address = address.map(|address| address.to_string());
            to_term(env, &address)
        };
        Ok((
            descriptor.fd,
            path,
            address(socket.local)?,
            address(socket.peer)?,
        )
            .encode(env))
    };
    let known: NifResult<Vec<Term>> = descriptors.iter().map(known).collect();
    Ok(known?.encode(env))
}

/// The pipes of each of these OS processes: `[{Owner, Process, [Inode]}]`, for `[{Owner, Process, OsPid}]`.
#[rustler::nif(schedule = "DirtyCpu")]
fn standard_pipes<'a>(env: Env<'a>, programs: Term<'a>) -> NifResult<Term<'a>> {
    let programs: Vec<(u32, u32, u32)> = from_term(programs)?;
    let pipes = |(owner, process, os_pid)| (owner, process, os::standard_pipes(os_pid));
    let pipes: Vec<_> = programs.into_iter().map(pipes).collect();
    Ok(to_term(env, &pipes)?)
}

/// What the core makes of it. `Sight` is `{Seen, Complete, Owners, Again}`; the question is `doubts`, `inventory`, `json`,
/// `{text, Handles}`, `relief` or `targets`.
#[rustler::nif(schedule = "DirtyCpu")]
fn holders<'a>(
    env: Env<'a>,
    question: Term<'a>,
    sight: Term<'a>,
    options: Term<'a>,
) -> NifResult<Term<'a>> {
    let (seen, complete, owners, again): (Term, bool, Term, Term) = sight.decode()?;
    let descriptors = descriptors(seen)?;
    let owners = owners_of(owners)?;
    let again = items(again)?.map(again_of).collect::<NifResult<Vec<_>>>()?;
    let options: Options = from_term(options)?;
    let sight = Sight {
        descriptors: &descriptors,
        complete,
        owners: Some(&owners),
        again: &again,
        drops: os::listen_drops(),
    };
    Ok(if doubts() == question {
        to_term(env, &holders::doubts(&descriptors, &owners, &again))?
    } else if inventory() == question {
        to_term(env, &holders::inventory(&sight, &options))?
    } else if json() == question {
        let json = render::json::inventory(&holders::inventory(&sight, &options));
        to_term(env, &json.map_err(|_| rustler::Error::BadArg)?)?
    } else if first() == question {
        to_term(env, &render::holders::first(&sight, &options))?
    } else if relief() == question || targets() == question {
        to_term(
            env,
            &holders::relief(&sight, &options, targets() == question),
        )?
    } else {
        let (kind, handles): (Term, Term) = question.decode()?;
        if text() != kind {
            return Err(rustler::Error::BadArg);
        }
        let handle = |claim: usize| {
            let name = handles
                .map_get(claim)
                .and_then(|name| name.decode::<Binary>());
            name.map_or("?".into(), |name| {
                String::from_utf8_lossy(&name).into_owned()
            })
        };
        let offers = holders::relief(&sight, &options, false);
        let inventory = holders::inventory(&sight, &options);
        to_term(env, &render::holders::text(&inventory, &offers, handle))?
    })
}

fn binary<'a>(env: Env<'a>, bytes: &[u8]) -> Term<'a> {
    NewBinary::from_slice(env, bytes).into()
}

fn items(list: Term) -> NifResult<ListIterator> {
    // Fails on an improper list, over which the iterator would panic.
    list.list_length()?;
    list.decode()
}

fn descriptors(seen: Term) -> NifResult<Vec<Descriptor>> {
    let mut descriptors = Vec::new();
    for part in items(seen)? {
        let part: Binary = part.decode()?;
        descriptors.extend(decode(&part).ok_or(rustler::Error::BadArg)?);
    }
    Ok(descriptors)
}

/// `{Owners, Claims, Programs, Files, Complete, Asker}`; an owner is any term that the core can name.
fn owners_of(term: Term) -> NifResult<Owners> {
    let (owners, claims, programs, files, complete, asker): (Term, Term, Term, Term, bool, Term) =
        term.decode()?;
    let owner = |term| holders::owner(&to_value(term)).ok_or(rustler::Error::BadArg);
    let owners: Vec<Owner> = items(owners)?.map(owner).collect::<NifResult<_>>()?;
    let claims: Vec<Claim> = from_term(claims)?;
    let known = |claim: &Claim| (claim.owner as usize) < owners.len();
    if !claims.iter().all(known) {
        return Err(rustler::Error::BadArg);
    }
    let programs: Vec<Program> = from_term(programs)?;
    let files: Vec<Files> = from_term(files)?;
    Ok(Owners {
        owners,
        claims,
        programs,
        files,
        asker: from_term(asker)?,
        complete,
    })
}

/// `{Before, Standing, Claimed, After}`, the first and the last as lists of what `identify/1` answered.
fn again_of(term: Term) -> NifResult<Again> {
    let (before, standing, claimed, after): (Term, Term, Term, Term) = term.decode()?;
    let identities = |parts: Term| {
        let mut all = Vec::new();
        for part in items(parts)? {
            let part: Binary = part.decode()?;
            all.extend(decode_identities(&part).ok_or(rustler::Error::BadArg)?);
        }
        NifResult::Ok(all)
    };
    Ok(Again {
        before: identities(before)?,
        standing: from_term(standing)?,
        claimed: from_term(claimed)?,
        after: identities(after)?,
    })
}
