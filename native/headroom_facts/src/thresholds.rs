//! At which use of a resource the level rises.

use serde::{Deserialize, Serialize};

use crate::term::Value;
use crate::vocabulary::Name;

/// When one resource is at warning and when at critical.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Threshold {
    /// Percent used from which the level is warning.
    pub warning: u64,
    /// Percent used from which the level is critical.
    pub critical: u64,
    /// With this many or fewer left the level is critical.
    pub critical_free: u64,
}

/// The thresholds of all resources.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Thresholds {
    /// Of the descriptors.
    pub fds: Threshold,
    /// Of the port table.
    pub ports: Threshold,
    /// Of the process table.
    pub processes: Threshold,
    /// Of the ETS tables; never used, as no release enforces that limit.
    pub ets_tables: Threshold,
    /// Of the atom table.
    pub atoms: Threshold,
    /// Of the kernel's open files.
    pub kernel_files: Threshold,
}

/// One port program takes five descriptors for a moment, so the last eight are worth an alarm.
const CRITICAL_FREE: u64 = 8;

/// Bytes of a number, and of the three numbers of each resource.
const NUMBER: usize = size_of::<u64>();
const COMPACT: usize = Name::ALL.len() * 3 * NUMBER;

impl Default for Thresholds {
    fn default() -> Self {
        let tight = Threshold {
            warning: 80,
            critical: 95,
            critical_free: CRITICAL_FREE,
        };
        let loose = Threshold {
            critical_free: 0,
            ..tight
        };
        Thresholds {
            fds: tight,
            ports: tight,
            processes: tight,
            ets_tables: loose,
            atoms: loose,
            kernel_files: loose,
        }
    }
}

impl Thresholds {
    /// The threshold of one resource.
    pub fn of(&self, name: Name) -> Threshold {
        match name {
            Name::Fds => self.fds,
            Name::Ports => self.ports,
            Name::Processes => self.processes,
            Name::EtsTables => self.ets_tables,
            Name::Atoms => self.atoms,
            Name::KernelFiles => self.kernel_files,
        }
    }

    /// The same as bare numbers, in the order of [`Name::ALL`]: a form that is read in a fraction of the time.
    pub fn compact(&self) -> [u8; COMPACT] {
        let mut bytes = [0; COMPACT];
        let numbers = Name::ALL.iter().flat_map(|&name| {
            let threshold = self.of(name);
            [
                threshold.warning,
                threshold.critical,
                threshold.critical_free,
            ]
        });
        for (bytes, number) in bytes.chunks_exact_mut(NUMBER).zip(numbers) {
            bytes.copy_from_slice(&number.to_ne_bytes());
        }
        bytes
    }

    /// The thresholds that [`Thresholds::compact`] wrote; `None` if these are none.
    pub fn from_compact(bytes: &[u8]) -> Option<Thresholds> {
        let bytes: &[u8; COMPACT] = bytes.try_into().ok()?;
        let mut thresholds = Thresholds::default();
        for (&name, bytes) in Name::ALL.iter().zip(bytes.chunks_exact(3 * NUMBER)) {
            let mut numbers = bytes
                .chunks_exact(NUMBER)
                .filter_map(|number| Some(u64::from_ne_bytes(number.try_into().ok()?)));
            *thresholds.of_mut(name) = Threshold {
                warning: numbers.next()?,
                critical: numbers.next()?,
                critical_free: numbers.next()?,
            };
        }
        Some(thresholds)
    }

    fn of_mut(&mut self, name: Name) -> &mut Threshold {
        match name {
            Name::Fds => &mut self.fds,
            Name::Ports => &mut self.ports,
            Name::Processes => &mut self.processes,
            Name::EtsTables => &mut self.ets_tables,
            Name::Atoms => &mut self.atoms,
            Name::KernelFiles => &mut self.kernel_files,
        }
    }

    /// The thresholds that an option like `#{default => #{warning => 70}, fds => #{critical_free => 64}}` asks for.
    ///
    /// `default` counts for every resource; what a resource says for itself wins.
    ///
    /// # Errors
    /// The index of the pair that is wrong, and why.
    pub fn from_option(pairs: &[(&Value, &Value)]) -> Result<Thresholds, (usize, String)> {
        let mut thresholds = Thresholds::default();
        let is_default = |key: &Value| key.as_atom() == Some("default");
        let indexed = || pairs.iter().enumerate();
        for (index, (_, value)) in indexed().filter(|(_, (key, _))| is_default(key)) {
            for &name in Name::ALL {
                set(thresholds.of_mut(name), value).map_err(|why| (index, why))?;
            }
        }
        for (index, (key, value)) in indexed().filter(|(_, (key, _))| !is_default(key)) {
            let name = key.as_atom().and_then(Name::parse).ok_or_else(|| {
                let names = Name::ALL
                    .iter()
                    .map(|name| name.as_str())
                    .collect::<Vec<_>>()
                    .join(", ");
                (
                    index,
                    format!("no such resource; there are default, {names}"),
                )
            })?;
            set(thresholds.of_mut(name), value).map_err(|why| (index, why))?;
        }
        for &name in Name::ALL {
            let Threshold {
                warning, critical, ..
            } = thresholds.of(name);
            if warning > critical {
                let why = format!(
                    "{}: warning {warning} is above critical {critical}",
                    name.as_str()
                );
                return Err((blamed(pairs, name), why));
            }
        }
        Ok(thresholds)
    }
}

/// The pair that gave a resource its percentages: its own if that says any, else the default's.
fn blamed(pairs: &[(&Value, &Value)], name: Name) -> usize {
    let position = |word: &str| {
        pairs
            .iter()
            .position(|(key, _)| key.as_atom() == Some(word))
    };
    let says_percent = |index: &usize| {
        let inner = pairs[*index].1.as_pairs().unwrap_or_default();
        let mut keys = inner.iter().filter_map(|(key, _)| key.as_atom());
        keys.any(|key| key != "critical_free")
    };
    let own = position(name.as_str()).filter(says_percent);
    own.or(position("default")).unwrap_or(0)
}

fn set(threshold: &mut Threshold, value: &Value) -> Result<(), String> {
    let pairs = value.as_pairs().ok_or("not a map")?;
    for (key, value) in pairs {
        let key = key.as_atom().unwrap_or_default();
        let number = value.as_u64();
        let percent = number.filter(|n| (1..=100).contains(n));
        match key {
            "warning" => {
                threshold.warning = percent.ok_or("warning is a whole percentage from 1 to 100")?
            }
            "critical" => {
                threshold.critical =
                    percent.ok_or("critical is a whole percentage from 1 to 100")?
            }
            "critical_free" => {
                threshold.critical_free = number.ok_or("critical_free is a whole number from 0")?
            }
            _ => return Err("its keys are warning, critical and critical_free".into()),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn atom(text: &str) -> Value {
        Value::Atom(text.into())
    }

    fn map(pairs: &[(&str, i64)]) -> Value {
        Value::Map(
            pairs
                .iter()
                .map(|(key, n)| (atom(key), Value::Integer(*n)))
                .collect(),
        )
    }

    fn parse(pairs: &[(&str, Value)]) -> Result<Thresholds, (usize, String)> {
        let owned: Vec<_> = pairs
            .iter()
            .map(|(key, value)| (atom(key), value.clone()))
            .collect();
        Thresholds::from_option(
            &owned
                .iter()
                .map(|(key, value)| (key, value))
                .collect::<Vec<_>>(),
        )
    }

    // A default that overrode what a resource says for itself would silence the alarm that was asked for.
    #[test]
    fn a_resource_wins_over_the_default_in_any_order() {
        let default = ("default", map(&[("warning", 50), ("critical", 60)]));
        let fds = ("fds", map(&[("warning", 40), ("critical_free", 64)]));
        for pairs in [[default.clone(), fds.clone()], [fds, default]] {
            let thresholds = parse(&pairs).unwrap();
            assert_eq!(
                thresholds.fds,
                Threshold {
                    warning: 40,
                    critical: 60,
                    critical_free: 64
                }
            );
            assert_eq!(
                thresholds.ports,
                Threshold {
                    warning: 50,
                    critical: 60,
                    critical_free: 8
                }
            );
        }
        assert_eq!(parse(&[]).unwrap(), Thresholds::default());
    }

    // The compact form is read by position: a field out of order would swap the alarms of two resources.
    #[test]
    fn the_compact_form_is_read_back() {
        let mut thresholds = Thresholds::default();
        thresholds.ports.warning = 11;
        thresholds.atoms.critical_free = 12;
        thresholds.kernel_files.critical = 99;
        let compact = thresholds.compact();
        assert_eq!(Thresholds::from_compact(&compact), Some(thresholds));
        assert_eq!(Thresholds::from_compact(&compact[1..]), None);
        assert_eq!(Thresholds::from_compact(&[]), None);
    }

    // A typing error in the configuration must not leave a node without an alarm.
    #[test]
    fn a_bad_option_is_named_by_its_pair() {
        let good = ("fds", map(&[]));
        for (bad, part) in [
            (("fd", map(&[])), "no such resource"),
            (("ports", map(&[("warning", 0)])), "from 1 to 100"),
            (("ports", map(&[("critical", 101)])), "from 1 to 100"),
            (("ports", map(&[("warn", 10)])), "keys are"),
            (("ports", map(&[("critical_free", -1)])), "from 0"),
            (("ports", map(&[("warning", 97)])), "above critical 95"),
            (("default", map(&[("critical", 70)])), "above critical 70"),
            (("ports", atom("high")), "not a map"),
        ] {
            let (index, why) = parse(&[good.clone(), bad]).unwrap_err();
            assert_eq!(index, 1);
            assert!(why.contains(part), "{why}");
        }
    }
}
