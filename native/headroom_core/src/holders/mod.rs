//! Who holds the descriptors: what the kernel says of each of them, joined with what the VM says of its owners.
//!
//! Nobody is blamed at first sight, because descriptors come and go while we look. What is odd is looked at again
//! ([`doubts`]), and only what stands then is told ([`inventory`]).

mod doubt;
mod group;
mod inventory;
mod join;
mod listener;
mod name;
mod place;
mod relief;

pub use doubt::{doubts, Again, Doubts};
pub(crate) use group::{bytes, duration};
pub use group::{ByKind, Group, Idle, Sample, Why};
pub use inventory::{inventory, Inventory, Options, Orphan, Others, Sight, Zombie, ZombieWhy};
pub use listener::{Drops, Listener};
pub use name::{label, of as name_of, owner};
pub use relief::{relief, How, Offer, Target};
