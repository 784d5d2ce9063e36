//! What a node has, to be compared: before headroom came, with it, and after it left.

use serde::{Deserialize, Serialize};

use super::look::Target;
use super::remote::{self, atom, count, Remote};

/// What is not told, or not on this host, is unknown. The connection of this command is in all of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    descriptors: Option<u64>,
    libraries: Option<u64>,
    processes: Option<u64>,
    ports: Option<u64>,
    registered_names: Option<u64>,
    persistent_terms: Option<u64>,
    modules: Option<u64>,
    atoms: Option<u64>,
    code_bytes: Option<u64>,
}

impl Counts {
    /// As it is now.
    pub fn of(remote: &mut Remote, target: &Target) -> Result<Counts, String> {
        let mut info = |key| {
            let told = remote.call("erlang", "system_info", vec![atom(key)])?;
            Ok::<_, String>(count(&told))
        };
        let (processes, ports, atoms) = (
            info("process_count")?,
            info("port_count")?,
            info("atom_count")?,
        );
        let mut length = |module, function| {
            let list = remote.call(module, function, Vec::new())?;
            Ok::<_, String>(Some(remote::length(&list) as u64))
        };
        let (modules, registered_names) = (
            length("code", "all_loaded")?,
            length("erlang", "registered")?,
        );
        let terms = remote.call("persistent_term", "info", Vec::new())?;
        let code = remote.call("erlang", "memory", vec![atom("code")])?;
        let node = target.node.as_ref();
        Ok(Counts {
            descriptors: node.and_then(|node| node.facts().fds.open.get()),
            libraries: node.and_then(|node| node.mapped_libraries()),
            processes,
            ports,
            registered_names,
            persistent_terms: remote::value(&terms, "count").and_then(count),
            modules,
            atoms,
            code_bytes: count(&code),
        })
    }

    /// Whether the memory of the node was looked at.
    pub fn sees_libraries(&self) -> bool {
        self.libraries.is_some()
    }

    /// A line for each that is known in both, what it was and what it is.
    pub fn since(&self, before: &Counts) -> String {
        let rows = [
            ("descriptors", before.descriptors, self.descriptors),
            ("libraries", before.libraries, self.libraries),
            ("processes", before.processes, self.processes),
            ("ports", before.ports, self.ports),
            ("names", before.registered_names, self.registered_names),
            (
                "persistent terms",
                before.persistent_terms,
                self.persistent_terms,
            ),
            ("modules", before.modules, self.modules),
            ("atoms", before.atoms, self.atoms),
            ("code bytes", before.code_bytes, self.code_bytes),
        ];
        let mut text = String::new();
        for (name, before, now) in rows {
            if let (Some(before), Some(now)) = (before, now) {
                let change = i128::from(now) - i128::from(before);
                text.push_str(&format!(
                    "  {name:<16} {before:>10} -> {now:>10}  ({change:+})\n"
                ));
            }
        }
        text
    }

    /// What of this, after headroom left, is more than there was before it came, in words.
    pub fn stays(&self, before: &Counts) -> String {
        let more = |now: Option<u64>, before: Option<u64>| {
            now.zip(before)
                .map_or(0, |(now, before)| now.saturating_sub(before))
        };
        format!(
            "what cannot be taken back: {} atoms, and {} modules of OTP that were loaded meanwhile",
            more(self.atoms, before.atoms),
            more(self.modules, before.modules)
        )
    }

    /// As the node keeps it until headroom leaves.
    pub fn encode(&self) -> Result<Vec<u8>, String> {
        serde_json::to_vec(self).map_err(|error| error.to_string())
    }

    /// What [`Counts::encode`] wrote, if it did.
    pub fn decode(bytes: &str) -> Option<Counts> {
        serde_json::from_str(bytes).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(descriptors: Option<u64>, atoms: u64, modules: u64) -> Counts {
        Counts {
            descriptors,
            libraries: None,
            processes: Some(45),
            ports: Some(6),
            registered_names: Some(30),
            persistent_terms: Some(4),
            modules: Some(modules),
            atoms: Some(atoms),
            code_bytes: Some(5_000_000),
        }
    }

    // An operator decides by this whether the node is as it was: what was not counted must not look like equal.
    #[test]
    fn only_what_is_known_twice_is_compared() {
        let (before, now) = (counts(None, 9_000, 101), counts(Some(22), 10_500, 108));
        let text = now.since(&before);
        assert!(
            text.contains("atoms                  9000 ->      10500  (+1500)\n"),
            "{text}"
        );
        assert!(
            !text.contains("descriptors") && !text.contains("libraries"),
            "{text}"
        );
        assert!(now.stays(&before).contains("1500 atoms, and 7 modules"));
    }

    #[test]
    fn what_the_node_keeps_is_read_back() {
        let before = counts(Some(22), 1, 2);
        let kept = String::from_utf8(before.encode().unwrap()).unwrap();
        assert_eq!(Counts::decode(&kept), Some(before));
        assert_eq!(Counts::decode("no"), None);
    }
}
