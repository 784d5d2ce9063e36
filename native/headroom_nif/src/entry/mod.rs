//! The library's entry. rustler's own has no `upgrade`, without which a reload of the module is refused, and no `unload`.

pub mod atom;
pub mod tuple;

use std::ffi::{c_int, c_void};
use std::mem::ManuallyDrop;
use std::panic::catch_unwind;
use std::sync::OnceLock;

use headroom_os as os;
use rustler::codegen_runtime::{
    internal_write_symbols, inventory, ErlNifEntry, ErlNifEnv, ErlNifFunc, ErlNifTerm,
};

use crate::nifs::guard;

/// The entry holds raw pointers to functions and names that live as long as the library.
struct Entry(ErlNifEntry);

// SAFETY: the entry is written once and never changed; the emulator only reads it.
unsafe impl Sync for Entry {}
// SAFETY: as above.
unsafe impl Send for Entry {}

static ENTRY: OnceLock<Entry> = OnceLock::new();

/// Called by the emulator after the library was opened.
#[no_mangle]
extern "C" fn nif_init() -> *const ErlNifEntry {
    // SAFETY: on systems where rustler looks its symbols up itself, this is the place to do it, before any other call.
    unsafe { internal_write_symbols() };
    let entry = ENTRY.get_or_init(|| {
        let functions: Vec<ErlNifFunc> = inventory::iter::<rustler::Nif>()
            .map(rustler::Nif::get_def)
            .collect();
        // The emulator keeps the pointer for as long as the library is loaded.
        let functions = ManuallyDrop::new(functions);
        let mut entry = ErlNifEntry::new(c"headroom_nif", &functions, load);
        entry.upgrade = Some(upgrade);
        entry.unload = Some(unload);
        Entry(entry)
    });
    &entry.0
}

extern "C" fn load(_: *mut ErlNifEnv, _: *mut *mut c_void, _: ErlNifTerm) -> c_int {
    acquire()
}

extern "C" fn upgrade(
    _: *mut ErlNifEnv,
    _: *mut *mut c_void,
    _: *mut *mut c_void,
    _: ErlNifTerm,
) -> c_int {
    acquire()
}

fn acquire() -> c_int {
    c_int::from(catch_unwind(os::acquire).is_err())
}

extern "C" fn unload(_: *mut ErlNifEnv, _: *mut c_void) {
    // Nobody is left to tell; an unwinding panic would end the node. The thread first: it reads what is closed then, and its
    // code goes with the library.
    let _ = catch_unwind(guard::end);
    let _ = catch_unwind(os::release);
}
