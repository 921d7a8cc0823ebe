/* SPDX-License-Identifier: Apache-2.0 */
/* lease.pml: the lease protocol, every interleaving under sequential consistency: one entry header, two threads, lives.
 *
 * A cell is (open, count), one atomic word in C; hits in that word touch no decision and are left out. Claims: a resource is
 * released once for each life, never while a lease is out, and always when none is; a stale slot never pins another life.
 * Mutants, each of which must be found out: PLAIN_PIN, NO_BIAS, NO_CLOSE, NO_SECOND_LOOK, LOST_GIVE_BACK, SKIP_FREE_RECORD. */
#define THREADS 2
#define RECORDS 3
#define LIVES   2
#define TRIES   2
#ifdef NO_BIAS
#define BIAS 0
#else
#define BIAS 60
#endif

bool locked;
bool live, slot[2], released[LIVES + 1], queue;
byte life, started, ended;
bool open[RECORDS], used[RECORDS];
int count[RECORDS], shared;
byte held[(LIVES + 1) * (RECORDS + 1)]; /* leases out, by life and by the cell that counts them; last: shared */
byte out[LIVES + 1];

#define HELD(l, c) held[(l) * (RECORDS + 1) + (c)]
#define LOCK   atomic { !locked -> locked = true }
#define UNLOCK locked = false

inline took(l, c) { HELD(l, c)++; out[l]++; assert(!released[l]) }

inline give_back(l, c) {
	out[l]--;
	atomic {
		was_open = false;
		if :: c < RECORDS -> was_open = open[c]; if :: was_open -> count[c]-- :: else fi :: else fi
	};
	if
#ifdef LOST_GIVE_BACK
	:: !was_open -> skip
#else
	:: !was_open ->
		atomic { shared--; zero = (shared == 0) };
		if :: zero -> assert(!queue); queue = true :: else fi
#endif
	:: else
	fi
}

active [THREADS] proctype user() {
	byte record = _pid, key, tries, l, c, stale;
	bool was_open, zero;

	atomic { used[record] = true; started++ };
	started == THREADS; /* a record has one owner from the start */
	do
	:: tries < TRIES -> /* a hit */
		tries++;
		if :: key = 0 :: key = 1 fi;
		if
		:: slot[key] ->
#ifdef PLAIN_PIN
			was_open = open[record]; stale = count[record];
			if :: was_open -> atomic { open[record] = true; count[record] = stale + 1; l = life; took(l, record) } :: else fi;
#else
			atomic { /* the lease may be given back by another thread right after this */
				was_open = open[record];
				if :: was_open -> count[record]++; l = life; took(l, record); assert(life % 2 == key) :: else fi
			};
#endif
			if
			:: was_open -> skip
			:: else -> /* first touch */
				LOCK;
#ifdef NO_SECOND_LOOK
				was_open = true;
#else
				was_open = live && life % 2 == key;
#endif
				if
				:: was_open -> atomic {
					l = life;
					if
					:: open[record] -> count[record]++; took(l, record)
					:: !open[record] -> open[record] = true; count[record] = 1; took(l, record)
					:: shared++; took(l, RECORDS) /* no memory for a cell, or a waiter's grant */
					fi }
				:: else
				fi;
				UNLOCK
			fi
		:: else
		fi
	:: atomic { HELD(1, 0) > 0 -> HELD(1, 0)-- }; give_back(1, 0)
	:: atomic { HELD(1, 1) > 0 -> HELD(1, 1)-- }; give_back(1, 1)
	:: atomic { HELD(1, 2) > 0 -> HELD(1, 2)-- }; give_back(1, 2)
	:: atomic { HELD(1, 3) > 0 -> HELD(1, 3)-- }; give_back(1, 3)
	:: atomic { HELD(2, 0) > 0 -> HELD(2, 0)-- }; give_back(2, 0)
	:: atomic { HELD(2, 1) > 0 -> HELD(2, 1)-- }; give_back(2, 1)
	:: atomic { HELD(2, 2) > 0 -> HELD(2, 2)-- }; give_back(2, 2)
	:: atomic { HELD(2, 3) > 0 -> HELD(2, 3)-- }; give_back(2, 3)
	:: tries < TRIES -> /* the thread ends with leases out; a new one takes over another record */
		tries++;
		LOCK;
		used[record] = false;
		c = 0;
		do :: used[c] || c == record -> c++ :: else -> break od;
		used[c] = true; record = c; c = 0;
		UNLOCK
	:: tries == TRIES -> break
	od;
	LOCK; used[record] = false; UNLOCK;
	ended++
}

active proctype keeper() { /* publishes, retires, releases; gives back what threads left behind */
	byte r, l, c;
	int sum;
	bool was_open, zero;

	do
	:: life < LIVES ->
		LOCK; life++; shared = BIAS; live = true; slot[life % 2] = true; UNLOCK;
		LOCK;
		live = false; slot[0] = false; slot[1] = false;
		sum = 0; r = 0;
		do
		:: r < RECORDS ->
			atomic {
				if
#ifdef SKIP_FREE_RECORD
				:: open[r] && used[r] ->
#else
				:: open[r] ->
#endif
					sum = sum + count[r];
#ifndef NO_CLOSE
					open[r] = false; count[r] = 0
#endif
				:: else
				fi
			};
			r++
		:: else -> break
		od;
		atomic { shared = shared + sum - BIAS; zero = (shared == 0) };
		if :: zero -> assert(!queue); queue = true :: else fi;
		UNLOCK;
		if
		:: queue -> skip
		:: ended == THREADS && !queue ->
			c = 0;
			do
			:: c <= RECORDS && HELD(life, c) > 0 -> HELD(life, c)--; l = life; give_back(l, c)
			:: c <= RECORDS && HELD(life, c) == 0 -> c++
			:: c > RECORDS -> break
			od
		fi;
		assert(queue && out[life] == 0 && !released[life]);
		released[life] = true;
		atomic { queue = false; sum = 0; r = 0; c = 0; l = 0 }
	:: else -> break
	od
}
