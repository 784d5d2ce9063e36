//! `headroom attach` and `headroom detach`: headroom into a running node that does not have it, and out again, over the
//! distribution and from a host without Erlang.

mod counts;
mod look;
mod payload;
mod place;
mod remote;

use std::process::ExitCode;

use clap::Args;
use headroom_core::snapshot::SCHEMA;
use indicatif::ProgressBar;
use serde::Serialize;
use serde_json::Value;

use crate::progress::bar;
use crate::say::{failed, say};
use counts::Counts;
use look::Target;
use remote::{atom, binary, number, string, text, Remote};

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
    /// Print JSON
    #[arg(long)]
    json: bool,
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
    /// Print JSON
    #[arg(long)]
    json: bool,
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
/// Another, with what the node had before.
const BEFORE: &str = "attached_counts";

/// What `attach --json` says.
#[derive(Serialize)]
struct Attached {
    schema: u32,
    node: String,
    /// False if it was there already.
    attached: bool,
    folder: Option<String>,
    before: Option<Counts>,
    after: Option<Counts>,
    snapshot: Value,
    inventory: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    explanation: Option<String>,
}

/// What `detach --json` says.
#[derive(Serialize)]
struct Detached {
    schema: u32,
    node: String,
    /// Before headroom came, if the one who put it there counted.
    before: Option<Counts>,
    after: Counts,
}

fn json(what: &impl Serialize) -> Result<String, String> {
    let json = serde_json::to_string(what).map_err(|error| error.to_string())?;
    Ok(json + "\n")
}

impl Attach {
    pub fn run(self) -> ExitCode {
        match self.attach() {
            Ok(text) => say(&text, 0),
            Err(why) => failed(&why),
        }
    }

    fn attach(&self) -> Result<String, String> {
        let steps = bar(STEPS, false, "{bar:30} {msg}");
        let said = self.attach_by(&steps);
        steps.finish_and_clear();
        said
    }

    fn attach_by(&self, steps: &ProgressBar) -> Result<String, String> {
        steps.set_message("connecting");
        let (target, mut remote) = self.node.connect()?;
        let done = if is_loaded(&mut remote)? {
            None
        } else {
            let before = Counts::of(&mut remote, &target)?;
            let folder = self.load(&mut remote, &before, steps)?;
            let after = Counts::of(&mut remote, &target)?;
            Some((folder, before, after))
        };
        steps.set_message("asking");
        let explanation = match &self.explain {
            Some(reason) => {
                let reason = vec![binary(reason.as_bytes())];
                Some(answer(&mut remote, "headroom", "explain_text", reason)?)
            }
            None => None,
        };
        let node = target.address.node;
        if self.json {
            let mut asked = |module, function, argument| {
                let said = answer(&mut remote, module, function, vec![argument])?;
                serde_json::from_str(&said).map_err(|error| error.to_string())
            };
            let snapshot = asked("headroom", "snapshot", atom("json"))?;
            let inventory = asked("headroom_inventory", "json", remote::empty_map())?;
            let attached = done.is_some();
            let (folder, before, after) = done
                .map_or((None, None, None), |(folder, before, after)| {
                    (Some(folder), Some(before), Some(after))
                });
            return json(&Attached {
                schema: SCHEMA,
                node,
                attached,
                folder,
                before,
                after,
                snapshot,
                inventory,
                explanation,
            });
        }
        let said = match done {
            None => format!("{node} has headroom already\n"),
            Some((folder, before, after)) => format!(
                "attached to {node}: files in {folder}; `headroom detach {}` takes it out again\n{}",
                self.node.node,
                after.since(&before)
            ),
        };
        let report = answer(&mut remote, "headroom", "report_text", Vec::new())?;
        // Somebody else looks at this moment: that is no failure of what was attached.
        let holders = answer(
            &mut remote,
            "headroom_inventory",
            "text",
            vec![remote::empty_map()],
        )
        .unwrap_or_else(|why| why + "\n");
        let parts = [Some(said), Some(report), Some(holders), explanation];
        Ok(Vec::from_iter(parts.into_iter().flatten()).join("\n"))
    }

    /// Puts it into the node and starts it; what was done until a failure is taken back.
    fn load(
        &self,
        remote: &mut Remote,
        before: &Counts,
        steps: &ProgressBar,
    ) -> Result<String, String> {
        let release = text(&remote.call("erlang", "system_info", vec![atom("otp_release")])?);
        let release: u32 = release
            .and_then(|release| release.parse().ok())
            .ok_or("the node does not tell its release")?;
        let set = payload::set_for(release)?;
        steps.set_length(STEPS + set.modules.len() as u64);
        steps.set_message("writing the library");
        let folder = place::library(remote, payload::LIBRARY, |remote, folder| {
            // Before whatever the release has under this name: the folder of the library is found by the first.
            remote.done("code", "add_patha", vec![string(&format!("{folder}/ebin"))])?;
            let (_, nif) = set
                .modules
                .iter()
                .find(|(module, _)| *module == NIF)
                .ok_or("no library module")?;
            load(remote, NIF, nif)?;
            library_status(remote)
        })?;
        steps.inc(1);
        self.start(remote, set, &folder, before, steps)
            .inspect_err(|_| {
                let _ = remove(remote, &folder);
            })?;
        Ok(folder)
    }

    fn start(
        &self,
        remote: &mut Remote,
        set: &payload::Set,
        folder: &str,
        before: &Counts,
        steps: &ProgressBar,
    ) -> Result<(), String> {
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
        option(BEFORE, binary(&before.encode()?))?;
        option("preload", atom(if self.preload { "true" } else { "false" }))?;
        option("signal", atom("false"))?;
        for (module, code) in set.modules.iter().filter(|(module, _)| *module != NIF) {
            steps.set_message(*module);
            load(remote, module, code)?;
            steps.inc(1);
        }
        steps.set_message("starting");
        remote.done("application", "start", vec![atom("headroom")])?;
        steps.inc(1);
        Ok(())
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
        let folder =
            environment(&mut remote, ATTACHED)?.ok_or_else(|| match is_loaded(&mut remote) {
                Ok(true) => format!(
                "{node} has a headroom that was not attached: it belongs to its release and stays"
            ),
                _ => format!("{node} has no headroom"),
            })?;
        let before = environment(&mut remote, BEFORE)?;
        let before = before.and_then(|counts| Counts::decode(&counts));
        remove(&mut remote, &folder)?;
        let after = Counts::of(&mut remote, &target)?;
        let left = leftovers(&mut remote, &target)?;
        if !left.is_empty() {
            return Err(format!("{node} still has {}", left.join(", ")));
        }
        if self.json {
            return json(&Detached {
                schema: SCHEMA,
                node: node.clone(),
                before,
                after,
            });
        }
        // Another user's memory is not to be looked at, nor that of another host.
        let looked = if after.sees_libraries() {
            "no process, name, descriptor, library, file or persistent term of headroom is left"
        } else {
            "no process, name, file or persistent term of headroom is left; whether its library is unmapped shows to the node's user"
        };
        let compared =
            before.map(|before| format!("{}{}\n", after.since(&before), after.stays(&before)));
        Ok(format!(
            "detached from {node}: {looked}\n{}",
            compared.unwrap_or_default()
        ))
    }
}

/// To write the library, to start and to ask: what is done besides the loading of each module.
const STEPS: u64 = 3;

/// The module that loads the library.
const NIF: &str = "headroom_nif";

fn is_loaded(remote: &mut Remote) -> Result<bool, String> {
    let loaded = remote.call("erlang", "module_loaded", vec![atom("headroom")])?;
    Ok(remote::is_atom(&loaded, "true"))
}

/// What `attach` left in the environment of the application.
fn environment(remote: &mut Remote, key: &str) -> Result<Option<String>, String> {
    let value = remote.call("application", "get_env", vec![atom("headroom"), atom(key)])?;
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
    module: &str,
    function: &str,
    arguments: Vec<eetf::Term>,
) -> Result<String, String> {
    let answer = remote.call(module, function, arguments)?;
    text(&answer).ok_or_else(|| format!("{module}:{function} answered {answer}"))
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

/// Of a file that a node's user alone may read.
fn private(remote: &mut Remote, path: &str) -> Result<(), String> {
    remote.done("file", "change_mode", vec![string(path), number(0o700)])
}
