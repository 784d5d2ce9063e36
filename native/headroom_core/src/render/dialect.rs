//! The language of the prompt that a text is read at: what can be pasted is written in Erlang, and in Elixir for iex.

use winnow::combinator::{alt, delimited, opt, preceded, separated, terminated};
use winnow::prelude::*;
use winnow::token::{one_of, take_till, take_while};

use crate::hazards::LOAD_ALL;

atoms! {
    /// The language of the prompt that lines are pasted at.
    pub enum Dialect {
        /// `headroom:release().`
        Erlang = "erlang",
        /// `Headroom.release()`
        Elixir = "elixir",
    }
}

/// Loads every module of every loaded application, at an iex prompt.
const LOAD_ALL_IN_ELIXIR: &str = "for {a, _, _} <- Application.loaded_applications(), {:ok, ms} <- [:application.get_key(a, :modules)], do: :code.ensure_modules_loaded(ms)";

/// Where a setting of the application goes.
const FILES: (&str, &str) = ("in sys.config", "in config/runtime.exs");

type Read<'a> = ModalResult<String, ()>;

/// A text with all that can be pasted as it is typed at such a prompt. What is not understood stays as it is.
pub fn dialect(text: &str, dialect: Dialect) -> String {
    if dialect == Dialect::Erlang {
        return text.into();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let begins = !out.ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let mut after = if begins { whole(rest) } else { "" };
        let length = after.len();
        match pasted.parse_next(&mut after) {
            Ok(elixir) => {
                out.push_str(&elixir);
                rest = &rest[length - after.len()..];
            }
            Err(_) => {
                out.push(next);
                rest = &rest[next.len_utf8()..];
            }
        }
    }
    out
}

/// So much of a text as one line to paste can be: from its beginning to the bracket that closes its first one. Nothing where
/// nothing of ours begins, or where it nests deeper than any line of ours: a reader of whatever stands there must not
/// run out of stack.
fn whole(text: &str) -> &str {
    const BEGINNINGS: [&str; 4] = ["headroom:", "{headroom, [", "[code:", FILES.0];
    const LONGEST: usize = 1024;
    const DEEPEST: usize = 16;
    if !BEGINNINGS
        .iter()
        .any(|beginning| text.starts_with(beginning))
    {
        return "";
    }
    let (mut depth, mut quoted, mut escaped) = (0, false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => quoted = !quoted,
            _ if quoted => {}
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' if depth > 1 => depth -= 1,
            ')' | ']' | '}' => {
                let end = at + 1 + usize::from(text[at + 1..].starts_with('.'));
                return &text[..end];
            }
            _ => {}
        }
        if depth > DEEPEST {
            return "";
        }
        if at > LONGEST {
            return &text[..at];
        }
    }
    text
}

fn pasted<'a>(i: &mut &'a str) -> Read<'a> {
    alt((
        LOAD_ALL.map(|_| LOAD_ALL_IN_ELIXIR.into()),
        FILES.0.map(|_| FILES.1.into()),
        setting,
        // A full stop belongs to the prompt, one in a sentence is no loss.
        terminated(preceded("headroom:", our_call), opt(".")),
    ))
    .parse_next(i)
}

/// `{headroom, [{reserve, 16}]}` as a line of a configuration.
fn setting<'a>(i: &mut &'a str) -> Read<'a> {
    let pair = delimited("{", (atom_text, gap, ",", gap, term), "}");
    let pair = pair.map(|(key, .., value): (&str, _, _, _, String)| format!("{key}: {value}"));
    let pairs = separated(1.., pair, (gap, ",", gap));
    delimited("{headroom, [", pairs, "]}")
        .map(|pairs: Vec<String>| format!("config :headroom, {}", pairs.join(", ")))
        .parse_next(i)
}

fn our_call<'a>(i: &mut &'a str) -> Read<'a> {
    call.map(|call| format!("Headroom.{call}")).parse_next(i)
}

fn call<'a>(i: &mut &'a str) -> Read<'a> {
    (atom_text, parts("(", ")"))
        .map(|(name, arguments)| format!("{name}{arguments}"))
        .parse_next(i)
}

fn term<'a>(i: &mut &'a str) -> Read<'a> {
    alt((
        preceded("headroom:", our_call),
        binary,
        (preceded("#", parts("{", "}"))).map(|pairs| format!("%{pairs}")),
        parts("{", "}"),
        parts("[", "]"),
        take_while(1.., ('0'..='9', '.', '-')).map(String::from),
        variable,
        atom_text.map(|atom| match atom {
            "true" | "false" | "nil" => atom.into(),
            atom => format!(":{atom}"),
        }),
    ))
    .parse_next(i)
}

/// What stands in brackets, with the white space between, for a line may have been broken there.
fn parts<'a>(
    open: &'static str,
    close: &'static str,
) -> impl Parser<&'a str, String, winnow::error::ErrMode<()>> {
    move |i: &mut &'a str| {
        let pair = (term, opt(((gap, "=>", gap).take(), term)));
        let pair = pair.map(|(key, value)| match value {
            Some((arrow, value)) => format!("{key}{arrow}{value}"),
            None => key,
        });
        let item = (gap, pair, gap).map(|(before, item, after)| format!("{before}{item}{after}"));
        delimited(open, separated(0.., item, ","), close)
            .map(|items: Vec<String>| format!("{open}{}{close}", items.join(",")))
            .parse_next(i)
    }
}

/// The escapes are those of Elixir, too, which reads more into a text than Erlang does.
fn binary<'a>(i: &mut &'a str) -> Read<'a> {
    delimited("<<", string, ">>")
        .map(|text| format!("\"{}\"", text.replace("#{", "\\#{")))
        .parse_next(i)
}

fn string<'a>(i: &mut &'a str) -> ModalResult<&'a str, ()> {
    let piece = |i: &mut &'a str| -> ModalResult<(), ()> {
        alt((
            take_till(1.., ['"', '\\']).void(),
            ("\\", winnow::token::any).void(),
        ))
        .parse_next(i)
    };
    let pieces = winnow::combinator::repeat::<_, _, (), _, _>(0.., piece).take();
    delimited("\"", pieces, "\"").parse_next(i)
}

fn atom_text<'a>(i: &mut &'a str) -> ModalResult<&'a str, ()> {
    (one_of('a'..='z'), word).take().parse_next(i)
}

fn variable<'a>(i: &mut &'a str) -> Read<'a> {
    (one_of('A'..='Z'), word)
        .take()
        .map(str::to_lowercase)
        .parse_next(i)
}

fn word<'a>(i: &mut &'a str) -> ModalResult<&'a str, ()> {
    take_while(0.., |c: char| c.is_ascii_alphanumeric() || c == '_').parse_next(i)
}

fn gap<'a>(i: &mut &'a str) -> ModalResult<&'a str, ()> {
    take_while(0.., [' ', '\n']).parse_next(i)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    // A line that the prompt does not take is none to paste.
    #[test]
    fn as_iex_takes_it() {
        let cases = [
            ("headroom:release().", "Headroom.release()"),
            (
                "  now  headroom:raise_nofile(max).  more",
                "  now  Headroom.raise_nofile(:max)  more",
            ),
            (
                "headroom:raise_nofile(4096).",
                "Headroom.raise_nofile(4096)",
            ),
            (
                "headroom:show(headroom:hazards()).",
                "Headroom.show(Headroom.hazards())",
            ),
            ("see headroom:relief()", "see Headroom.relief()"),
            (
                r#"headroom:close({close_wait, <<"a \"b\" #{c} at 1.2.3.4:5">>})."#,
                r#"Headroom.close({:close_wait, "a \"b\" \#{c} at 1.2.3.4:5"})"#,
            ),
            (
                "headroom:close({idle,\n     <<\"x\">>}).",
                "Headroom.close({:idle,\n     \"x\"})",
            ),
            (
                "headroom:check(#{fds => 65536, ports => [1, true]}).",
                "Headroom.check(%{:fds => 65536, :ports => [1, true]})",
            ),
            (
                "headroom:plan(#{sessions => N}).",
                "Headroom.plan(%{:sessions => n})",
            ),
            (
                "headroom:explain({error, system_limit}, accept).",
                "Headroom.explain({:error, :system_limit}, :accept)",
            ),
            (
                "{headroom, [{reserve, 16}]} in sys.config",
                "config :headroom, reserve: 16 in config/runtime.exs",
            ),
            (
                "{headroom, [{harden, true}, {release_on, waiting}]}",
                "config :headroom, harden: true, release_on: :waiting",
            ),
            (LOAD_ALL, LOAD_ALL_IN_ELIXIR),
        ];
        for (erlang, elixir) in cases {
            assert_eq!(dialect(erlang, Dialect::Erlang), erlang);
            assert_eq!(dialect(erlang, Dialect::Elixir), elixir);
        }
    }

    // What somebody else wrote is nobody's to change.
    #[test]
    fn what_is_no_line_of_ours_stays() {
        for text in [
            "headroom: not a call",
            "headroom:close({idle, <<\"open",
            "xheadroom:release()",
            "{headroom, reserve}",
            &format!("headroom:a({}", "{".repeat(1_000_000)),
            "",
        ] {
            assert_eq!(dialect(text, Dialect::Elixir), text);
        }
    }

    proptest! {
        // Any text of a log or of a name passes here.
        #[test]
        fn nothing_stops_it(text in "(headroom:|[a-z(){}<>\"\\\\., #=\n]|é){0,60}") {
            let _ = dialect(&text, Dialect::Elixir);
        }
    }
}
