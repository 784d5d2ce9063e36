//! `headroom attach` and `headroom detach`: headroom into a running node that does not have it, and out again, over the
//! distribution and from a host without Erlang.

mod look;
mod payload;
mod place;
mod remote;

use std::process::ExitCode;

use clap::Args;

use crate::say::{failed, say};
use look::Target;
use remote::{atom, binary, count, number, string, text, Remote};

/// Put headroom into a running node that does not have it, and print its report
///
/// It connects as another node would, writes the library to a folder of the node's host that may run code, loads its modules and
/// starts the application. It looks into /proc first, and refuses a node with fewer than 5 free descriptors, which the attempt
/// itself would harm: see `headroom inspect`. The node's distribution must not be TLS. The cookie is that of the node's command
/// line, or of its user's .erlang.cookie, or of yours.
/// Exit status: 0 if it was attached or was there already, 3 if not.
#[derive(Args)]
pub struct Attach {
    #[command(flatten)]
    node: WhichNode,
    /// Explain this reason too: `emfile`, or a line of the log
    #[arg(long, value_name = "REASON")]
    explain: Option<String>,
    /// Load all that an incident needs now, so that later answers need no descriptor; OTP modules that this loads stay
    #[arg(long)]
    preload: bool,
}

/// Take headroom out of a node that `attach` put it into
///
/// It leaves no process, name, descriptor, library, file or persistent term of headroom. Atoms cannot be taken back, nor are
/// modules of OTP that were loaded meanwhile: they are counted and printed.
/// Exit status: 0 if nothing is left, 3 if not.
#[derive(Args)]
pub struct Detach {
    #[command(flatten)]
    node: WhichNode,
}

#[derive(Args)]
struct WhichNode {
    /// Number of the OS process, or name of the node
    #[arg(value_name = "PID|NODE")]
    node: String,
    /// The cookie of the node; other users of this host can see it while the command runs
    #[arg(long)]
    cookie: Option<String>,
    /// Try a node that is not seen on this host, too, though nobody can look whether it has room
    #[arg(long)]
    unseen: bool,
}

impl WhichNode {
    fn connect(&self) -> Result<(Target, Remote), String> {
        let target = Target::find(&self.node, self.cookie.as_deref(), self.unseen)?;
        let remote = Remote::connect(&target.address, &target.cookie)?;
        Ok((target, remote))
    }
}

/// The environment key by which an attached headroom is known, with its folder.
const ATTACHED: &str = "attached";

impl Attach {
    pub fn run(self) -> ExitCode {
        match self.attach() {
            Ok(text) => say(&text, 0),
            Err(why) => failed(&why),
        }
    }

    fn attach(&self) -> Result<String, String> {
        let (target, mut remote) = self.node.connect()?;
        let mut out = String::new();
        if is_loaded(&mut remote)? {
            out.push_str(&format!("{} has headroom already\n", target.address.node));
        } else {
            let before = Counts::of(&mut remote, &target)?;
            let folder = self.load(&mut remote)?;
            let after = Counts::of(&mut remote, &target)?;
            out.push_str(&format!(
                "attached to {}: files in {folder}; `headroom detach {}` takes it out again\n{}",
                target.address.node,
                self.node.node,
                after.since(&before)
            ));
        }
        out.push('\n');
        out.push_str(&answer(&mut remote, "report_text", Vec::new())?);
        let holders = remote.call("headroom_inventory", "text", vec![remote::empty_map()])?;
        if let Some(holders) = text(&holders) {
            out.push('\n');
            out.push_str(&holders);
        }
        if let Some(reason) = &self.explain {
            out.push('\n');
            out.push_str(&answer(
                &mut remote,
                "explain_text",
                vec![binary(reason.as_bytes())],
            )?);
        }
        Ok(out)
    }

    /// Puts it into the node and starts it; what was done until a failure is taken back.
    fn load(&self, remote: &mut Remote) -> Result<String, String> {
        let release = text(&remote.call("erlang", "system_info", vec![atom("otp_release")])?);
        let release: u32 = release
            .and_then(|release| release.parse().ok())
            .ok_or("the node does not tell its release")?;
        let set = payload::set_for(release)?;
        let folder = place::library(remote, payload::LIBRARY, |remote, folder| {
            remote.done("code", "add_pathz", vec![string(&format!("{folder}/ebin"))])?;
            let (_, nif) = set
                .modules
                .iter()
                .find(|(module, _)| *module == NIF)
                .ok_or("no library module")?;
            load(remote, NIF, nif)?;
            library_status(remote)
        })?;
        self.start(remote, set, &folder).inspect_err(|_| {
            let _ = remove(remote, &folder);
        })?;
        Ok(folder)
    }

    fn start(&self, remote: &mut Remote, set: &payload::Set, folder: &str) -> Result<(), String> {
        let resource = remote::decode(set.resource)?;
        remote.done("application", "load", vec![resource])?;
        // Options that its configuration has for a headroom of its own release: one of them can halt the node.
        let options = remote.call("application", "get_all_env", vec![atom("headroom")])?;
        for key in remote::keys(&options) {
            remote.done(
                "application",
                "unset_env",
                vec![atom("headroom"), atom(&key)],
            )?;
        }
        let mut option = |key, value| {
            remote.done(
                "application",
                "set_env",
                vec![atom("headroom"), atom(key), value],
            )
        };
        option(ATTACHED, binary(folder.as_bytes()))?;
        option("preload", atom(if self.preload { "true" } else { "false" }))?;
        option("signal", atom("false"))?;
        for (module, code) in set.modules.iter().filter(|(module, _)| *module != NIF) {
            load(remote, module, code)?;
        }
        remote.done("application", "start", vec![atom("headroom")])
    }
}

impl Detach {
    pub fn run(self) -> ExitCode {
        match self.detach() {
            Ok(text) => say(&text, 0),
            Err(why) => failed(&why),
        }
    }

    fn detach(&self) -> Result<String, String> {
        let (target, mut remote) = self.node.connect()?;
        let node = &target.address.node;
        let folder = attached_folder(&mut remote)?.ok_or_else(|| match is_loaded(&mut remote) {
            Ok(true) => format!(
                "{node} has a headroom that was not attached: it belongs to its release and stays"
            ),
            _ => format!("{node} has no headroom"),
        })?;
        let before = Counts::of(&mut remote, &target)?;
        remove(&mut remote, &folder)?;
        let after = Counts::of(&mut remote, &target)?;
        let left = leftovers(&mut remote, &target)?;
        if !left.is_empty() {
            return Err(format!("{node} still has {}", left.join(", ")));
        }
        Ok(format!(
            "detached from {node}: no process, name, descriptor, library, file or persistent term of headroom is left\n{}",
            after.since(&before)
        ))
    }
}

/// The module that loads the library.
const NIF: &str = "headroom_nif";

fn is_loaded(remote: &mut Remote) -> Result<bool, String> {
    let loaded = remote.call("erlang", "module_loaded", vec![atom("headroom")])?;
    Ok(remote::is_atom(&loaded, "true"))
}

fn attached_folder(remote: &mut Remote) -> Result<Option<String>, String> {
    let value = remote.call(
        "application",
        "get_env",
        vec![atom("headroom"), atom(ATTACHED)],
    )?;
    Ok(remote::second(&value).and_then(text))
}

fn load(remote: &mut Remote, module: &str, code: &[u8]) -> Result<(), String> {
    let arguments = vec![
        atom(module),
        string(&format!("{module}.beam")),
        binary(code),
    ];
    let answer = remote.call("code", "load_binary", arguments)?;
    match remote::first(&answer) {
        Some(word) if remote::is_atom(word, "module") => Ok(()),
        _ => Err(format!("the node does not load {module}: {answer}")),
    }
}

/// Whether the library was loaded with its module, or what the dynamic linker said.
fn library_status(remote: &mut Remote) -> Result<(), String> {
    let status = remote.call(NIF, "load_status", Vec::new())?;
    if remote::is_atom(&status, "ok") {
        return Ok(());
    }
    // {error, {nif_not_loaded, {load_failed, Text}}}
    let reason = remote::second(&status)
        .and_then(remote::second)
        .and_then(remote::second)
        .and_then(text);
    Err(reason.unwrap_or_else(|| status.to_string()))
}

/// What a function of headroom answers as text.
fn answer(
    remote: &mut Remote,
    function: &str,
    arguments: Vec<eetf::Term>,
) -> Result<String, String> {
    let answer = remote.call("headroom", function, arguments)?;
    text(&answer).ok_or_else(|| format!("headroom:{function} answered {answer}"))
}

/// Stops it, forgets it, deletes its code and its files: in this order, since what runs uses what is loaded.
fn remove(remote: &mut Remote, folder: &str) -> Result<(), String> {
    // Each may have been done, or never begun: what is left is looked for afterwards.
    let _ = remote.call("application", "stop", vec![atom("headroom")]);
    let _ = remote.call("headroom_app", "forget", Vec::new());
    let modules = remote.call(
        "application",
        "get_key",
        vec![atom("headroom"), atom("modules")],
    )?;
    let mut modules: Vec<String> = remote::second(&modules)
        .map(remote::atoms)
        .unwrap_or_default();
    if modules.is_empty() {
        modules.push(NIF.into());
    }
    let _ = remote.call("application", "unload", vec![atom("headroom")]);
    for module in &modules {
        for function in ["purge", "delete", "purge"] {
            remote.call("code", function, vec![atom(module)])?;
        }
    }
    place::clear(remote, folder)
}

/// What should be gone and is not.
fn leftovers(remote: &mut Remote, target: &Target) -> Result<Vec<String>, String> {
    let mut left = Vec::new();
    let names = remote.call("erlang", "registered", Vec::new())?;
    let names = remote::atoms(&names);
    left.extend(
        names
            .into_iter()
            .filter(|name| name.starts_with("headroom"))
            .map(|name| format!("the process {name}")),
    );
    if is_loaded(remote)? {
        left.push("its modules".into());
    }
    let terms = remote.call("persistent_term", "get", vec![atom(NIF), atom("none")])?;
    if !remote::is_atom(&terms, "none") {
        left.push("a persistent term".into());
    }
    if target.node.as_ref().is_some_and(|node| node.has_headroom()) {
        left.push("the library in its memory".into());
    }
    Ok(left)
}

/// What a node has, to be compared.
struct Counts(Vec<(&'static str, Option<u64>)>);

impl Counts {
    fn of(remote: &mut Remote, target: &Target) -> Result<Counts, String> {
        let mut info = |key| {
            Ok::<_, String>(count(&remote.call(
                "erlang",
                "system_info",
                vec![atom(key)],
            )?))
        };
        let mut counts = vec![
            ("processes", info("process_count")?),
            ("ports", info("port_count")?),
            ("atoms", info("atom_count")?),
        ];
        let modules = remote.call("code", "all_loaded", Vec::new())?;
        counts.push(("modules", Some(remote::length(&modules) as u64)));
        let code = remote.call("erlang", "memory", vec![atom("code")])?;
        counts.push(("code bytes", count(&code)));
        let open = target
            .node
            .as_ref()
            .and_then(|node| node.facts().fds.open.get());
        counts.insert(0, ("descriptors", open));
        Ok(Counts(counts))
    }

    /// A line for what was before and is now; the connection of this command is in both.
    fn since(&self, before: &Counts) -> String {
        let mut text = String::new();
        for ((name, now), (_, before)) in self.0.iter().zip(&before.0) {
            if let (Some(now), Some(before)) = (now, before) {
                let change = i128::from(*now) - i128::from(*before);
                text.push_str(&format!(
                    "  {name:<12} {before:>10} -> {now:>10}  ({change:+})\n"
                ));
            }
        }
        text
    }
}

/// Of a file that a node's user alone may read.
fn private(remote: &mut Remote, path: &str) -> Result<(), String> {
    remote.done("file", "change_mode", vec![string(path), number(0o700)])
}
