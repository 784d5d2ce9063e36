//! Finds the files that decide the next start, and hands each to its reader.

use headroom_facts::configured::{Configured, Reaches, Runs, Setting};
use headroom_facts::release::Release;

use super::shell::{self, Assignment};
use super::tree::{File, Tree};
use super::{containers, flags, kernel, systemd, variables};

/// Folders of a machine in which releases are kept.
const HOMES: [&str; 4] = ["opt", "app", "srv", "etc"];
/// Folders that hold no configuration of a start, and many files.
const SKIPPED: [&str; 17] = [
    "site-packages",
    "dist-packages",
    "__pycache__",
    "proc",
    "sys",
    "dev",
    "run",
    "tmp",
    "node_modules",
    "_build",
    "deps",
    "target",
    ".git",
    "share",
    "doc",
    "cache",
    "lib64",
];
/// How many entries are looked at, and how deep: no release or project has its configuration further down.
const ENTRIES: usize = 200_000;
const DEPTH: usize = 10;

/// Everything below a root.
pub fn collect(tree: Tree) -> Configured {
    let mut into = Configured::default();
    systemd::read(&tree, &mut into);
    kernel::read(&tree, &mut into);
    ejabberd(&tree, &mut into);
    rabbitmq(&tree, &mut into);
    logins(&tree, &mut into);
    if let Some(file) = tree.read("etc/docker/daemon.json") {
        containers::engine(&tree, &file, &mut into);
    }
    let mut left = ENTRIES;
    if tree.is_this_machine() {
        HOMES
            .iter()
            .for_each(|home| walk(&tree, home, DEPTH, &mut left, &mut into));
    } else {
        walk(&tree, "", DEPTH, &mut left, &mut into);
    }
    into.release = release(&tree);
    order(&mut into);
    one_node(&mut into);
    into.unread = tree.unread();
    into
}

/// The emulator takes ERL_AFLAGS before the files of flags, and the other variables after them.
fn order(into: &mut Configured) {
    into.flags
        .sort_by_key(|flag| match flag.set.at.file.rsplit('/').next() {
            Some(name) if name.starts_with("vm.args") => 1,
            _ => 2,
        });
}

/// Where one node is started and one set of flags lies beside it, they belong together.
fn one_node(into: &mut Configured) {
    let nodes = into
        .units
        .iter()
        .filter(|unit| unit.runs == Runs::Beam)
        .map(|unit| unit.scope.clone());
    let containers = into
        .containers
        .iter()
        .filter(|container| container.runs == Runs::Beam)
        .map(|container| container.scope.clone());
    let started: std::collections::BTreeSet<String> = nodes.chain(containers).collect();
    let flags = into.flags.iter().map(|flag| flag.scope.clone());
    let sized: std::collections::BTreeSet<String> = flags
        .chain(into.variables.iter().map(|variable| variable.scope.clone()))
        .collect();
    let (Some(node), 1, 1) = (started.first(), started.len(), sized.len()) else {
        return;
    };
    into.flags
        .iter_mut()
        .for_each(|flag| flag.scope.clone_from(node));
    into.variables
        .iter_mut()
        .for_each(|variable| variable.scope.clone_from(node));
}

/// ejabberdctl reads its file and exports what it needs.
fn ejabberd(tree: &Tree, into: &mut Configured) {
    for path in [
        "etc/ejabberd/ejabberdctl.cfg",
        "etc/default/ejabberd",
        "opt/ejabberd/conf/ejabberdctl.cfg",
    ] {
        if let Some(file) = tree.read_once(path) {
            for Assignment { set, .. } in shell::assignments(tree, &file) {
                variables::take(tree, set, "ejabberd", Reaches::Emulator, into);
            }
        }
    }
    const NO_SHELL: &str = "ejabberd reads no such option here; ejabberdctl.cfg has it";
    nobody(tree, "etc/ejabberd/ejabberd.yml", NO_SHELL, into);
}

/// The script of RabbitMQ reads rabbitmq-env.conf into itself: its own names need no export, those of the emulator do.
fn rabbitmq(tree: &Tree, into: &mut Configured) {
    if let Some(file) = tree.read_once("etc/rabbitmq/rabbitmq-env.conf") {
        for Assignment { set, exported } in shell::assignments(tree, &file) {
            let own = set.key.starts_with("RABBITMQ_") || set.key.starts_with("SERVER_");
            let reaches = if own || exported {
                Reaches::Emulator
            } else {
                Reaches::ShellOnly
            };
            variables::take(tree, set, "rabbitmq", reaches, into);
        }
    }
    const NO_SHELL: &str = "RabbitMQ has no such setting; rabbitmq-env.conf takes it, with export";
    nobody(tree, "etc/rabbitmq/rabbitmq.conf", NO_SHELL, into);
    nobody(tree, "etc/rabbitmq/advanced.config", NO_SHELL, into);
    let unit = into
        .units
        .iter()
        .find(|unit| unit.name == "rabbitmq-server.service");
    let reads = unit.is_some_and(|unit| {
        unit.service("EnvironmentFile")
            .any(|setting| setting.value.ends_with("default/rabbitmq-server"))
    });
    if let (true, Some(file)) = (
        unit.is_some() && !reads,
        tree.read_once("etc/default/rabbitmq-server"),
    ) {
        const INIT: &str = "the init script reads this file, systemd's unit does not";
        for Assignment { set, .. } in shell::assignments(tree, &file) {
            variables::take(tree, set, "rabbitmq", Reaches::Nobody(INIT), into);
        }
        for (index, line) in file.text.lines().enumerate() {
            if line.trim_start().starts_with("ulimit ") {
                let set = Setting {
                    key: "ulimit".into(),
                    value: line.trim().into(),
                    at: file.at(index + 1),
                };
                let variable = headroom_facts::configured::Variable {
                    scope: "rabbitmq".into(),
                    set,
                    reaches: Reaches::Nobody(INIT),
                };
                into.variables.push(variable);
            }
        }
    }
}

/// Files that a login reads, and a service does not.
fn logins(tree: &Tree, into: &mut Configured) {
    const LOGIN: &str = "a login reads this file, a service does not";
    nobody(tree, "etc/environment", LOGIN, into);
    nobody(tree, "etc/profile", LOGIN, into);
    for (name, _) in tree.list("etc/profile.d") {
        nobody(tree, &format!("etc/profile.d/{name}"), LOGIN, into);
    }
}

/// Names of variables in a file that none of them is read from. It need not be a file of a shell.
fn nobody(tree: &Tree, path: &str, why: &'static str, into: &mut Configured) {
    let Some(file) = tree.read_once(path) else {
        return;
    };
    for (index, line) in file.text.lines().enumerate() {
        let line = line.trim_start().trim_start_matches("export ");
        let Some((key, value)) = line.split_once(['=', ':']) else {
            continue;
        };
        if variables::matters(key.trim()) {
            let set = Setting {
                key: key.trim().into(),
                value: value.trim().into(),
                at: file.at(index + 1),
            };
            variables::take(tree, set, path, Reaches::Nobody(why), into);
        }
    }
}

fn walk(tree: &Tree, folder: &str, depth: usize, left: &mut usize, into: &mut Configured) {
    for (name, is_folder) in tree.list(folder) {
        let Some(fewer) = left.checked_sub(1) else {
            return tree.not_read(
                folder,
                format!("only the first {ENTRIES} entries were looked at"),
            );
        };
        *left = fewer;
        let path = if folder.is_empty() {
            name.clone()
        } else {
            format!("{folder}/{name}")
        };
        if is_folder {
            if SKIPPED.contains(&name.as_str()) {
                continue;
            }
            if depth > 0 {
                walk(tree, &path, depth - 1, left, into);
            }
        } else {
            file(tree, folder, &name, &path, into);
        }
    }
}

fn file(tree: &Tree, folder: &str, name: &str, path: &str, into: &mut Configured) {
    let scope = home(folder);
    let read = || tree.read_once(path);
    match name {
        "vm.args" | "vm.args.eex" | "vm.args.src" | "remote.vm.args" => {
            // The flags of a remote shell size nothing.
            if let (true, Some(file)) = (!name.starts_with("remote"), read()) {
                flags::file(tree, &file, &scope, into);
            }
        }
        "env.sh" | "env.sh.eex" => {
            if let Some(file) = read() {
                for Assignment { set, exported } in shell::assignments(tree, &file) {
                    let reaches = if exported {
                        Reaches::Emulator
                    } else {
                        Reaches::ShellOnly
                    };
                    variables::take(tree, set, &scope, reaches, into);
                }
            }
        }
        _ if name == "Dockerfile"
            || name == "Containerfile"
            || name.starts_with("Dockerfile.")
            || name.ends_with(".Dockerfile") =>
        {
            if let Some(file) = read() {
                containers::dockerfile(tree, &file, &scope, into);
            }
        }
        _ if name.ends_with(".yml") || name.ends_with(".yaml") => {
            if let Some(file) = read().filter(is_of_containers) {
                containers::yaml(tree, &file, &scope, into);
            }
        }
        _ => {}
    }
}

/// Other YAML is no matter of this command.
fn is_of_containers(file: &File) -> bool {
    let name = file.name.rsplit('/').next().unwrap_or_default();
    let has = |key: &str| {
        file.text
            .lines()
            .any(|line| line.trim_start_matches("- ").starts_with(key))
    };
    name.contains("compose") || has("services:") || (has("apiVersion:") && has("kind:"))
}

/// The folder of a release or project that a file belongs to: `opt/app/releases/1.0` is `opt/app`, `rel` is the folder
/// around it, `etc/emqx` is `emqx`.
fn home(folder: &str) -> String {
    let parts: Vec<&str> = folder.split('/').collect();
    let home = match parts.as_slice() {
        ["etc", name] => return (*name).into(),
        [home @ .., "releases", _] | [home @ .., "rel" | "config" | "etc"] => home,
        home => home,
    };
    home.join("/")
}

/// The release of OTP that is installed below the root.
fn release(tree: &Tree) -> Option<Release> {
    let roots = ["usr/lib/erlang", "usr/local/lib/erlang", "opt/erlang"];
    let found = roots
        .iter()
        .flat_map(|root| tree.list(&format!("{root}/releases")));
    let numbers = found.filter_map(|(name, is_folder)| {
        (is_folder && name.bytes().all(|byte| byte.is_ascii_digit())).then_some(name)
    });
    numbers.map(|name| Release::parse(&name)).max()
}
