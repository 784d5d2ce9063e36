//! What files say about the next start: settings with the file and line that they stand in. Whoever reads the files fills
//! it in; nothing here is judged.

use crate::release::Release;

/// A line of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Spot {
    /// The file, as it is called below the folder that was asked about.
    pub file: String,
    /// Its line, from 1 on.
    pub line: u32,
}

/// A setting and where it stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Setting {
    /// What is set.
    pub key: String,
    /// To what, as it is written.
    pub value: String,
    /// Where.
    pub at: Spot,
}

/// All that was found.
#[derive(Clone, Debug, Default)]
pub struct Configured {
    /// Services of systemd, each with its drop-ins.
    pub units: Vec<Unit>,
    /// Lines of limits.conf and limits.d.
    pub limits: Vec<LimitsLine>,
    /// Assignments of sysctl files, in the order in which they take effect.
    pub sysctls: Vec<Sysctl>,
    /// Flags of the emulator.
    pub flags: Vec<Flag>,
    /// Variables.
    pub variables: Vec<Variable>,
    /// Containers: images, services of compose, pods, and the default of the engine.
    pub containers: Vec<Container>,
    /// What could not be read, or not be understood.
    pub unread: Vec<Unread>,
    /// The kernel that runs, where its own files were asked about.
    pub kernel: Option<Kernel>,
    /// The release of OTP that runs there, where it shows.
    pub release: Option<Release>,
}

/// Numbers of the kernel that runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kernel {
    /// `fs.nr_open`.
    pub nr_open: Option<u64>,
    /// `fs.file-max`.
    pub file_max: Option<u64>,
}

/// A service of systemd.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unit {
    /// Its name.
    pub name: String,
    /// Its first file.
    pub at: Spot,
    /// What it runs.
    pub runs: Runs,
    /// The flags and variables that belong to it have this scope, too.
    pub scope: String,
    /// Assignments with their section, drop-ins last.
    pub settings: Vec<(String, Setting)>,
}

impl Unit {
    /// Assignments of a key in `[Service]`, the last one last.
    pub fn service<'a>(
        &'a self,
        key: &'a str,
    ) -> impl DoubleEndedIterator<Item = &'a Setting> + 'a {
        let of_key = move |(section, setting): &&(String, Setting)| {
            section == "Service" && setting.key == key
        };
        self.settings
            .iter()
            .filter(of_key)
            .map(|(_, setting)| setting)
    }
}

/// What a service or container runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Runs {
    /// A node.
    Beam,
    /// A container engine, whose limits its containers inherit.
    Engine,
    /// Something else.
    #[default]
    Other,
}

/// A line of limits.conf.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LimitsLine {
    /// Domain, type, item and value, as many as there are.
    pub fields: Vec<String>,
    /// Where.
    pub at: Spot,
}

/// An assignment of a sysctl file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sysctl {
    /// With dots.
    pub set: Setting,
    /// Whether it is read when the machine boots.
    pub at_boot: bool,
}

/// A flag of the emulator.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flag {
    /// What it belongs to.
    pub scope: String,
    /// `+Q`, and its value.
    pub set: Setting,
}

/// A variable.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Variable {
    /// What it belongs to.
    pub scope: String,
    /// Name and value.
    pub set: Setting,
    /// Whether it reaches the emulator.
    pub reaches: Reaches,
}

/// Whether a variable reaches the emulator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reaches {
    /// It does.
    #[default]
    Emulator,
    /// The shell that reads the file does not export it.
    ShellOnly,
    /// Nothing that starts the node reads this file; the words say who does.
    Nobody(&'static str),
}

/// A container, or what gives one its limits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Container {
    /// What it is called in a sentence.
    pub what: String,
    /// Where it begins.
    pub at: Spot,
    /// What it belongs to.
    pub scope: String,
    /// What it runs.
    pub runs: Runs,
    /// Soft and hard limit of descriptors, as written.
    pub nofile: Option<(Setting, Setting)>,
    /// Whether it raises the soft limit itself before the node starts.
    pub raises: bool,
    /// Kernel settings that it asks for.
    pub sysctls: Vec<Setting>,
    /// Limits that are set while the image is built, or in fields that do not exist.
    pub in_vain: Vec<Setting>,
    /// The kind of it.
    pub kind: ContainerKind,
}

/// The kind of a container.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ContainerKind {
    /// A Dockerfile.
    #[default]
    Image,
    /// A service of a compose file.
    Compose,
    /// A container of a pod.
    Pod,
    /// The default of a container engine (daemon.json).
    Engine,
}

/// A file, or a line of one, that could not be taken in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unread {
    /// Where; line 0 is the whole file.
    pub at: Spot,
    /// Why.
    pub why: String,
    /// Whether it is the whole file that was not read; otherwise a line was read and not understood.
    pub whole: bool,
}
