//! Asks the kernel for a descriptor, a file and two pipes, and gives each back at once.
//!
//! The one place that takes a slot: for a few microseconds, and only when somebody asks why a call failed. Never with a
//! high number, which would make the descriptor table grow for good.

use super::held::FD_DIR;
use super::quotas::quotas;
use headroom_facts::probe::{Outcome, Probe};
use headroom_facts::quotas::Suspicion;

/// Asks; what takes more than a slot for a moment only where it is suspected.
pub fn probe(suspicion: Suspicion) -> Probe {
    Probe {
        fd: FD_DIR.fd().map_or(Outcome::NotDone, descriptor),
        file: socket(),
        pipe: if suspicion.pipe {
            pipes()
        } else {
            Outcome::NotDone
        },
        quotas: quotas(suspicion),
    }
}

fn descriptor(held: i32) -> Outcome {
    // SAFETY: fcntl with these arguments reads no memory; the descriptor is ours.
    outcome(unsafe { libc::fcntl(held, libc::F_DUPFD_CLOEXEC, 0) })
}

/// A datagram socket is never connected nor bound, so closing it waits for nothing.
fn socket() -> Outcome {
    let of = |domain| {
        // SAFETY: socket takes no memory of ours.
        outcome(unsafe { libc::socket(domain, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0) })
    };
    match of(libc::AF_INET) {
        Outcome::Refused(libc::EAFNOSUPPORT) => of(libc::AF_UNIX),
        outcome => outcome,
    }
}

/// Two at once: the start of a program takes two, and where one is left it fails.
fn pipes() -> Outcome {
    match open_pipe() {
        Err(refused) => refused,
        Ok(first) => {
            let second = open_pipe();
            first.into_iter().for_each(close);
            match second {
                Err(refused) => refused,
                Ok(second) => {
                    second.into_iter().for_each(close);
                    Outcome::Granted
                }
            }
        }
    }
}

fn open_pipe() -> Result<[i32; 2], Outcome> {
    let mut ends = [-1; 2];
    // SAFETY: pipe2 writes two integers, and the array lives through the call.
    if unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) } != 0 {
        return Err(refused());
    }
    Ok(ends)
}

fn outcome(fd: i32) -> Outcome {
    if fd < 0 {
        return refused();
    }
    close(fd);
    Outcome::Granted
}

pub(super) fn refused() -> Outcome {
    Outcome::Refused(
        std::io::Error::last_os_error()
            .raw_os_error()
            .unwrap_or(libc::EIO),
    )
}

pub(super) fn close(fd: i32) {
    // SAFETY: the kernel has just given this descriptor to this caller alone.
    unsafe { libc::close(fd) };
}

#[cfg(test)]
mod tests {
    use super::*;

    // A probe that kept what it got would be a leak in the tool that looks for leaks. Other tests open descriptors too,
    // so one of several tries must be quiet.
    #[test]
    fn granted_and_given_back() {
        crate::acquire();
        let count = || {
            procfs::process::Process::myself()
                .unwrap()
                .fd_count()
                .unwrap()
        };
        let quiet = (0..200).any(|_| {
            let before = count();
            let probe = probe(Suspicion {
                pipe: true,
                local_port: true,
                inotify: true,
                processes: true,
                memory: true,
                beyond: Some(1 << 20),
            });
            assert_eq!(
                (probe.fd, probe.file, probe.pipe),
                (Outcome::Granted, Outcome::Granted, Outcome::Granted)
            );
            count() == before
        });
        assert!(quiet);
    }
}
