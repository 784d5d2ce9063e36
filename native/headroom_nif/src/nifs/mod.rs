//! The functions of `headroom_nif`: each decodes its arguments, asks the core or the operating system, encodes the answer.
//!
//! A caller's argument that does not fit is `badarg`; facts that do not fit say which key. What takes long is cut in steps
//! and looped over in Erlang.

mod ask;
mod change;
pub mod guard;
mod inventory;
mod moment;
mod option;
mod pulse;
mod scan;
mod show;
mod start;
mod watch;

rustler::atoms! { ok, error, undefined, scan_needed }
