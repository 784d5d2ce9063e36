//! The floor of `make bench`: the system calls that an answer cannot do without, made from a VM's own threads. Alone in a process
//! of one thread they cost two thirds: the kernel then counts no reference to the file. Beside them the procfs crate.

use std::fs::File;
use std::os::fd::AsRawFd;
use std::sync::LazyLock;

use procfs::process::Process;
use rustler::NifResult;

static DIRECTORY: LazyLock<File> =
    LazyLock::new(|| File::open("/proc/self/fd").expect("/proc is mounted"));
static FILE_NR: LazyLock<File> =
    LazyLock::new(|| File::open("/proc/sys/fs/file-nr").expect("/proc/sys is mounted"));
static PROCESS: LazyLock<Process> = LazyLock::new(|| Process::myself().expect("/proc is mounted"));

fn fstat() {
    // SAFETY: all fields of stat are integers, for which zeroes are valid.
    let mut stat: libc::stat = unsafe { std::mem::zeroed() };
    let fd = DIRECTORY.as_raw_fd();
    // SAFETY: the kernel writes one stat of this layout, and the reference lives through the call.
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    unsafe {
        libc::syscall(libc::SYS_fstat, fd, &mut stat as *mut libc::stat);
    }
    // SAFETY: as above.
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    unsafe {
        libc::fstat(fd, &mut stat);
    }
    std::hint::black_box(stat.st_size);
}

fn getrlimit() {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: the kernel writes one rlimit of this layout, and the reference lives through the call.
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    unsafe {
        libc::syscall(
            libc::SYS_getrlimit,
            libc::RLIMIT_NOFILE,
            &mut limit as *mut libc::rlimit,
        );
    }
    // SAFETY: as above.
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    unsafe {
        libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit);
    }
    std::hint::black_box(limit.rlim_cur);
}

fn file_nr() {
    let mut buffer = [0u8; 96];
    // SAFETY: the kernel writes at most the length of the buffer, which lives through the call.
    unsafe {
        libc::pread(
            FILE_NR.as_raw_fd(),
            buffer.as_mut_ptr().cast(),
            buffer.len(),
            0,
        );
    }
    std::hint::black_box(buffer);
}

/// `fstat` of the descriptors' directory, so many times in one call: the floor without the VM.
#[rustler::nif]
fn fstats(times: u32) {
    for _ in 0..times {
        fstat();
    }
}

/// What health cannot do without: the count and the limit.
#[rustler::nif]
fn bare2() {
    fstat();
    getrlimit();
}

/// The same for a process to which the kernel's limit of open files applies.
#[rustler::nif]
fn bare3() {
    fstat();
    getrlimit();
    file_nr();
}

/// The count by the procfs crate, over a process that is held open.
#[rustler::nif]
fn procfs_count() -> NifResult<usize> {
    PROCESS.fd_count().map_err(|_| rustler::Error::BadArg)
}

/// The limits by the procfs crate.
#[rustler::nif]
fn procfs_limits() -> bool {
    PROCESS.limits().is_ok()
}

/// The list by the procfs crate.
#[rustler::nif(schedule = "DirtyCpu")]
fn procfs_list() -> NifResult<usize> {
    let list = PROCESS.fd().map_err(|_| rustler::Error::BadArg)?;
    Ok(list.count())
}

/// CPU time of this OS process in nanoseconds: what others do on the machine is not in it.
#[rustler::nif]
fn cpu() -> u64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the kernel writes one timespec, and the reference lives through the call.
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// Sets the soft limit of descriptors.
#[rustler::nif]
fn set_soft(soft: u64) -> bool {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: libc writes, and then reads, one rlimit that lives through the calls.
    unsafe {
        libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) == 0 && {
            limit.rlim_cur = soft as libc::rlim_t;
            libc::setrlimit(libc::RLIMIT_NOFILE, &limit) == 0
        }
    }
}

rustler::init!("headroom_bench_nif");
