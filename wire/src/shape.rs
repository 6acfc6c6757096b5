//! Simulated links for tests and benches: latency, bandwidth and loss in memory.
//!
//! Each direction between two parties is one line, shared by all their channels. A frame of `b` bytes that is
//! handed over at `now` leaves when the line is free and arrives at
//!
//! `max(now, free) + 8 b / bandwidth + latency`
//!
//! and the receiver sleeps until then. Loss is modelled as what the reader of a reliable, ordered stream sees: a
//! frame travels in packets of [`PACKET`] bytes; each transmission of a packet is lost with probability `loss`; the packets
//! that were lost are sent again one round trip later, until all have arrived, and later frames wait
//! behind. Congestion control is not modelled: the line always runs at its full bandwidth.
//!
//! Sleeping is exact to about 0.1 ms; simulated times are lower bounds.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::channel::Channel;
use crate::memory::LIMIT;
use crate::memory::queue::{End, Queue};
use crate::meter::Meter;

/// Payload of a simulated packet, for the loss model.
pub const PACKET: u64 = 1200;

/// Upper bound of transmissions of a packet, so that `loss = 1` delays and does not hang.
const TRIES: u32 = 64;

/// A link between two parties, equal in both directions.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// One way; the round trip is twice this.
    pub latency: Duration,
    /// Bits per second in each direction; 0 is unlimited.
    pub bandwidth_bits_per_s: u64,
    /// Probability that one transmission of a packet is lost, 0 to 1.
    pub loss: f64,
}

impl Link {
    /// No delay at all.
    pub const LOCAL: Self = Self { latency: Duration::ZERO, bandwidth_bits_per_s: 0, loss: 0.0 };
    /// Round trip 1 ms (0.5 ms one way), 1 Gbit/s.
    pub const LAN: Self = Self { latency: Duration::from_micros(500), bandwidth_bits_per_s: 1_000_000_000, loss: 0.0 };
    /// Round trip 40 ms (20 ms one way), 100 Mbit/s.
    pub const WAN: Self = Self { latency: Duration::from_millis(20), bandwidth_bits_per_s: 100_000_000, loss: 0.0 };

    fn is_local(&self) -> bool {
        self.latency.is_zero() && self.bandwidth_bits_per_s == 0 && self.loss <= 0.0
    }

    /// Time on the line without latency.
    fn transmission(&self, bytes: u64) -> Duration {
        if self.bandwidth_bits_per_s == 0 {
            return Duration::ZERO;
        }
        let nanos = u128::from(bytes) * 8 * 1_000_000_000 / u128::from(self.bandwidth_bits_per_s);
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

/// The arithmetic of one direction; time is a parameter, counted from any origin.
#[derive(Clone, Debug)]
struct Schedule {
    link: Link,
    free: Duration,
    /// Arrival of the last frame: frames do not overtake.
    last: Duration,
    /// State of the loss lottery; simulation, not secret.
    lottery: u64,
}

impl Schedule {
    const fn new(link: Link, seed: u64) -> Self {
        Self { link, free: Duration::ZERO, last: Duration::ZERO, lottery: seed }
    }

    fn arrival(&mut self, now: Duration, bytes: u64) -> Duration {
        let mut sent = now.max(self.free) + self.link.transmission(bytes);
        self.free = sent;
        let mut tries = 1;
        let mut lost = self.lost(bytes.div_ceil(PACKET));
        while lost > 0 && tries < TRIES {
            sent += 2 * self.link.latency + self.link.transmission(lost * PACKET);
            self.free += self.link.transmission(lost * PACKET);
            lost = self.lost(lost);
            tries += 1;
        }
        self.last = self.last.max(sent + self.link.latency);
        self.last
    }

    /// How many of `packets` are lost in one transmission.
    fn lost(&mut self, packets: u64) -> u64 {
        if self.link.loss <= 0.0 {
            return 0;
        }
        (0..packets).map(|_| u64::from(self.draw() < self.link.loss)).sum()
    }

    /// Uniform in [0, 1): splitmix64, the top 53 bits.
    fn draw(&mut self) -> f64 {
        self.lottery = self.lottery.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.lottery;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// One direction on the real clock.
pub(crate) struct Line {
    origin: Instant,
    schedule: Mutex<Schedule>,
}

impl Line {
    fn new(link: Link, seed: u64) -> Option<Arc<Self>> {
        if link.is_local() {
            return None;
        }
        Some(Arc::new(Self { origin: Instant::now(), schedule: Mutex::new(Schedule::new(link, seed)) }))
    }

    pub(crate) fn arrival(&self, now: Instant, bytes: u64) -> Instant {
        let mut schedule = self.schedule.lock().unwrap_or_else(PoisonError::into_inner);
        self.origin + schedule.arrival(now.saturating_duration_since(self.origin), bytes)
    }
}

/// Two ends of one channel over a simulated link. The first is `a`'s: its peer is `b`.
#[must_use]
pub fn shaped_pair(a: &str, b: &str, link: Link) -> (Channel, Channel) {
    connect((a, Meter::new()), (b, Meter::new()), 0, LIMIT, link)
}

/// `count` channels, ids from 0, that share one simulated link and one meter per party.
#[must_use]
pub fn shaped_pairs(a: &str, b: &str, count: u32, link: Link) -> Vec<(Channel, Channel)> {
    let (meter_a, meter_b) = (Meter::new(), Meter::new());
    let lines = lines(link);
    (0..count).map(|id| join((a, meter_a.clone()), (b, meter_b.clone()), id, LIMIT, &lines)).collect()
}

/// As [`crate::memory::mesh`], every pair of parties with a link of its own.
#[must_use]
pub fn shaped_mesh(names: &[&str], link: Link) -> Vec<Vec<Option<Channel>>> {
    let meters: Vec<_> = names.iter().map(|_| Meter::new()).collect();
    let mut rows: Vec<Vec<Option<Channel>>> = Vec::with_capacity(names.len());
    for (i, (name, meter)) in names.iter().zip(&meters).enumerate() {
        let mut row = Vec::with_capacity(names.len());
        for ((other, other_meter), earlier) in names.iter().zip(&meters).zip(&mut rows) {
            let (mine, theirs) = connect((name, meter.clone()), (other, other_meter.clone()), 0, LIMIT, link);
            row.push(Some(mine));
            if let Some(slot) = earlier.get_mut(i) {
                *slot = Some(theirs);
            }
        }
        row.resize_with(names.len(), || None);
        rows.push(row);
    }
    rows
}

pub(crate) fn connect(a: (&str, Arc<Meter>), b: (&str, Arc<Meter>), id: u32, limit: usize, link: Link) -> (Channel, Channel) {
    join(a, b, id, limit, &lines(link))
}

/// Both directions; the seeds of the lotteries are fixed so that runs repeat.
fn lines(link: Link) -> [Option<Arc<Line>>; 2] {
    [Line::new(link, 1), Line::new(link, 2)]
}

fn join(a: (&str, Arc<Meter>), b: (&str, Arc<Meter>), id: u32, limit: usize, [forth, back]: &[Option<Arc<Line>>; 2]) -> (Channel, Channel) {
    let (forth, back) = (Queue::new(limit, forth.clone()), Queue::new(limit, back.clone()));
    let end_a = End::new(b.0, &forth, &back);
    let end_b = End::new(a.0, &back, &forth);
    (Channel::from_carry(Box::new(end_a), b.0.to_owned(), id, a.1), Channel::from_carry(Box::new(end_b), a.0.to_owned(), id, b.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn a_frame_takes_transmission_and_latency() {
        let mut wan = Schedule::new(Link::WAN, 1);
        // 1 250 000 bytes are 10^7 bits: 100 ms at 100 Mbit/s
        assert_eq!(wan.arrival(Duration::ZERO, 1_250_000), 120 * MS);
        // the line is busy until 100 ms
        assert_eq!(wan.arrival(10 * MS, 125_000), 130 * MS);
        // and free again later
        assert_eq!(wan.arrival(500 * MS, 0), 520 * MS);
    }

    #[test]
    fn lan_and_local() {
        assert_eq!(Schedule::new(Link::LAN, 1).arrival(MS, 125), MS + Duration::from_micros(501));
        assert_eq!(Schedule::new(Link::LOCAL, 1).arrival(MS, u64::MAX), MS);
        assert!(Link::LOCAL.is_local() && !Link::LAN.is_local());
    }

    #[test]
    fn lost_packets_cost_round_trips_and_keep_the_order() {
        let link = Link { loss: 0.05, ..Link::WAN };
        let (mut lossy, mut clean) = (Schedule::new(link, 1), Schedule::new(Link::WAN, 1));
        let mut last = Duration::ZERO;
        let mut late = 0;
        for i in 0..1000 {
            let now = i * 50 * MS;
            let (with, without) = (lossy.arrival(now, PACKET), clean.arrival(now, PACKET));
            assert!(with >= without && with >= last);
            late += u32::from(with >= without + 40 * MS);
            last = with;
        }
        // 50 expected; the seed is fixed
        assert!((25..=90).contains(&late), "{late} frames were late");
    }

    #[test]
    fn total_loss_ends() {
        let link = Link { loss: 1.0, latency: MS, bandwidth_bits_per_s: 0 };
        assert_eq!(Schedule::new(link, 1).arrival(Duration::ZERO, 1), (2 * (TRIES - 1) + 1) * MS);
    }

    #[test]
    fn shaped_channels_are_not_faster_than_their_link() {
        let link = Link { latency: 5 * MS, bandwidth_bits_per_s: 0, loss: 0.0 };
        let (mut a, mut b) = shaped_pair("a", "b", link);
        let start = Instant::now();
        a.send(crate::step::Step(1), "x".into()).unwrap();
        b.recv(crate::step::Step(1), crate::channel::Expect::Exactly(1)).unwrap();
        assert!(start.elapsed() >= 5 * MS);
    }

    #[test]
    fn channels_of_one_pair_share_the_line_and_the_meter() {
        let link = Link { latency: Duration::ZERO, bandwidth_bits_per_s: 8 * 264 * 100, loss: 0.0 };
        let mut pairs = shaped_pairs("a", "b", 2, link);
        let start = Instant::now();
        for (a, _) in &mut pairs {
            // 264 bytes with header: 10 ms
            a.send(crate::step::Step(1), vec![0; 232].into()).unwrap();
        }
        for (_, b) in &mut pairs {
            b.recv(crate::step::Step(1), crate::channel::Expect::Exactly(232)).unwrap();
        }
        assert!(start.elapsed() >= 20 * MS);
        assert_eq!(pairs.first().unwrap().0.meter().totals().bytes_sent, 528);
    }
}
