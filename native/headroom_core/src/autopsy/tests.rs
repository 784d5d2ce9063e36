//! Judgement of what dumps state; the dumps themselves are read in the command, and made by real nodes in its tests.

use headroom_facts::dump::Memory;

use super::*;

fn dump(slogan: &str) -> Dump {
    Dump {
        is_dump: true,
        complete: true,
        slogan: Some(slogan.into()),
        system_version: Some("Erlang/OTP 27 [erts-15.2.7] [source]".into()),
        atoms: Some(9000),
        atom_limit: Some(1_048_576),
        process_table_bytes: Some(12 * 1_048_576),
        port_table_bytes: Some(12 * 65_536),
        processes: Census {
            count: 50,
            groups: Vec::new(),
        },
        memory: Memory {
            total: Some(20_000_000),
            processes: Some(5_000_000),
            ..Memory::default()
        },
        ..Dump::default()
    }
}

const NO_MEMORY: &str = "eheap_alloc: Cannot allocate 900000 bytes of memory (of type \"heap\").";
const KERNEL: &str =
    "Kernel pid terminated (application_controller) (\"{application_terminated,kernel,shutdown}\")";

// A wrong cause sends a person to change a limit that had no part in it.
#[test]
fn each_death_has_its_cause() {
    use Cause::*;
    let full = |name| {
        let mut dump = dump(KERNEL);
        if name == Name::Processes {
            dump.process_table_bytes = Some(12 * 1024);
            dump.processes.count = 997;
        } else {
            dump.port_table_bytes = Some(12 * 1024);
            dump.ports.count = 1024;
        }
        dump
    };
    let mut huge = dump(NO_MEMORY);
    huge.port_table_bytes = Some(12 << 27);
    huge.memory.total = Some(2_174_623_496);
    let cases = [
        (dump("no more index entries in atom_tab (max=16384)"), Atoms),
        (
            dump("no more index entries in export_tab (max=524288)"),
            NameTable,
        ),
        (dump("Can not execute /x/inet_gethost : emfile"), Resolver),
        (dump("Can not execute /x/inet_gethost : enoent"), NotALimit),
        (full(Name::Processes), FileServer),
        (full(Name::Ports), Undetermined),
        (dump(KERNEL), Undetermined),
        (dump(&KERNEL.replace("shutdown", "killed")), NotALimit),
        (dump(NO_MEMORY), Memory),
        (huge, PortTab),
        (
            dump("ll_alloc: Cannot allocate 2147483711 bytes of memory (of type \"port_tab\")."),
            PortTab,
        ),
        (
            dump("ll_alloc: Cannot allocate 2147483711 bytes of memory (of type \"proc_tab\")."),
            ProcTab,
        ),
        (dump("Received SIGUSR1"), NotALimit),
        (dump("my own reason"), NotALimit),
        (
            dump("Runtime terminating during boot ({{badmatch,2},[]})"),
            NotALimit,
        ),
        (
            dump("Runtime terminating during boot ({{badmatch,{error,emfile}},[]})"),
            Undetermined,
        ),
        (dump("Failed to create poll thread"), Threads),
        (Dump::default(), Undetermined),
    ];
    for (dump, cause) in cases {
        let autopsy = Autopsy::of(&dump);
        assert_eq!(autopsy.cause, cause, "{:?}", dump.slogan);
        assert!(autopsy.message.ends_with('.'), "{}", autopsy.message);
        let says_so = autopsy.message.starts_with("No limit");
        assert_eq!(says_so, cause == NotALimit, "{}", autopsy.message);
    }
}

// Half of the deaths that a full table made are told by the table alone: a text of halt must not hide it.
#[test]
fn a_full_table_is_never_passed_over() {
    let mut dump = dump("my own reason");
    dump.port_table_bytes = Some(12 * 1024);
    dump.ports.count = 1024;
    let autopsy = Autopsy::of(&dump);
    assert_eq!(autopsy.cause, Cause::Undetermined);
    let evidence = autopsy.evidence.join("\n");
    assert!(evidence.contains("ports: 1024 of 1024"), "{evidence}");
}

// The number of slots is worked out from bytes: a wrong size of a slot would call a full table half empty.
#[test]
fn slots_of_a_table() {
    let cases = [
        (Some(786_432), Limit::Finite(65_536)),
        (Some(12_288), Limit::Finite(1024)),
        (Some(12_582_912), Limit::Finite(1_048_576)),
        (Some(524_288), Limit::Finite(65_536)),
        (Some(12 << 27), Limit::Finite(134_217_727)),
        (Some(0), Limit::Unknown),
        (None, Limit::Unknown),
    ];
    for (bytes, expected) in cases {
        assert_eq!(slots(bytes), expected, "{bytes:?}");
    }
}

// A dump that was cut off, by a full disk for one, counts too little: that must be said with it.
#[test]
fn a_cut_dump_says_so() {
    let mut dump = dump("my own reason");
    dump.complete = false;
    let evidence = Autopsy::of(&dump).evidence.join("\n");
    assert!(evidence.contains("least"), "{evidence}");
}

proptest::proptest! {
    // A dump is written by a dying VM and read from anywhere: no text and no number may end the command.
    #[test]
    fn no_dump_is_too_odd(slogan: String, bytes: u64, total: u64, table: u64, count: u64) {
        for slogan in [slogan, format!("x: Cannot allocate {bytes} bytes of memory (of type \"heap\")."), KERNEL.into()] {
            let mut dump = dump(&slogan);
            dump.memory.total = Some(total);
            dump.port_table_bytes = Some(table);
            dump.process_table_bytes = Some(table);
            dump.processes.count = count;
            let autopsy = Autopsy::of(&dump);
            proptest::prop_assert!(!autopsy.message.is_empty());
        }
    }
}
