//! An Erlang term as plain data, bounded in size: what users hand in as options, requirements and error reasons.

/// A term. Atoms are text here, so no atom is ever made from data.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// An atom, by its text.
    Atom(String),
    /// An integer that fits.
    Integer(i64),
    /// A number that is not a small integer.
    Float(f64),
    /// A binary or bit string.
    Binary(Vec<u8>),
    /// A proper list.
    List(Vec<Value>),
    /// A tuple.
    Tuple(Vec<Value>),
    /// A map, in the order in which the emulator lists it.
    Map(Vec<(Value, Value)>),
    /// A pid, port, reference, function, an improper list, or whatever was cut off for its size.
    Opaque,
}

impl Value {
    /// The text of an atom.
    pub fn as_atom(&self) -> Option<&str> {
        match self {
            Value::Atom(text) => Some(text),
            _ => None,
        }
    }

    /// A non-negative integer.
    pub fn as_u64(&self) -> Option<u64> {
        match self {
            Value::Integer(n) => u64::try_from(*n).ok(),
            _ => None,
        }
    }

    /// The items of a list.
    pub fn as_list(&self) -> Option<&[Value]> {
        match self {
            Value::List(items) => Some(items),
            _ => None,
        }
    }

    /// What a map has under an atom.
    pub fn get(&self, key: &str) -> Option<&Value> {
        let Value::Map(pairs) = self else { return None };
        let found = pairs.iter().find(|(name, _)| name.as_atom() == Some(key));
        found.map(|(_, value)| value)
    }

    /// The pairs of a map, or of a list of pairs.
    pub fn as_pairs(&self) -> Option<Vec<(&Value, &Value)>> {
        match self {
            Value::Map(pairs) => Some(pairs.iter().map(|(key, value)| (key, value)).collect()),
            Value::List(items) => items
                .iter()
                .map(|item| match item {
                    Value::Tuple(pair) if pair.len() == 2 => Some((&pair[0], &pair[1])),
                    _ => None,
                })
                .collect(),
            _ => None,
        }
    }
}
