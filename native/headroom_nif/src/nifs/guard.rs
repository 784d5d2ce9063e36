//! Gives the reserve back without the VM: a thread of the library's own, which no scheduler, no process and no priority
//! of the VM can hold up.
//!
//! It is there only while something is held back and somebody asked for it. It ends when it has given the reserve back,
//! when it is told to, and before the library is unloaded. It touches no term and no function of the emulator.

use std::mem;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use headroom_core::nofile::guard::{Guard, Look, ReleaseOn};
use headroom_core::nofile::{self, Error};
use headroom_facts::reading::{Detail, Patience};
use headroom_facts::vocabulary::Limit;
use headroom_os::{self as os, Listener};
use rustler::{Encoder, Env, NifResult, Term};

use super::change::setting;
use super::pulse::{fixed, unkept};
use super::{error, ok, undefined};
use crate::term::{from_term, to_term};

rustler::atoms! { off }

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(100);
/// A look that has to count descriptor by descriptor takes longer: it has at most one part in so many of a core.
const SHARE: u32 = 20;
/// It calls little, and nothing that recurses.
const STACK: usize = 128 * 1024;

/// What a thread looks for.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Orders {
    on: ReleaseOn,
    listeners: Vec<Listener>,
    max_fds: Limit,
}

/// Says to a thread that it is to end, and wakes it.
#[derive(Default)]
struct End {
    wanted: Mutex<bool>,
    changed: Condvar,
}

struct Standing {
    orders: Orders,
    end: Arc<End>,
    thread: JoinHandle<()>,
}

/// What a thread did at last.
struct Gave {
    fds: Result<u64, Error>,
    at_ms: u64,
}

static STANDING: Mutex<Option<Standing>> = Mutex::new(None);
/// Threads that were told to end.
static ENDING: Mutex<Vec<JoinHandle<()>>> = Mutex::new(Vec::new());
static GAVE: Mutex<Option<Gave>> = Mutex::new(None);

/// What stands behind each of these locks is whole at any moment.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Sets the guard, `waiting` or `full`, or takes it away, `off`: `ok`, or why no thread could be started. `fds` are the
/// descriptors of the distribution's listeners, `kept` what is held back. The same orders again change nothing.
#[rustler::nif]
fn guard<'a>(env: Env<'a>, on: Term<'a>, fds: Term<'a>, kept: u64) -> NifResult<Term<'a>> {
    let fds: Vec<i32> = from_term(fds)?;
    if on == off().to_term(env) {
        dismiss();
        return Ok(ok().encode(env));
    }
    let on: ReleaseOn = from_term(on)?;
    let Some(fixed) = fixed() else {
        return Ok(unkept().encode(env));
    };
    let orders = Orders {
        on,
        listeners: fds.into_iter().filter_map(Listener::at).collect(),
        max_fds: fixed.max_fds,
    };
    Ok(match post(orders, kept) {
        Ok(()) => ok().encode(env),
        Err(why) => (error(), why.to_string()).encode(env),
    })
}

/// What a guard gave back since this was asked last, in system time: `{{ok, Fds}, Milliseconds}`,
/// `{{error, Why}, Milliseconds}`, or `undefined`.
#[rustler::nif]
fn gave(env: Env) -> NifResult<Term> {
    let Some(Gave { fds, at_ms }) = lock(&GAVE).take() else {
        return Ok(undefined().encode(env));
    };
    let what = match fds {
        Ok(fds) => (ok(), fds).encode(env),
        Err(why) => (error(), to_term(env, &why)?).encode(env),
    };
    Ok((what, at_ms).encode(env))
}

fn post(orders: Orders, kept: u64) -> std::io::Result<()> {
    let mut standing = lock(&STANDING);
    let is_same = |other: &Standing| other.orders == orders && !other.thread.is_finished();
    if standing.as_ref().is_some_and(is_same) {
        return Ok(());
    }
    standing.take().into_iter().for_each(send_away);
    let end = Arc::new(End::default());
    let (its_orders, its_end) = (orders.clone(), Arc::clone(&end));
    let thread = thread::Builder::new()
        .name("headroom_guard".into())
        .stack_size(STACK)
        .spawn(move || stand(&its_orders, &its_end, kept))?;
    *standing = Some(Standing {
        orders,
        end,
        thread,
    });
    Ok(())
}

fn dismiss() {
    lock(&STANDING).take().into_iter().for_each(send_away);
}

/// Tells a thread to end, and does not wait for it.
fn send_away(standing: Standing) {
    *lock(&standing.end.wanted) = true;
    standing.end.changed.notify_all();
    let mut ending = lock(&ENDING);
    ending.retain(|thread| !thread.is_finished());
    ending.push(standing.thread);
}

/// Ends every thread and waits until it is gone: the library's code is about to be unmapped.
pub fn end() {
    dismiss();
    for thread in mem::take(&mut *lock(&ENDING)) {
        // A panic of the thread is over with the thread.
        let _ = thread.join();
    }
}

/// The thread.
fn stand(orders: &Orders, end: &End, kept: u64) {
    let mut guard = Guard::new(orders.on);
    let mut pause = PAUSE;
    // What was given back meanwhile is nobody's to guard.
    while !is_wanted(end, pause) && os::reserved() != Some(0) {
        let started = Instant::now();
        let waits = orders
            .listeners
            .iter()
            .any(|listener| listener.queued() > 0);
        let free = if guard.wants_count(waits) {
            free(orders.max_fds)
        } else {
            Limit::Unknown
        };
        if guard.sees(Look { waits, free }) {
            let fds = nofile::release(orders.max_fds, setting(kept));
            *lock(&GAVE) = Some(Gave { fds, at_ms: now() });
            return;
        }
        pause = PAUSE.max(started.elapsed().saturating_mul(SHARE));
    }
}

/// Waits for so long, or until the end is wanted; whether it is.
fn is_wanted(end: &End, pause: Duration) -> bool {
    let wanted = lock(&end.wanted);
    let waited = end
        .changed
        .wait_timeout_while(wanted, pause, |wanted| !*wanted);
    *waited.unwrap_or_else(PoisonError::into_inner).0
}

/// Slots below the soft limit that are not taken.
fn free(max_fds: Limit) -> Limit {
    let read = |patience| os::read(max_fds, patience, Detail::Health);
    let system = read(Patience::Fresh).or_else(|_| {
        let mut scan = Some(os::Scan::start());
        while let Some(step) = scan {
            scan = step.step();
        }
        read(Patience::Recent)
    });
    system.map_or(Limit::Unknown, |system| system.fds.free)
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_millis() as u64)
}
