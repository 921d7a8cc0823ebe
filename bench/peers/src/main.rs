// SPDX-License-Identifier: Apache-2.0
// main.rs: moka, quick_cache and dashmap at the work of peers.h: find a 32-byte key, take a counted handle (Arc), compare the
// deadline, give the handle back. All with the same fast hash; moka checks the deadline itself.
use std::hint::black_box;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

type Key = [u8; 32];
type Hash = ahash::RandomState;

struct Thing {
    number: u64,
    expire_at: i64,
}

static NOW: AtomicI64 = AtomicI64::new(1);

const KEYS: usize = 1024;
const COUNT: usize = 100_000;
const ROUNDS: usize = 20;

trait Peer: Send + Sync + 'static {
    fn fill(&self, key: Key, thing: Arc<Thing>);
    fn hit(&self, key: &Key) -> u64;
}

fn valid(thing: &Thing) -> u64 {
    assert!(thing.expire_at > NOW.load(Relaxed));
    thing.number
}

struct Moka(moka::sync::Cache<Key, Arc<Thing>, Hash>);
impl Peer for Moka {
    fn fill(&self, key: Key, thing: Arc<Thing>) {
        self.0.insert(key, thing);
    }
    fn hit(&self, key: &Key) -> u64 {
        let thing = self.0.get(key).unwrap();
        black_box(&thing).number
    }
}

struct Quick(quick_cache::sync::Cache<Key, Arc<Thing>, quick_cache::UnitWeighter, Hash>);
impl Peer for Quick {
    fn fill(&self, key: Key, thing: Arc<Thing>) {
        self.0.insert(key, thing);
    }
    fn hit(&self, key: &Key) -> u64 {
        let thing = self.0.get(key).unwrap();
        valid(black_box(&thing))
    }
}

struct Dash(dashmap::DashMap<Key, Arc<Thing>, Hash>);
impl Peer for Dash {
    fn fill(&self, key: Key, thing: Arc<Thing>) {
        self.0.insert(key, thing);
    }
    fn hit(&self, key: &Key) -> u64 {
        let thing = Arc::clone(self.0.get(key).unwrap().value());
        valid(black_box(&thing))
    }
}

fn key_of(number: usize) -> Key {
    let mut key = *b"a key of thirty-two bytes: 00000";
    key[27..].copy_from_slice(format!("{number:05}").as_bytes());
    key
}

fn pin(cpu: usize) {
    unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(cpu, &mut set);
        libc::sched_setaffinity(0, std::mem::size_of::<libc::cpu_set_t>(), &set);
    }
}

fn run(peer: &dyn Fn(&Key) -> u64, keys: &[Key]) {
    for i in 0..COUNT {
        black_box(peer(black_box(&keys[i % KEYS])));
    }
}

// The best of some rounds, in ns for one operation of one thread.
fn measure<P: Peer>(peer: &Arc<P>, threads: usize, keys: &Arc<Vec<Key>>) -> f64 {
    let barrier = Arc::new(Barrier::new(threads));
    let handles: Vec<_> = (0..threads)
        .map(|cpu| {
            let (peer, keys, barrier) = (peer.clone(), keys.clone(), barrier.clone());
            std::thread::spawn(move || {
                pin(cpu);
                (0..ROUNDS)
                    .map(|_| {
                        barrier.wait();
                        let begin = Instant::now();
                        run(&|key| peer.hit(key), &keys);
                        (begin, Instant::now())
                    })
                    .collect::<Vec<_>>()
            })
        })
        .collect();
    let times: Vec<_> = handles.into_iter().map(|h| h.join().unwrap()).collect();
    (0..ROUNDS)
        .map(|round| {
            let begin = times.iter().map(|t| t[round].0).min().unwrap();
            let end = times.iter().map(|t| t[round].1).max().unwrap();
            (end - begin).as_nanos() as f64 / COUNT as f64
        })
        .fold(f64::MAX, f64::min)
}

fn report<P: Peer>(peer: P) {
    let peer = Arc::new(peer);
    let thing = |number| Arc::new(Thing { number, expire_at: i64::MAX });
    let hot = Arc::new(vec![key_of(0); KEYS]);
    // 1000 keys in an order that no prefetcher knows; the same in peers.c
    let many = Arc::new((0..KEYS).map(|i| key_of(i * 617 % 1000)).collect::<Vec<_>>());
    for i in 0..1000 {
        peer.fill(key_of(i), thing(i as u64));
    }
    let one = measure(&peer, 1, &hot);
    let two = measure(&peer, 2, &hot);
    let thousand = measure(&peer, 1, &many);
    println!("{one:.2} {two:.2} {thousand:.2}");
}

fn main() {
    match std::env::args().nth(1).as_deref() {
        Some("moka") => report(Moka(
            moka::sync::Cache::builder().max_capacity(10_000).time_to_live(Duration::from_secs(3600)).build_with_hasher(Hash::new()),
        )),
        Some("quick_cache") => report(Quick(quick_cache::sync::Cache::with(
            10_000, 10_000, quick_cache::UnitWeighter, Hash::new(), Default::default(),
        ))),
        Some("dashmap") => report(Dash(dashmap::DashMap::with_hasher(Hash::new()))),
        _ => {
            eprintln!("usage: peers moka|quick_cache|dashmap");
            std::process::exit(2);
        }
    }
}
