//! Whether a text starts a node.

/// Programs and variables of nodes.
const WORDS: [&str; 19] = [
    "erl",
    "beam",
    "beam.smp",
    "erlang",
    "elixir",
    "iex",
    "mix",
    "ejabberd",
    "ejabberdctl",
    "rabbitmq",
    "rabbitmq-server",
    "emqx",
    "vernemq",
    "couchdb",
    "mongooseim",
    "mongooseimctl",
    "eturnal",
    "livebook",
    "phoenix",
];

/// Whether it names a program of the BEAM, or sets its variables.
pub fn is_node(text: &str) -> bool {
    let code = text
        .lines()
        .filter(|line| !line.trim_start().starts_with(['#', ';']));
    code.flat_map(|line| {
        line.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')))
    })
    .any(|word| {
        let word = word.strip_suffix(".service").unwrap_or(word);
        WORDS.contains(&word)
            || word.starts_with("RELEASE_")
            || word.starts_with("ERL_")
            || word.starts_with("RABBITMQ_")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    // A service that is no node has limits of its own and its reasons for them.
    #[test]
    fn nodes_and_others() {
        for text in [
            "ExecStart=/usr/sbin/ejabberdctl foreground",
            "image: rabbitmq:4",
            "FROM elixir:1.18",
            "Environment=ERL_FLAGS=x",
            "CMD [\"mix\", \"phx.server\"]",
        ] {
            assert!(is_node(text), "{text}");
        }
        for text in [
            "ExecStart=/usr/sbin/nginx",
            "# erl",
            "FROM postgres:16",
            "ExecStart=/usr/bin/mixer",
            "image: perl:5",
        ] {
            assert!(!is_node(text), "{text}");
        }
    }
}
