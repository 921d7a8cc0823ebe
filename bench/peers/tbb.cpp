// SPDX-License-Identifier: Apache-2.0
// tbb.cpp: oneTBB's concurrent_hash_map; its accessor is the handle.
#include "peers.h"

#include <cstdlib>
#include <tbb/concurrent_hash_map.h>

struct Compare {
	static std::size_t hash(const key &k)
	{
		return peers_hash(&k);
	}
	static bool equal(const key &a, const key &b)
	{
		return peers_same(&a, &b);
	}
};
using Table = tbb::concurrent_hash_map<key, thing *, Compare>;
static Table table;

void fill(thing *things, int count)
{
	for (int i = 0; i < count; i++)
		table.insert({ things[i].key, &things[i] });
}

void enter()
{
}

void leave()
{
}

void run(long count, const key *keys)
{
	for (long i = 0; i < count; i++) {
		const key *k = &keys[i % KEYS];
		Table::const_accessor handle;

		__asm__ volatile("" : "+r"(k) : : "memory");
		if (!table.find(handle, *k) || !valid(handle->second))
			std::abort();
		__asm__ volatile("" : : "r"(handle->second) : "memory");
	}
}
