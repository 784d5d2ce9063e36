//! YAML as a tree with lines. Aliases share what they stand for, so that a file cannot grow by being read.

use std::rc::Rc;

use saphyr_parser::{Event, Parser};

/// Something with the line that it begins in.
pub struct Node {
    pub line: usize,
    pub is: Is,
}

/// What it is.
pub enum Is {
    Scalar(String),
    List(Vec<Rc<Node>>),
    Map(Vec<(Rc<Node>, Rc<Node>)>),
}

/// How deep a document may be, and how many merges are followed.
const DEPTH: usize = 64;
const MERGES: usize = 8;

impl Node {
    /// The value of a key, also where a merge key (`<<`) brings it.
    pub fn get(&self, key: &str) -> Option<&Rc<Node>> {
        self.entry(key, MERGES).map(|(_, value)| value)
    }

    fn entry(&self, key: &str, merges: usize) -> Option<(&Rc<Node>, &Rc<Node>)> {
        let Is::Map(pairs) = &self.is else {
            return None;
        };
        let named = |name: &str| {
            pairs
                .iter()
                .find(|(found, _)| found.text() == Some(name))
                .map(|(key, value)| (key, value))
        };
        if let Some(found) = named(key) {
            return Some(found);
        }
        let merged = named("<<").filter(|_| merges > 0)?.1;
        match &merged.is {
            Is::List(all) => all.iter().find_map(|one| one.entry(key, merges - 1)),
            _ => merged.entry(key, merges - 1),
        }
    }

    /// A path of keys.
    pub fn at(&self, path: &[&str]) -> Option<&Rc<Node>> {
        let (first, rest) = path.split_first()?;
        let mut node = self.get(first)?;
        for key in rest {
            node = node.get(key)?;
        }
        Some(node)
    }

    /// The text of a scalar.
    pub fn text(&self) -> Option<&str> {
        match &self.is {
            Is::Scalar(text) => Some(text),
            _ => None,
        }
    }

    /// The members of a list.
    pub fn list(&self) -> &[Rc<Node>] {
        match &self.is {
            Is::List(all) => all,
            _ => &[],
        }
    }

    /// The pairs of a map.
    pub fn pairs(&self) -> &[(Rc<Node>, Rc<Node>)] {
        match &self.is {
            Is::Map(all) => all,
            _ => &[],
        }
    }
}

/// The documents of a text.
///
/// # Errors
/// The line, and why it is none.
pub fn parse(text: &str) -> Result<Vec<Rc<Node>>, (usize, String)> {
    let mut documents = Vec::new();
    let mut anchors: Vec<(usize, Rc<Node>)> = Vec::new();
    // Open lists and maps: the line, the anchor, whether it is a map, and what it has so far.
    let mut open: Vec<(usize, usize, bool, Vec<Rc<Node>>)> = Vec::new();
    for event in Parser::new_from_str(text) {
        let (event, span) =
            event.map_err(|error| (error.marker().line(), error.info().to_string()))?;
        let line = span.start.line();
        let (node, anchor) = match event {
            Event::Scalar(text, _, anchor, _) => (
                Rc::new(Node {
                    line,
                    is: Is::Scalar(text.into_owned()),
                }),
                anchor,
            ),
            Event::Alias(id) => {
                let found = anchors.iter().rev().find(|(anchor, _)| *anchor == id);
                let node = found
                    .map(|(_, node)| Rc::clone(node))
                    .ok_or((line, "an alias of nothing".to_string()))?;
                (node, 0)
            }
            Event::SequenceStart(anchor, _) | Event::MappingStart(anchor, _) => {
                if open.len() >= DEPTH {
                    return Err((line, "deeper than any configuration".into()));
                }
                let is_map = matches!(event, Event::MappingStart(..));
                open.push((line, anchor, is_map, Vec::new()));
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let Some((line, anchor, is_map, members)) = open.pop() else {
                    continue;
                };
                let is = if is_map {
                    Is::Map(paired(members))
                } else {
                    Is::List(members)
                };
                (Rc::new(Node { line, is }), anchor)
            }
            _ => continue,
        };
        if anchor > 0 {
            anchors.push((anchor, Rc::clone(&node)));
        }
        match open.last_mut() {
            Some((_, _, _, members)) => members.push(node),
            None => documents.push(node),
        }
    }
    Ok(documents)
}

fn paired(members: Vec<Rc<Node>>) -> Vec<(Rc<Node>, Rc<Node>)> {
    let mut members = members.into_iter();
    let mut pairs = Vec::new();
    while let (Some(key), Some(value)) = (members.next(), members.next()) {
        pairs.push((key, value));
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merges_and_lines() {
        let text = "x: &base\n  a: 1\nservices:\n  web:\n    <<: *base\n    b: [2, 3]\n";
        let documents = parse(text).unwrap();
        let web = documents[0].at(&["services", "web"]).unwrap();
        assert_eq!(web.get("a").unwrap().text(), Some("1"));
        assert_eq!(web.get("b").unwrap().list().len(), 2);
        assert_eq!(web.get("b").unwrap().line, 6);
    }

    // Nine lines that would be a billion words if each alias were a copy.
    #[test]
    fn aliases_do_not_grow() {
        let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for n in 1..10 {
            let list = vec![format!("*a{}", n - 1); 10].join(", ");
            text += &format!("a{n}: &a{n} [{list}]\n");
        }
        let documents = parse(&text).unwrap();
        assert_eq!(documents[0].get("a9").unwrap().list().len(), 10);
    }

    #[test]
    fn what_is_none_has_a_line() {
        assert_eq!(parse("a: 1\nb: [2\n").map(|_| ()).unwrap_err().0, 3);
        assert!(parse(&"[".repeat(1000)).is_err());
    }
}
