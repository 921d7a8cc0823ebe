// SPDX-License-Identifier: Apache-2.0
// lib.rs: the memory orders of the lease protocol under loom: C11 orders, with the real layout of the word.
//
// One entry, one cell a thread. Claims: a release comes after every use, happens once, and happens. The features are
// mutants: with each of them some test must fail.
use loom::cell::UnsafeCell;
use loom::sync::atomic::{AtomicU64, Ordering, Ordering::*};
use loom::sync::Mutex;

const OPEN: u64 = 1;
const HIT: u64 = 2;
const LEASE: u64 = 1 << 31;
const BIAS: u64 = 1 << 62;
const GIVE_BACK: Ordering = if cfg!(feature = "weak_give_back") { Relaxed } else { Release };
const CLOSE: Ordering = if cfg!(feature = "weak_close") { Relaxed } else { Acquire };
const SHARED: Ordering = if cfg!(feature = "weak_shared") { Relaxed } else { AcqRel };

pub struct Entry {
    mutex: Mutex<(bool, u32)>, // live, releases
    cells: [AtomicU64; 2],
    shared: AtomicU64,
    resource: UnsafeCell<u32>, // 1: alive; plain memory, so loom reports a race on it
}

impl Entry {
    pub fn published() -> Self {
        Entry {
            mutex: Mutex::new((true, 0)),
            cells: [AtomicU64::new(0), AtomicU64::new(0)],
            shared: AtomicU64::new(BIAS),
            resource: UnsafeCell::new(1),
        }
    }

    /// A lease counted in this thread's cell; false: retired.
    pub fn take(&self, me: usize) -> bool {
        let cell = &self.cells[me];
        let old = if cfg!(feature = "plain_pin") {
            let word = cell.load(Relaxed);
            cell.store(word.wrapping_add(LEASE + HIT), Relaxed);
            word
        } else {
            cell.fetch_add(LEASE + HIT, Relaxed) // acquire in C, for the reader's sake: relaxed is enough
        };
        if old & OPEN != 0 {
            return true;
        }
        let guard = self.mutex.lock().unwrap();
        if !guard.0 && !cfg!(feature = "no_second_look") {
            return false;
        }
        cell.store(OPEN + LEASE + HIT, Relaxed); // first touch: the closed word's counts are void
        true
    }

    pub fn touch(&self) {
        self.resource.with(|r| assert_eq!(unsafe { *r }, 1, "used after release"));
    }

    /// Any thread may give back what a cell counts, or counted.
    pub fn give_back(&self, cell: usize) {
        let old = self.cells[cell].fetch_sub(LEASE, GIVE_BACK);
        if old & OPEN == 0 && self.shared.fetch_sub(1, SHARED) == 1 {
            self.release();
        }
    }

    fn release(&self) {
        self.resource.with_mut(|r| unsafe {
            assert_eq!(*r, 1, "released twice");
            *r = 0;
        });
        self.mutex.lock().unwrap().1 += 1;
    }

    pub fn retire(&self) {
        let mut guard = self.mutex.lock().unwrap();
        guard.0 = false;
        let mut leases = 0u64;
        for cell in &self.cells {
            if cell.load(Relaxed) & OPEN != 0 {
                leases = leases.wrapping_add(((cell.swap(0, CLOSE) as i64) >> 31) as u64);
            }
        }
        drop(guard);
        let change = leases.wrapping_sub(BIAS);
        if self.shared.fetch_add(change, SHARED).wrapping_add(change) == 0 {
            self.release();
        }
    }

    pub fn releases(&self) -> u32 {
        self.mutex.lock().unwrap().1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use loom::{sync::Arc, thread};

    fn use_once(entry: &Entry, me: usize) {
        if entry.take(me) {
            entry.touch();
            entry.give_back(me);
        }
    }

    #[test]
    fn hits_against_a_retirement() {
        loom::model(|| {
            let entry = Arc::new(Entry::published());
            let other = entry.clone();
            let user = thread::spawn(move || {
                use_once(&other, 0);
                use_once(&other, 0);
            });
            entry.retire();
            user.join().unwrap();
            assert_eq!(entry.releases(), 1);
        });
    }

    #[test]
    fn two_users_against_a_retirement() {
        loom::model(|| {
            let entry = Arc::new(Entry::published());
            assert!(entry.take(0));
            let (a, b) = (entry.clone(), entry.clone());
            let first = thread::spawn(move || {
                a.touch();
                a.give_back(0);
                use_once(&a, 0);
            });
            let second = thread::spawn(move || use_once(&b, 1));
            entry.retire();
            first.join().unwrap();
            second.join().unwrap();
            assert_eq!(entry.releases(), 1);
        });
    }

    #[test]
    fn given_back_elsewhere() {
        loom::model(|| {
            let entry = Arc::new(Entry::published());
            assert!(entry.take(0));
            let (a, b) = (entry.clone(), entry.clone());
            let owner = thread::spawn(move || use_once(&a, 0));
            let other = thread::spawn(move || {
                b.touch();
                b.give_back(0);
            });
            entry.retire();
            owner.join().unwrap();
            other.join().unwrap();
            assert_eq!(entry.releases(), 1);
        });
    }
}
