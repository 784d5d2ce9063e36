//! What several files say together: which limit, flags and variables the next start of a node will have.

use std::collections::BTreeSet;

use super::values::{self, Nofile};
use headroom_facts::boot::ports_of;
use headroom_facts::configured::{
    Configured, Container, ContainerKind, Flag, Reaches, Runs, Setting, Spot, Sysctl, Unit,
    Variable,
};

/// Configuration, and questions that several rules ask of it.
pub struct Scene<'a> {
    /// The files.
    pub of: &'a Configured,
}

/// A limit of descriptors that a start will have.
pub struct Given {
    /// Soft limit.
    pub soft: Nofile,
    /// Hard limit.
    pub hard: Nofile,
    /// Where it is set.
    pub at: Spot,
}

/// What sizes the port table of a start.
pub struct PortTable {
    /// Its slots.
    pub slots: u64,
    /// `+Q 1024`, `ERL_MAX_PORTS=1024`.
    pub set_by: String,
    /// Where.
    pub at: Spot,
}

impl<'a> Scene<'a> {
    /// Of these files.
    pub fn new(of: &'a Configured) -> Scene<'a> {
        Scene { of }
    }

    /// Services that run a node.
    pub fn nodes(&self) -> impl Iterator<Item = &'a Unit> {
        self.of.units.iter().filter(|unit| unit.runs == Runs::Beam)
    }

    /// Every scope in which something is started or sized.
    pub fn scopes(&self) -> BTreeSet<&'a str> {
        let of = self.of;
        let units = of.units.iter().map(|unit| unit.scope.as_str());
        let containers = of
            .containers
            .iter()
            .map(|container| container.scope.as_str());
        let flags = of.flags.iter().map(|flag| flag.scope.as_str());
        let variables = of.variables.iter().map(|variable| variable.scope.as_str());
        units
            .chain(containers)
            .chain(flags)
            .chain(variables)
            .collect()
    }

    /// The limit of descriptors that a unit sets: systemd takes the last line that it understands.
    pub fn unit_nofile(&self, unit: &Unit) -> Option<Given> {
        let mut given = unit.service("LimitNOFILE").rev().filter_map(|setting| {
            let (soft, hard) = values::pair(&setting.value)?;
            (soft <= hard).then(|| Given {
                soft,
                hard,
                at: setting.at.clone(),
            })
        });
        given.next()
    }

    /// The limit of descriptors of a container.
    pub fn container_nofile(&self, container: &Container) -> Option<Given> {
        let (soft, hard) = container.nofile.as_ref()?;
        Some(Given {
            soft: values::limit(&soft.value)?,
            hard: values::limit(&hard.value)?,
            at: soft.at.clone(),
        })
    }

    /// All limits of descriptors that are set for nodes and engines.
    pub fn all_nofile(&self) -> Vec<Given> {
        let relevant = |unit: &&Unit| unit.runs != Runs::Other;
        let units = self
            .of
            .units
            .iter()
            .filter(relevant)
            .filter_map(|unit| self.unit_nofile(unit));
        let containers = self
            .of
            .containers
            .iter()
            .filter_map(|container| self.container_nofile(container));
        units.chain(containers).collect()
    }

    /// The limit of descriptors of whatever is started in a scope.
    pub fn nofile(&self, scope: &str) -> Option<Given> {
        let units = self.nodes().filter(|unit| unit.scope == scope);
        let containers = self.of.containers.iter();
        let in_scope = containers.filter(|container| {
            container.scope == scope && container.kind != ContainerKind::Engine
        });
        units
            .filter_map(|unit| self.unit_nofile(unit))
            .chain(in_scope.filter_map(|container| self.container_nofile(container)))
            .next()
    }

    /// The last flag of a kind: the emulator takes that.
    pub fn flag(&self, scope: &str, kind: &str) -> Option<&'a Flag> {
        self.flags(scope, kind).into_iter().next_back()
    }

    /// All flags of a kind, in the order in which the emulator sees them.
    pub fn flags(&self, scope: &str, kind: &str) -> Vec<&'a Flag> {
        let of_kind = |flag: &&Flag| flag.scope == scope && flag.set.key == kind;
        self.of.flags.iter().filter(of_kind).collect()
    }

    /// The variable that the emulator sees.
    pub fn variable(&self, scope: &str, name: &str) -> Option<&'a Variable> {
        let found = self.of.variables.iter().rev();
        let mut found =
            found.filter(|variable| variable.scope == scope && variable.set.key == name);
        found.find(|variable| variable.reaches == Reaches::Emulator)
    }

    /// The port table that files ask for; none where the VM sizes it by itself. A flag beats the variable.
    pub fn port_table(&self, scope: &str) -> Option<PortTable> {
        let numbered = |flag: &&Flag| values::number(&flag.set.value).is_some();
        if let Some(flag) = self
            .flags(scope, "+Q")
            .into_iter()
            .rev()
            .find(|flag| numbered(flag))
        {
            let slots = values::number(&flag.set.value)?;
            return Some(PortTable {
                slots: slots.checked_next_power_of_two().unwrap_or(slots),
                set_by: format!("+Q {}", flag.set.value),
                at: flag.set.at.clone(),
            });
        }
        let variable = self.variable(scope, "ERL_MAX_PORTS")?;
        Some(PortTable {
            slots: ports_of(&variable.set.value)?,
            set_by: format!("ERL_MAX_PORTS={}", variable.set.value),
            at: variable.set.at.clone(),
        })
    }

    /// The assignment of a kernel setting that holds after a boot: the last one.
    pub fn sysctl(&self, key: &str) -> Option<&'a Sysctl> {
        let of_key = |sysctl: &&Sysctl| sysctl.at_boot && sysctl.set.key == key;
        self.of.sysctls.iter().rev().find(of_key)
    }

    /// `fs.nr_open` of the next boot: what a file sets, or what the kernel has by default.
    pub fn nr_open(&self) -> Option<u64> {
        let set = self
            .sysctl("fs.nr_open")
            .and_then(|sysctl| values::number(&sysctl.set.value));
        set.or(self.of.kernel.and_then(|kernel| kernel.nr_open))
    }
}

/// A setting in words.
pub fn shown(setting: &Setting) -> String {
    format!("{}={}", setting.key, setting.value)
}
