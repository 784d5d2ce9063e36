//! Texts that nobody printed: whatever is handed in, no resource with room is accused as observed, and nothing panics.

use super::*;

/// What is cut up: lines of every kind.
const LINES: &[&str] = &[
    "{system_limit,[{erlang,spawn_link,[a,b,[]],[]},{x,do_accept,7,[]}]}",
    "reason: system_limit at erlang:spawn_opt/4 <= net_kernel:do_auto_connect_2/5(line:668)",
    "** When Server state == #{status => connected,a => [1,2|3]}\n** Reason for termination ==\n** {emfile,[{erlang,open_port,[],[]}]}",
    "** (MatchError) no match of right hand side value: {:error, :system_limit}\n    f.exs:5: My.handle_call/3\nLast message: {:connect, 1}",
    "** (File.Error) could not open \"/x/emfile\": too many open files\n    (elixir 1.14.0) lib/file.ex:1492: File.open!/2",
    "=CRASH REPORT==== 25-Nov-2026::02:10:46.463418 ===\n  crasher:\n    exception error: a system limit has been reached\n      in function  list_to_atom/1\n         called as list_to_atom(\"x\")\n      in operator  bsl/2",
    "{\"level\":\"error\",\"msg\":\"Reason:\\nemfile\",\"a\":{\"error\":\"enfile\"}}",
    "level=error ts=1 caller=accept.go:12 msg=\"accept failed\" err=emfile",
    "Nov 25 02:05:16 host prog[12]: accept: enfile (too many open files in the system)",
    "\u{1b}[31mFailed TCP accept: emfile\u{1b}[0m",
    "driver_select(0x7f0, 319, ERL_DRV_USE, 0) by tcp_inet failed: fd=319 is larger than the largest allowed fd=255",
    "eheap_alloc: Cannot allocate 1342177280 bytes of memory (of type \"heap\").",
    "{badarg,[{os,cmd,[\"x\"],[{error_info,#{cause => {open_port,eagain}}}]}]}",
    "error_connect_nxdomain \\u0022emfile\\u0022 #012 \\\"enobufs\\\" <<\"enomem\",0>> ~c\"x\" %{a: :b} #Port<0.1> &F.g/1",
    "** State machine x terminating\n** Reason for termination = error:emfile\n** Stacktrace =\n**  [{gen_tcp,accept,2,[]}]",
    "upper limit on inotify watches reached! inotify_init: EMFILE VFS: file-max limit 9 reached",
    "{badrpc,{'EXIT',{system_limit,[{erlang,open_port,[],[]}]}}} Too many processes",
];

/// A xorshift generator: the same texts in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound.max(1) as u64) as usize
    }

    fn line(&mut self) -> &'static [u8] {
        LINES[self.below(LINES.len())].as_bytes()
    }

    fn part(&mut self) -> &'static [u8] {
        let line = self.line();
        let from = self.below(line.len());
        &line[from..from + self.below(line.len() - from + 1)]
    }

    fn text(&mut self) -> Vec<u8> {
        let mut text = self.line().to_vec();
        for _ in 0..=self.below(4) {
            let at = self.below(text.len() + 1);
            match self.below(6) {
                0 => text.truncate(at),
                1 => {
                    text.drain(..at);
                }
                2 => {
                    let part = self.part();
                    text.splice(at..at, part.iter().copied());
                }
                3 if at < text.len() => text[at] = self.below(256) as u8,
                4 => {
                    let odd = b"{[(\"'\\<#%~:&$\n,}])>|=";
                    text.insert(at, odd[self.below(odd.len())]);
                }
                _ => text.extend_from_slice(self.part()),
            }
        }
        text
    }

    /// How many of a thousand are taken: often none are left.
    fn used(&mut self) -> u64 {
        match self.below(3) {
            0 => 1000,
            _ => self.below(1001) as u64,
        }
    }
}

fn fuzz(texts: u64) {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for _ in 0..texts {
        let text = random.text();
        let mut node = healthy();
        let (fds, ports, processes, files) =
            (random.used(), random.used(), random.used(), random.used());
        node.facts.nofile.soft = Limit::Finite(1000);
        node.facts.nofile.max_fds = Limit::Finite(1000);
        node.facts.fds.open = Known::Is(fds);
        node.facts.fds.free = Limit::Finite(1000 - fds);
        node.facts.fds.highest = Known::Is(fds.saturating_sub(1));
        node.facts.beam.ports = (Known::Is(ports), Limit::Finite(1000));
        node.facts.beam.processes = (Known::Is(processes), Limit::Finite(1000));
        node.facts.nofile.file_nr = Known::Is(files);
        node.facts.nofile.file_max = Limit::Finite(1000);
        if fds == 1000 {
            node.probe.fd = Outcome::Refused(24);
            node.probe.file = Outcome::Refused(24);
        }
        let operation = Operation::ALL[random.below(Operation::ALL.len())];
        let verdict = explain(&Value::Binary(text.clone()), operation, &node);
        let used = match verdict.verdict {
            Culprit::Nofile => fds,
            Culprit::PortTable => ports,
            Culprit::Processes => processes,
            Culprit::KernelFileMax => files,
            _ => 1000,
        };
        let seen = matches!(verdict.basis, Basis::Observed | Basis::Probed);
        assert!(
            !seen || used >= 800,
            "{used} of 1000 are taken: {verdict:?} for {:?}",
            String::from_utf8_lossy(&text)
        );
        assert!(verdict.message.len() < 4096);
    }
}

// Somebody pastes half a line, or the wrong file: nobody innocent is accused, and the node lives.
#[test]
fn texts_that_nobody_printed() {
    fuzz(5_000);
}

// The same at length: `make fuzz`.
#[test]
#[ignore = "takes minutes"]
fn a_million_texts_that_nobody_printed() {
    fuzz(1_000_000);
}

// Megabytes of one character, and of what opens without end, must take time in proportion.
#[test]
fn no_text_takes_more_than_its_length() {
    let pieces = [
        "(",
        "{",
        "[",
        "\"",
        "\\\"",
        "\\\\\\\"",
        "'",
        "<",
        "<<\"",
        "#A<",
        "** (",
        "Last message (",
        "State: ",
        "msg=\"",
        "a=\"",
        "\n",
        " \n",
        "\\n",
        "\u{1b}[",
        "{\"a\":",
        "in function ",
        "at a:b/1 <= ",
        ":a.b(",
        "x:y(",
        "/",
        "a.b",
        "ESC",
        "\\u0022",
        "#012",
        "process ",
        "~c\"",
        "%A{",
        "é",
    ];
    let node = healthy();
    for piece in pieces {
        let text = piece.repeat(60_000 / piece.len());
        let start = std::time::Instant::now();
        let _ = explain(
            &Value::Binary(text.into_bytes()),
            Operation::Undefined,
            &node,
        );
        // Quadratic would be minutes, on any machine.
        assert!(start.elapsed().as_secs() < 30, "{piece}");
    }
}
