//! What the kernel says about each open descriptor, as plain data.
//!
//! Between two calls descriptors travel as one binary, [`encode`] and [`decode`]: 96 bytes each, whatever they are.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use serde::{Deserialize, Serialize};

atoms! {
    /// What a descriptor is.
    pub enum Kind {
        /// A TCP socket that does not listen.
        Tcp = "tcp",
        /// A TCP socket that listens.
        Listen = "listen",
        /// A UDP socket.
        Udp = "udp",
        /// A socket of the machine itself, whatever its type.
        Unix = "unix",
        /// A socket to the kernel.
        Netlink = "netlink",
        /// An SCTP socket.
        Sctp = "sctp",
        /// A regular file.
        File = "file",
        /// A regular file without a name left.
        DeletedFile = "deleted_file",
        /// A directory.
        Directory = "directory",
        /// A pipe without a name.
        Pipe = "pipe",
        /// A pipe with a name.
        Fifo = "fifo",
        /// An event counter.
        Eventfd = "eventfd",
        /// A poll set.
        Epoll = "epoll",
        /// A timer.
        Timerfd = "timerfd",
        /// A watch on files.
        Inotify = "inotify",
        /// A handle of an OS process.
        Pidfd = "pidfd",
        /// A file in memory without a name.
        Memfd = "memfd",
        /// A character or block device.
        Device = "device",
        /// Anything else: a socket of another family, a handle of another kernel service.
        Other = "other",
    }
}

atoms! {
    /// The state of a TCP connection, in the kernel's order.
    pub enum TcpState {
        /// Both sides may send.
        Established = "established",
        /// The connection was asked for.
        SynSent = "syn_sent",
        /// The other side asked for the connection.
        SynRecv = "syn_recv",
        /// We closed.
        FinWait1 = "fin_wait1",
        /// We closed, and the other side has heard of it.
        FinWait2 = "fin_wait2",
        /// Both closed; late segments may arrive.
        TimeWait = "time_wait",
        /// Never connected, or reset by the other side.
        Close = "close",
        /// The other side closed, we did not.
        CloseWait = "close_wait",
        /// The other side closed, and then we did.
        LastAck = "last_ack",
        /// It listens.
        Listen = "listen",
        /// Both closed at once.
        Closing = "closing",
        /// A state of which this build does not know.
        Other = "other",
    }
}

impl TcpState {
    /// From the kernel's number.
    pub fn from_number(number: u8) -> TcpState {
        let index = usize::from(number).wrapping_sub(1);
        TcpState::ALL.get(index).copied().unwrap_or(TcpState::Other)
    }
}

/// One open descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Descriptor {
    /// Its number.
    pub fd: u32,
    /// What it is.
    pub kind: Kind,
    /// Whether headroom itself holds it.
    #[serde(default)]
    pub own: bool,
    /// The number of a pipe, which both of its ends share.
    #[serde(default)]
    pub inode: Option<u64>,
    /// What a socket has besides.
    #[serde(default)]
    pub socket: Option<Socket>,
}

/// What a socket has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Socket {
    /// The kernel's own number for it, never used again; where it was asked for.
    pub cookie: Option<u64>,
    /// The address on this side; where it was asked for.
    pub local: Option<SocketAddr>,
    /// The address on the other side; where it was asked for.
    pub peer: Option<SocketAddr>,
    /// One end of a nameless pair that this very process made.
    #[serde(default)]
    pub own_pair: bool,
    /// The connection, of a TCP socket.
    pub tcp: Option<Tcp>,
    /// The queue, of one that listens.
    pub listen: Option<Listen>,
}

/// A TCP connection. Times are in milliseconds, and mean something once it is established.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tcp {
    /// Its state.
    pub state: TcpState,
    /// Since data arrived last, or since it was established. Wraps after 49.7 days.
    pub received_ms: u32,
    /// Since data was sent last, or since it was established. Wraps after 49.7 days.
    pub sent_ms: u32,
    /// Since anything at all arrived, the answer to a keepalive included.
    pub acked_ms: u32,
    /// Bytes that arrived and were not read.
    pub unread: Option<u32>,
    /// Bytes that wait to be sent.
    pub unsent: u32,
    /// How often in a row a retransmission or a probe was not answered.
    pub backoff: u8,
    /// Round-trip time, in microseconds.
    pub rtt_us: u32,
    /// Bytes that arrived since it was established.
    pub bytes_received: u64,
    /// Bytes that were sent since it was established.
    pub bytes_sent: u64,
}

impl Tcp {
    /// Milliseconds in which no data went either way.
    pub fn idle_ms(&self) -> u32 {
        self.received_ms.min(self.sent_ms)
    }

    /// Whether it ever was a connection: a reset one has the state of one that never was.
    pub fn was_connected(&self) -> bool {
        self.state != TcpState::Close || self.bytes_received > 0 || self.bytes_sent > 0
    }

    /// The other side is gone, this side has not closed, and nothing is left to be read.
    pub fn is_left_open(&self) -> bool {
        let gone = match self.state {
            TcpState::CloseWait => true,
            TcpState::Close => self.was_connected(),
            _ => false,
        };
        gone && self.unread.unwrap_or(0) == 0
    }

    /// A connection without data for so many milliseconds.
    pub fn is_idle(&self, beyond_ms: u32) -> bool {
        matches!(self.state, TcpState::Established) && self.idle_ms() >= beyond_ms
    }
}

/// A socket that listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listen {
    /// Connections that nobody has accepted.
    pub queue: u32,
    /// How many may wait.
    pub backlog: u32,
    /// Connections that were dropped at this socket since it listens.
    pub dropped: Option<u32>,
}

/// Which socket stands at a number: what is asked to see whether it is still the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The descriptor.
    pub fd: u32,
    /// The kernel's own number of the socket; none where the descriptor is no socket.
    pub cookie: Option<u64>,
}

const WORDS: usize = 12;
/// How many bytes one descriptor takes.
pub const RECORD: usize = WORDS * 8;

const OWN: u8 = 1;
const SOCKET: u8 = 1 << 1;
const COOKIE: u8 = 1 << 2;
const LOCAL: u8 = 1 << 3;
const PEER: u8 = 1 << 4;
const PAIR: u8 = 1 << 5;
/// The unread bytes of a connection, or the drops of a listener.
const ASKED: u8 = 1 << 6;
const INODE: u8 = 1 << 7;

fn flag(bit: u8, set: bool) -> u8 {
    if set {
        bit
    } else {
        0
    }
}

fn pair(low: u32, high: u32) -> u64 {
    u64::from(low) | u64::from(high) << 32
}

fn halves(word: u64) -> (u32, u32) {
    (word as u32, (word >> 32) as u32)
}

fn address_words(address: Option<SocketAddr>) -> ([u64; 2], u16) {
    let Some(address) = address else {
        return ([0, 0], 0);
    };
    let bits = match address.ip() {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
        IpAddr::V6(v6) => v6.to_bits(),
    };
    ([(bits >> 64) as u64, bits as u64], address.port())
}

fn address(words: [u64; 2], port: u16) -> SocketAddr {
    let v6 = Ipv6Addr::from_bits(u128::from(words[0]) << 64 | u128::from(words[1]));
    SocketAddr::new(IpAddr::V6(v6).to_canonical(), port)
}

impl Descriptor {
    fn to_words(self) -> [u64; WORDS] {
        let socket = self.socket.unwrap_or_default();
        let (local, local_port) = address_words(socket.local);
        let (peer, peer_port) = address_words(socket.peer);
        let (tcp, listen) = (socket.tcp, socket.listen);
        let asked = tcp.is_some_and(|tcp| tcp.unread.is_some())
            || listen.is_some_and(|listen| listen.dropped.is_some());
        let flags = flag(OWN, self.own)
            | flag(SOCKET, self.socket.is_some())
            | flag(COOKIE, socket.cookie.is_some())
            | flag(LOCAL, socket.local.is_some())
            | flag(PEER, socket.peer.is_some())
            | flag(PAIR, socket.own_pair)
            | flag(ASKED, asked)
            | flag(INODE, self.inode.is_some());
        let state = match (tcp, listen) {
            (Some(tcp), _) => tcp.state as u8 + 1,
            (None, Some(_)) => u8::MAX,
            (None, None) => 0,
        };
        let head = u32::from_le_bytes([
            self.kind as u8,
            state,
            flags,
            tcp.map_or(0, |tcp| tcp.backoff),
        ]);
        let ports = u32::from(local_port) | u32::from(peer_port) << 16;
        let mut words = [0; WORDS];
        words[0] = pair(self.fd, head);
        words[1] = pair(ports, 0);
        words[2] = socket.cookie.or(self.inode).unwrap_or(0);
        words[3..5].copy_from_slice(&local);
        words[5..7].copy_from_slice(&peer);
        if let Some(tcp) = tcp {
            words[7] = pair(tcp.received_ms, tcp.sent_ms);
            words[8] = pair(tcp.acked_ms, tcp.rtt_us);
            words[9] = pair(tcp.unread.unwrap_or(0), tcp.unsent);
            words[10] = tcp.bytes_received;
            words[11] = tcp.bytes_sent;
        } else if let Some(listen) = listen {
            words[7] = pair(listen.queue, listen.backlog);
            words[8] = pair(listen.dropped.unwrap_or(0), 0);
        }
        words
    }

    fn from_words(words: [u64; WORDS]) -> Option<Descriptor> {
        let (fd, head) = halves(words[0]);
        let [kind, state, flags, backoff] = head.to_le_bytes();
        let has = |bit| flags & bit != 0;
        let (ports, _) = halves(words[1]);
        let asked = |value: u32| has(ASKED).then_some(value);
        let tcp = |state: TcpState| {
            let (received_ms, sent_ms) = halves(words[7]);
            let (acked_ms, rtt_us) = halves(words[8]);
            let (unread, unsent) = halves(words[9]);
            Tcp {
                state,
                received_ms,
                sent_ms,
                acked_ms,
                unread: asked(unread),
                unsent,
                backoff,
                rtt_us,
                bytes_received: words[10],
                bytes_sent: words[11],
            }
        };
        let listen = || {
            let (queue, backlog) = halves(words[7]);
            Listen {
                queue,
                backlog,
                dropped: asked(halves(words[8]).0),
            }
        };
        let socket = Socket {
            cookie: has(COOKIE).then_some(words[2]),
            local: has(LOCAL).then(|| address([words[3], words[4]], ports as u16)),
            peer: has(PEER).then(|| address([words[5], words[6]], (ports >> 16) as u16)),
            own_pair: has(PAIR),
            tcp: match state {
                0 | u8::MAX => None,
                number => Some(tcp(*TcpState::ALL.get(usize::from(number) - 1)?)),
            },
            listen: (state == u8::MAX).then(listen),
        };
        Some(Descriptor {
            fd,
            kind: *Kind::ALL.get(usize::from(kind))?,
            own: has(OWN),
            inode: has(INODE).then_some(words[2]),
            socket: has(SOCKET).then_some(socket),
        })
    }
}

/// Descriptors as bytes, one behind the other.
pub fn encode(descriptors: &[Descriptor]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(descriptors.len() * RECORD);
    for descriptor in descriptors {
        for word in descriptor.to_words() {
            bytes.extend_from_slice(&word.to_ne_bytes());
        }
    }
    bytes
}

/// The descriptors in bytes that [`encode`] wrote; `None` where they are none of its.
pub fn decode(bytes: &[u8]) -> Option<Vec<Descriptor>> {
    let records = bytes.chunks_exact(RECORD);
    if !records.remainder().is_empty() {
        return None;
    }
    records.map(record).collect()
}

/// Identities as bytes, one behind the other.
pub fn encode_identities(identities: &[Identity]) -> Vec<u8> {
    let words = identities.iter().flat_map(|identity| {
        let has = u32::from(identity.cookie.is_some());
        [pair(identity.fd, has), identity.cookie.unwrap_or(0)]
    });
    words.flat_map(u64::to_ne_bytes).collect()
}

/// The identities in bytes that [`encode_identities`] wrote; `None` where they are none of its.
pub fn decode_identities(bytes: &[u8]) -> Option<Vec<Identity>> {
    let records = bytes.chunks_exact(16);
    if !records.remainder().is_empty() {
        return None;
    }
    let identity = |record: &[u8]| {
        let (head, cookie) = record.split_first_chunk()?;
        let (fd, has) = halves(u64::from_ne_bytes(*head));
        let cookie = u64::from_ne_bytes(cookie.try_into().ok()?);
        Some(Identity {
            fd,
            cookie: (has == 1).then_some(cookie),
        })
    };
    records.map(identity).collect()
}

fn record(bytes: &[u8]) -> Option<Descriptor> {
    let mut words = [0; WORDS];
    for (word, bytes) in words.iter_mut().zip(bytes.chunks_exact(8)) {
        *word = u64::from_ne_bytes(bytes.try_into().ok()?);
    }
    Descriptor::from_words(words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn address() -> impl Strategy<Value = SocketAddr> {
        (any::<IpAddr>(), any::<u16>())
            .prop_map(|(ip, port)| SocketAddr::new(ip.to_canonical(), port))
    }

    prop_compose! {
        fn tcp()(state in 0..TcpState::ALL.len(), received_ms: u32, sent_ms: u32, acked_ms: u32, unread: Option<u32>,
                 unsent: u32, backoff: u8, rtt_us: u32, bytes_received: u64, bytes_sent: u64) -> Tcp {
            Tcp { state: TcpState::ALL[state], received_ms, sent_ms, acked_ms, unread, unsent, backoff, rtt_us,
                  bytes_received, bytes_sent }
        }
    }

    prop_compose! {
        fn listen()(queue: u32, backlog: u32, dropped: Option<u32>) -> Listen {
            Listen { queue, backlog, dropped }
        }
    }

    fn socket() -> impl Strategy<Value = Socket> {
        let state = prop_oneof![
            Just((None, None)),
            tcp().prop_map(|tcp| (Some(tcp), None)),
            listen().prop_map(|listen| (None, Some(listen))),
        ];
        let addresses = (
            proptest::option::of(address()),
            proptest::option::of(address()),
        );
        (any::<Option<u64>>(), addresses, any::<bool>(), state).prop_map(
            |(cookie, (local, peer), own_pair, (tcp, listen))| Socket {
                cookie,
                local,
                peer,
                own_pair,
                tcp,
                listen,
            },
        )
    }

    fn descriptor() -> impl Strategy<Value = Descriptor> {
        let what = prop_oneof![
            any::<Option<u64>>().prop_map(|inode| (inode, None)),
            socket().prop_map(|socket| (None, Some(socket))),
        ];
        (any::<u32>(), 0..Kind::ALL.len(), any::<bool>(), what).prop_map(
            |(fd, kind, own, (inode, socket))| Descriptor {
                fd,
                kind: Kind::ALL[kind],
                own,
                inode,
                socket,
            },
        )
    }

    proptest! {
        // A field lost on the way between two calls would blame, or clear, the wrong owner.
        #[test]
        fn what_is_encoded_is_decoded(descriptors in proptest::collection::vec(descriptor(), 0..8)) {
            let bytes = encode(&descriptors);
            prop_assert_eq!(bytes.len(), descriptors.len() * RECORD);
            prop_assert_eq!(decode(&bytes), Some(descriptors.clone()));
            let json = serde_json::to_string(&descriptors).unwrap();
            prop_assert_eq!(serde_json::from_str::<Vec<Descriptor>>(&json).unwrap(), descriptors);
        }

        #[test]
        fn identities_are_decoded(pairs in proptest::collection::vec(any::<(u32, Option<u64>)>(), 0..8)) {
            let identities: Vec<_> = pairs.into_iter().map(|(fd, cookie)| Identity { fd, cookie }).collect();
            prop_assert_eq!(decode_identities(&encode_identities(&identities)), Some(identities));
        }

        // Bytes come back from Erlang, where anybody can make some.
        #[test]
        fn any_bytes_are_harmless(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = decode(&bytes);
            let _ = decode_identities(&bytes);
        }
    }

    #[test]
    fn a_cut_record_is_refused() {
        assert_eq!(decode(&[]), Some(vec![]));
        assert_eq!(decode(&[0; RECORD - 1]), None);
    }

    // 7 is both "never connected" and "reset by the other side"; the second is a leak.
    #[test]
    fn a_reset_connection_is_no_new_socket() {
        let mut tcp = Tcp {
            state: TcpState::from_number(7),
            received_ms: 0,
            sent_ms: 0,
            acked_ms: 0,
            unread: Some(0),
            unsent: 0,
            backoff: 0,
            rtt_us: 0,
            bytes_received: 0,
            bytes_sent: 0,
        };
        assert_eq!(tcp.state, TcpState::Close);
        assert!(!tcp.was_connected() && !tcp.is_left_open());
        tcp.bytes_sent = 1;
        assert!(tcp.was_connected() && tcp.is_left_open());
        tcp.state = TcpState::from_number(8);
        assert!(tcp.is_left_open());
        tcp.unread = Some(12);
        assert!(!tcp.is_left_open(), "the owner has not read to the end");
        assert_eq!(TcpState::from_number(0), TcpState::Other);
        assert_eq!(TcpState::from_number(99), TcpState::Other);
    }
}
