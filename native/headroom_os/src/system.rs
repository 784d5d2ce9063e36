//! Which system this is.

use std::ffi::CStr;
use std::sync::OnceLock;

/// Number of this OS process.
pub(crate) fn pid() -> u32 {
    static PID: OnceLock<u32> = OnceLock::new();
    *PID.get_or_init(std::process::id)
}

/// Name and release of the kernel, for example `Linux 6.8.0-31-generic`.
pub(crate) fn kernel() -> &'static str {
    static KERNEL: OnceLock<String> = OnceLock::new();
    KERNEL.get_or_init(uname)
}

fn uname() -> String {
    // SAFETY: all fields of utsname are byte arrays, for which zeroes are valid.
    let mut name: libc::utsname = unsafe { std::mem::zeroed() };
    // SAFETY: uname writes one utsname, and the reference lives through the call.
    if unsafe { libc::uname(&mut name) } != 0 {
        return String::from("unknown");
    }
    format!("{} {}", text(&name.sysname), text(&name.release))
}

fn text(field: &[libc::c_char]) -> String {
    // SAFETY: uname ends each field with a zero byte inside its array.
    let text = unsafe { CStr::from_ptr(field.as_ptr()) };
    text.to_string_lossy().into_owned()
}
