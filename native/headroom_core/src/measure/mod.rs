//! How much there is of each resource, what bounds it, and how bad that is. No words.

mod binding;
pub mod capacity;
pub mod level;
pub mod resource;

pub use binding::Binding;
pub use capacity::{Capacity, CapacityOf, Use};
pub use resource::{BoundBy, Resource, Resources};
