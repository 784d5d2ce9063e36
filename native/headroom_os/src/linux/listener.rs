//! A listening socket that belongs to somebody else, watched for connections that wait in it. Both questions take no lock
//! of the socket, so that they can be asked ten times a second.

use std::os::fd::RawFd;

use super::inventory;

/// A listening TCP socket: its descriptor, and the kernel's number of what stood there. A descriptor alone may be another
/// one's in the next moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listener {
    fd: RawFd,
    cookie: u64,
}

impl Listener {
    /// The listener behind a descriptor, if there is one.
    pub fn at(fd: RawFd) -> Option<Listener> {
        let cookie = inventory::cookie(fd)?;
        inventory::queued(fd).map(|_| Listener { fd, cookie })
    }

    /// How many connections wait to be accepted; none where another socket stands there now.
    pub fn queued(&self) -> u32 {
        let queued = inventory::queued(self.fd).unwrap_or(0);
        if inventory::cookie(self.fd) == Some(self.cookie) {
            queued
        } else {
            0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream};
    use std::os::fd::AsRawFd;

    // A reserve is given back for what waits at this listener, and for no other socket that has its number later.
    #[test]
    fn what_waits_is_counted_at_this_listener_alone() {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let listener = Listener::at(socket.as_raw_fd()).unwrap();
        assert_eq!(listener.queued(), 0);
        let client = TcpStream::connect(socket.local_addr().unwrap()).unwrap();
        assert_eq!(listener.queued(), 1);
        assert_eq!(Listener::at(client.as_raw_fd()), None);
        let other = Listener {
            cookie: listener.cookie + 1,
            ..listener
        };
        assert_eq!(other.queued(), 0);
        drop(socket.accept().unwrap());
        assert_eq!(listener.queued(), 0);
        assert_eq!(Listener::at(-1), None);
    }
}
