//! Images, compose files, pods, and the default of a container engine.

use std::rc::Rc;

use headroom_facts::configured::{
    Configured, Container, ContainerKind, Reaches, Runs, Setting, Spot,
};
use parse_dockerfile::{Command, Instruction};

use super::tree::{File, Tree};
use super::yaml::{self, Is, Node};
use super::{runs, variables};

/// Reads a Dockerfile; its last stage is what is started.
pub fn dockerfile(tree: &Tree, file: &File, scope: &str, into: &mut Configured) {
    let parsed = match parse_dockerfile::parse(&file.text) {
        Ok(parsed) => parsed,
        Err(error) => return tree.not_understood(file.at(error.line()), error.to_string()),
    };
    let line = |offset: usize| {
        file.text[..offset.min(file.text.len())]
            .matches('\n')
            .count()
            + 1
    };
    let Some(stage) = parsed.stages().last() else {
        return;
    };
    let mut container = Container {
        what: file.name.clone(),
        at: file.at(line(stage.from.from.span.start)),
        scope: scope.into(),
        runs: runs_node(runs::is_node(&file.text)),
        kind: ContainerKind::Image,
        ..Container::default()
    };
    for instruction in stage.instructions {
        match instruction {
            Instruction::Run(run) => {
                let (text, at) = command(&run.arguments);
                for step in text
                    .split(['\n', ';', '&', '|'])
                    .map(str::trim)
                    .filter(|step| is_limit(step))
                {
                    let set = Setting {
                        key: "RUN".into(),
                        value: step.trim_end_matches('\\').trim().into(),
                        at: file.at(line(at)),
                    };
                    container.in_vain.push(set);
                }
            }
            Instruction::Entrypoint(entrypoint) => {
                container.raises |= raises(&command(&entrypoint.arguments).0)
            }
            Instruction::Cmd(cmd) => container.raises |= raises(&command(&cmd.arguments).0),
            Instruction::Env(env) => {
                let at = file.at(line(env.env.span.start));
                match shell_words::split(&env.arguments.value) {
                    Ok(words) => {
                        // `ENV NAME VALUE` is the old form.
                        let old = words
                            .first()
                            .filter(|first| !first.contains('='))
                            .map(|name| (name.clone(), words[1..].join(" ")));
                        let pairs = words
                            .iter()
                            .filter_map(|word| word.split_once('='))
                            .map(|(key, value)| (key.into(), value.into()));
                        let pairs: Vec<(String, String)> =
                            old.map_or_else(|| pairs.collect(), |old| vec![old]);
                        for (key, value) in pairs {
                            variables::take(
                                tree,
                                Setting {
                                    key,
                                    value,
                                    at: at.clone(),
                                },
                                scope,
                                Reaches::Emulator,
                                into,
                            );
                        }
                    }
                    Err(_) => tree.not_understood(at, "a quote that is never closed"),
                }
            }
            _ => {}
        }
    }
    into.containers.push(container);
}

fn command(command: &Command) -> (String, usize) {
    match command {
        Command::Exec(words) => {
            let all: Vec<&str> = words.value.iter().map(|word| word.value.as_ref()).collect();
            (all.join(" "), words.span.start)
        }
        Command::Shell(text) => (text.value.into(), text.span.start),
        _ => (String::new(), 0),
    }
}

/// A step of a build that sets a limit.
fn is_limit(step: &str) -> bool {
    let mut words = step.split_whitespace();
    let sets = match words.next() {
        Some("ulimit") => words.any(|word| word.starts_with('-') && word.contains('n')),
        Some("sysctl") => words.any(|word| word.contains('=')),
        _ => false,
    };
    sets || (step.contains("nofile") && step.contains("limits"))
}

fn raises(text: &str) -> bool {
    (text.contains("headroom") && text.contains("exec"))
        || text.contains("ulimit ")
        || text.contains("prlimit")
}

fn runs_node(node: bool) -> Runs {
    if node {
        Runs::Beam
    } else {
        Runs::Other
    }
}

/// Reads a compose file or the objects of a cluster, whichever the text is.
pub fn yaml(tree: &Tree, file: &File, scope: &str, into: &mut Configured) {
    let documents = match yaml::parse(&file.text) {
        Ok(documents) => documents,
        // A template of a chart is no YAML before it is rendered.
        Err(_) if file.text.contains("{{") => {
            return tree.not_read(&file.name, "it is a template: lint what it is rendered to")
        }
        Err((line, why)) => return tree.not_understood(file.at(line), why),
    };
    for document in &documents {
        if let Some(services) = document.get("services") {
            for (name, service) in services.pairs() {
                compose(tree, file, (name, service), scope, into);
            }
        } else if document.get("apiVersion").is_some() {
            objects(tree, file, document, into);
        }
    }
}

fn compose(
    tree: &Tree,
    file: &File,
    (name, service): (&Rc<Node>, &Rc<Node>),
    scope: &str,
    into: &mut Configured,
) {
    let name_text = name.text().unwrap_or_default();
    // What is built from this folder has the flags of this folder.
    let scope = if service.get("build").is_some() {
        scope.to_string()
    } else {
        format!("{scope}:{name_text}")
    };
    let limit = service.at(&["ulimits", "nofile"]);
    let nofile = limit.and_then(|limit| {
        let set = |node: &Rc<Node>| Some(setting("nofile", node.text()?, file.at(node.line)));
        let part = |key: &str| limit.get(key).and_then(set);
        let both = set(limit).map(|both| (both.clone(), both));
        both.or_else(|| part("soft").zip(part("hard")))
    });
    let started = ["image", "command", "entrypoint", "environment"]
        .iter()
        .filter_map(|key| service.get(key));
    let text: Vec<String> = started.map(|node| flat(node)).collect();
    let start = ["entrypoint", "command"]
        .iter()
        .filter_map(|key| service.get(key))
        .map(|node| flat(node));
    into.containers.push(Container {
        what: format!("service {name_text}"),
        at: file.at(name.line),
        scope: scope.clone(),
        runs: runs_node(text.iter().any(|text| runs::is_node(text))),
        nofile,
        raises: start.into_iter().any(|text| raises(&text)),
        sysctls: service
            .get("sysctls")
            .map_or_else(Vec::new, |node| pairs(file, node)),
        in_vain: Vec::new(),
        kind: ContainerKind::Compose,
    });
    if let Some(environment) = service.get("environment") {
        for set in pairs(file, environment) {
            variables::take(tree, set, &scope, Reaches::Emulator, into);
        }
    }
}

/// A map, or a list of `KEY=VALUE`.
fn pairs(file: &File, node: &Node) -> Vec<Setting> {
    let of_map = node.pairs().iter().filter_map(|(key, value)| {
        Some(setting(
            key.text()?,
            value.text().unwrap_or_default(),
            file.at(key.line),
        ))
    });
    let of_list = node.list().iter().filter_map(|item| {
        let (key, value) = item.text()?.split_once('=')?;
        Some(setting(key, value, file.at(item.line)))
    });
    of_map.chain(of_list).collect()
}

/// All scalars below a node, keys too, in one text; an alias may be met more than once, so there is a bound.
fn flat(node: &Node) -> String {
    fn walk(node: &Node, out: &mut String) {
        const MOST: usize = 64 << 10;
        if out.len() > MOST {
            return;
        }
        match &node.is {
            Is::Scalar(text) => {
                out.push_str(text);
                out.push(' ');
            }
            Is::List(all) => all.iter().for_each(|node| walk(node, out)),
            Is::Map(all) => all.iter().for_each(|(key, value)| {
                walk(key, out);
                walk(value, out);
            }),
        }
    }
    let mut out = String::new();
    walk(node, &mut out);
    out
}

/// Where the specification of a pod stands in the objects that have one.
const SPECIFICATIONS: [&[&str]; 3] = [
    &["spec", "jobTemplate", "spec", "template", "spec"],
    &["spec", "template", "spec"],
    &["spec"],
];

fn objects(tree: &Tree, file: &File, document: &Node, into: &mut Configured) {
    if let Some(items) = document.get("items") {
        items
            .list()
            .iter()
            .for_each(|item| objects(tree, file, item, into));
        return;
    }
    let name = document
        .at(&["metadata", "name"])
        .and_then(|name| name.text())
        .unwrap_or_default();
    let found = SPECIFICATIONS.iter().filter_map(|path| document.at(path));
    let Some(spec) = found
        .into_iter()
        .find(|spec| spec.get("containers").is_some())
    else {
        return;
    };
    let asked = spec.at(&["securityContext", "sysctls"]);
    let sysctls: Vec<Setting> = asked
        .map_or(&[][..], |node| node.list())
        .iter()
        .filter_map(|item| {
            Some(setting(
                item.get("name")?.text()?,
                item.get("value")?.text()?,
                file.at(item.line),
            ))
        })
        .collect();
    let containers = ["containers", "initContainers"]
        .iter()
        .filter_map(|key| spec.get(key))
        .flat_map(|all| all.list());
    for container in containers {
        let called = container
            .get("name")
            .and_then(|name| name.text())
            .unwrap_or_default();
        let scope = format!("{}:{name}:{called}", file.name);
        let start = ["command", "args"]
            .iter()
            .filter_map(|key| container.get(key))
            .map(|node| flat(node));
        into.containers.push(Container {
            what: format!("container {called} of {name}"),
            at: file.at(container.line),
            scope: scope.clone(),
            runs: runs_node(runs::is_node(&flat(container))),
            nofile: None,
            raises: start.into_iter().any(|text| raises(&text)),
            sysctls: sysctls.clone(),
            in_vain: [&**spec, &**container]
                .into_iter()
                .flat_map(|node| no_fields(file, node))
                .collect(),
            kind: ContainerKind::Pod,
        });
        let environment = container.get("env").map_or(&[][..], |env| env.list());
        for item in environment {
            if let (Some(key), Some(value)) = (
                item.get("name").and_then(|key| key.text()),
                item.get("value").and_then(|value| value.text()),
            ) {
                variables::take(
                    tree,
                    setting(key, value, file.at(item.line)),
                    &scope,
                    Reaches::Emulator,
                    into,
                );
            }
        }
    }
}

/// Fields that people look for and that a pod does not have.
fn no_fields(file: &File, node: &Node) -> Vec<Setting> {
    let maps = [
        Some(node),
        node.get("securityContext").map(|node| &**node),
        node.at(&["resources", "limits"]).map(|node| &**node),
    ];
    let keys = maps.into_iter().flatten().flat_map(Node::pairs);
    keys.filter(|(key, _)| {
        key.text().is_some_and(|key| {
            matches!(
                key.to_lowercase().as_str(),
                "ulimit" | "ulimits" | "nofile" | "rlimits"
            )
        })
    })
    .map(|(key, value)| {
        setting(
            key.text().unwrap_or_default(),
            value.text().unwrap_or_default(),
            file.at(key.line),
        )
    })
    .collect()
}

fn setting(key: &str, value: &str, at: Spot) -> Setting {
    Setting {
        key: key.into(),
        value: value.into(),
        at,
    }
}

/// The default of a container engine.
pub fn engine(tree: &Tree, file: &File, into: &mut Configured) {
    let json: serde_json::Value = match serde_json::from_str(&file.text) {
        Ok(json) => json,
        Err(error) => return tree.not_understood(file.at(error.line()), error.to_string()),
    };
    let Some(limit) = json.pointer("/default-ulimits/nofile") else {
        return;
    };
    let index = file
        .text
        .lines()
        .position(|line| line.contains("\"nofile\""))
        .unwrap_or(0);
    let part = |key: &str| {
        let value = limit.get(key).or_else(|| limit.get(key.to_lowercase()))?;
        Some(setting("nofile", &value.to_string(), file.at(index + 1)))
    };
    into.containers.push(Container {
        what: "every container of this engine".into(),
        at: file.at(index + 1),
        scope: file.name.clone(),
        runs: Runs::Beam,
        nofile: part("Soft").zip(part("Hard")),
        kind: ContainerKind::Engine,
        ..Container::default()
    });
}
