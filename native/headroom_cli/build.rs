//! Puts what `attach` carries into the command: `HEADROOM_PAYLOAD` names a folder with the library `headroom_nif.so` and one
//! folder of beams for each release of OTP that compiled them, as `script/attach` makes it.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() {
    println!("cargo:rerun-if-env-changed=HEADROOM_PAYLOAD");
    println!("cargo:rerun-if-changed=build.rs");
    if env::var_os("CARGO_FEATURE_ATTACH").is_none() {
        return;
    }
    let code = match env::var_os("HEADROOM_PAYLOAD").map(PathBuf::from) {
        Some(folder) => payload(&folder),
        None => "pub const LIBRARY: &[u8] = &[];\npub const SETS: &[Set] = &[];\n".into(),
    };
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it")).join("payload.rs");
    fs::write(out, code).expect("OUT_DIR can be written to");
}

fn payload(folder: &Path) -> String {
    println!("cargo:rerun-if-changed={}", folder.display());
    let mut code = format!(
        "pub const LIBRARY: &[u8] = {};\n",
        include(&folder.join("headroom_nif.so"))
    );
    code.push_str("pub const SETS: &[Set] = &[\n");
    for set in entries(folder).iter().filter(|entry| entry.is_dir()) {
        let release = name(set);
        let resource = include(&set.join("headroom.etf"));
        writeln!(
            code,
            "Set {{ release: {release}, resource: {resource}, modules: &["
        )
        .expect("to a string");
        for beam in entries(set)
            .iter()
            .filter(|file| file.extension().is_some_and(|end| end == "beam"))
        {
            let module = beam
                .file_stem()
                .expect("it has an extension")
                .to_string_lossy();
            writeln!(code, "({module:?}, {}),", include(beam)).expect("to a string");
        }
        code.push_str("] },\n");
    }
    code + "];\n"
}

fn include(file: &Path) -> String {
    let file = file
        .canonicalize()
        .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    format!("include_bytes!({file:?})")
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let read = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut entries: Vec<PathBuf> = read
        .map(|entry| entry.expect("a folder that can be read").path())
        .collect();
    entries.sort();
    entries
}

fn name(path: &Path) -> String {
    path.file_name()
        .expect("an entry of a folder")
        .to_string_lossy()
        .into_owned()
}
