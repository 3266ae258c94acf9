/* entropy.c: random bytes for the program. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/entropy.h"

#include "drivers/rng.h"
#include "kernel/cpu.h"
#include "kernel/machine.h"
#include "lib/string.h"

static struct {
	uint32_t key[8];
	uint64_t counter;
	bool keyed, good;
} state;

static uint32_t rotate(uint32_t x, unsigned n)
{
	return x << n | x >> (32 - n);
}

static void quarter(uint32_t *a, uint32_t *b, uint32_t *c, uint32_t *d)
{
	*a += *b;
	*d = rotate(*d ^ *a, 16);
	*c += *d;
	*b = rotate(*b ^ *c, 12);
	*a += *b;
	*d = rotate(*d ^ *a, 8);
	*c += *d;
	*b = rotate(*b ^ *c, 7);
}

/* RFC 8439, 2.3; the nonce is 0: no key is used for two streams. */
static void chacha_block(const uint32_t key[8], uint64_t counter,
			 uint32_t out[16])
{
	uint32_t in[16] = { 0x61707865, 0x3320646e, 0x79622d32, 0x6b206574 };

	memcpy(in + 4, key, 32);
	in[12] = (uint32_t)counter;
	in[13] = (uint32_t)(counter >> 32);
	in[14] = in[15] = 0;
	memcpy(out, in, sizeof(in));
	for (unsigned i = 0; i < 10; i++) {
		for (unsigned j = 0; j < 4; j++)
			quarter(out + j, out + 4 + j, out + 8 + j,
				out + 12 + j);
		for (unsigned j = 0; j < 4; j++)
			quarter(out + j, out + 4 + (j + 1) % 4,
				out + 8 + (j + 2) % 4, out + 12 + (j + 3) % 4);
	}
	for (unsigned i = 0; i < 16; i++)
		out[i] += in[i];
}

static bool seed_rdrand(uint64_t seed[4])
{
	if (!(machine.features_ecx & CPUID_1_ECX_RDRAND))
		return false;
	for (unsigned i = 0; i < 4; i++) {
		unsigned tries = 10;

		while (!rdrand(&seed[i]))
			if (!--tries)
				return false;
	}
	return true;
}

static void make_key(void)
{
	uint64_t seed[4];

	state.good = seed_rdrand(seed) || rng_read(seed, sizeof(seed));
	if (!state.good)
		for (unsigned i = 0; i < 4; i++)
			seed[i] = rdtsc() * 0x9e3779b97f4a7c15ull;
	for (unsigned i = 0; i < 4; i++)
		seed[i] ^= rdtsc();
	memcpy(state.key, seed, sizeof(state.key));
	state.keyed = true;
}

bool entropy_fill(void *buf, uint64_t len)
{
	uint32_t block[16];
	uint64_t n;

	if (!state.keyed)
		make_key();
	/* The first half of the first block is the next key. */
	chacha_block(state.key, 0, block);
	n = min_u64(len, 32);
	memcpy(buf, block + 8, n);
	for (uint64_t off = n, i = 1; off < len; off += n, i++) {
		uint32_t more[16];

		chacha_block(state.key, i, more);
		n = min_u64(len - off, sizeof(more));
		memcpy((uint8_t *)buf + off, more, n);
	}
	memcpy(state.key, block, sizeof(state.key));
	return state.good;
}
