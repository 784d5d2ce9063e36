//! Is it a leak, since when, and when is it full? Samples over three weeks, and what they say.

pub mod alarm;
pub mod compact;
pub mod groups;
pub mod outlook;
pub mod samples;
pub mod statistics;
pub mod verdict;
pub mod watch;

pub use alarm::Alarm;
pub use groups::{Groups, Grower};
pub use outlook::{outlook, Full, Outlook};
pub use samples::{Highest, Samples, Span, Used};
pub use verdict::Verdict;
pub use watch::{Clock, Data, Tick, Turn, Watch};
