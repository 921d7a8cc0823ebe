/* SPDX-License-Identifier: Apache-2.0 */
/* large.c: a large argument as key, beside what one thread can read: the best of plain and prefetched loads of the widest
 * registers. The library's digest is also compiled into this program, so that each way to compute it can be asked for. */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/digest.h"

#if defined(__x86_64__)
#include <immintrin.h>

__attribute__((target("avx512f"))) static long read_512(const unsigned char *data, size_t size, bool ahead)
{
	__m512i sums[8];

	for (int i = 0; i < 8; i++)
		sums[i] = _mm512_setzero_si512();
	for (size_t at = 0; at < size; at += 512) {
#pragma GCC unroll 8
		for (int i = 0; i < 8; i++) {
			if (ahead)
				_mm_prefetch((const char *)data + at + 4096 + 64 * i, _MM_HINT_T0);
			sums[i] = _mm512_add_epi64(sums[i], _mm512_loadu_si512(data + at + 64 * i));
		}
	}
	for (int i = 1; i < 8; i++)
		sums[0] = _mm512_add_epi64(sums[0], sums[i]);
	return (long)_mm512_reduce_add_epi64(sums[0]);
}

static bool wide(void)
{
	return __builtin_cpu_supports("avx512f");
}
#else
static long read_512(const unsigned char *data, size_t size, bool ahead)
{
	return (void)data, (void)size, (void)ahead, 0;
}

static bool wide(void)
{
	return false;
}
#endif

static long read_64(const unsigned char *data, size_t size, bool ahead)
{
	uint64_t sums[8] = { 0 };

	for (size_t at = 0; at < size; at += 64) {
		if (ahead)
			__builtin_prefetch(data + at + 4096);
		for (int i = 0; i < 8; i++)
			sums[i] += tenure_read8_(data + at + 8 * i);
	}
	return (long)(sums[0] ^ sums[1] ^ sums[2] ^ sums[3] ^ sums[4] ^ sums[5] ^ sums[6] ^ sums[7]);
}

static void keep_least(double *least, int64_t begin)
{
	double took = (double)(now() - begin);

	*least = took < *least ? took : *least;
}

static void way_row(const struct tn_digest_way *way, double read, double took)
{
	double least = strcmp(way->name, "vpclmulqdq") == 0 ? 85 : strcmp(way->name, "portable") == 0 ? 0 : 30;
	char name[64], target[32] = "";

	snprintf(name, sizeof(name), "  its digest, %s: of the read bandwidth", way->name);
	if (least != 0)
		snprintf(target, sizeof(target), ">= %.0f %%", least);
	row(name, 100 * read / took, "%", target, least == 0 ? -1 : 100 * read / took >= least);
}

void measure_large(void)
{
	size_t size = (scale < 0.5 ? (size_t)40 : (size_t)400) << 20;
	unsigned char *data = malloc(size), secret[32] = { 1 };
	double whole = 1e18, read = 1e18, ways[TN_DIGEST_WAYS_MOST] = { 1e18, 1e18, 1e18 };
	struct tn_digest_key key;
	int64_t begin;
	int count = 0;

	if (data == NULL)
		return;
	memset(data, 7, size);
	tn_digest_key_init(&key, secret);
	while (strcmp(tn_digest_ways[count++].name, "portable") != 0)
		;
	for (int round = 0; round < 15; round++) {
		for (int ahead = 0; ahead < 2; ahead++) {
			begin = now();
			sink = wide() ? read_512(data, size, ahead) : read_64(data, size, ahead);
			keep_least(&read, begin);
		}
		begin = now();
		tenure_get(raw, NULL, (tenure_bytes){ data, size });
		keep_least(&whole, begin);
		for (int i = 0; i < count; i++) {
			uint64_t sum[2] = { 0, 0 };

			if (!tn_digest_ways[i].available() || (i == count - 1 && round > 1))
				continue; /* the portable one takes long */
			begin = now();
			tn_digest_ways[i].add(&key, data, size / 16, sum);
			keep_least(&ways[i], begin);
			sink = (long)sum[0];
		}
	}
	row(size == (size_t)400 << 20 ? "reading 400 MiB" : "reading 40 MiB", read / 1e6, "ms", "", -1);
	row("a hit with it as argument", whole / 1e6, "ms", "", -1);
	for (int i = 0; i < count; i++) {
		if (tn_digest_ways[i].available())
			way_row(&tn_digest_ways[i], read, ways[i]);
	}
	free(data);
}
