/* bad_ports.c: every kind of access to I/O ports: the low 4096 and a sample
 * of the rest, or with "all" on the command line all of them. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "bare_virtio.h"

static uint8_t block[8192];

static uint32_t in(uint16_t port, unsigned width)
{
	uint32_t v = 0;

	if (width == 1)
		__asm__ volatile("inb %w1, %b0" : "+a"(v) : "d"(port));
	else if (width == 2)
		__asm__ volatile("inw %w1, %w0" : "+a"(v) : "d"(port));
	else
		__asm__ volatile("inl %w1, %0" : "=a"(v) : "d"(port));
	return v;
}

static void out(uint16_t port, unsigned width, uint32_t v)
{
	if (port == 0x64 || port == 0xcf9)
		v = 0; /* those reset a PC */
	if (width == 1)
		__asm__ volatile("outb %b0, %w1" : : "a"(v), "d"(port));
	else if (width == 2)
		__asm__ volatile("outw %w0, %w1" : : "a"(v), "d"(port));
	else
		__asm__ volatile("outl %0, %w1" : : "a"(v), "d"(port));
}

static void out_block(uint16_t port, uint64_t n)
{
	const uint8_t *p = block;

	__asm__ volatile("rep outsb" : "+S"(p), "+c"(n) : "d"(port) : "memory");
}

static void in_block(uint16_t port, uint64_t n)
{
	uint8_t *p = block;

	__asm__ volatile("rep insb" : "+D"(p), "+c"(n) : "d"(port) : "memory");
}

void bare_main(void)
{
	bool all = bare_arg("all");

	bare_context = "ports";
	for (uint32_t port = 0; port < 0x10000;
	     port += all || port < 0x1000 ? 1 : 61) {
		unsigned width = 1u << port % 3;

		if (port + width > 0x10000)
			width = 1;
		(void)in((uint16_t)port, width);
		if (port % 5 == 0 || (port >= 0x3f8 && port < 0x400))
			out((uint16_t)port, width, (uint32_t)bare_random());
	}
	bare_context = "blocks";
	for (unsigned i = 0; i < sizeof(block); i++)
		block[i] = 'x';
	out_block(0x3f8, sizeof(block));
	in_block(0x3f8, sizeof(block));
	out_block(0x80, sizeof(block));
	in_block(0x60, sizeof(block));
	in_block(0x71, sizeof(block));
	out_block(0xffff, 16);
	EXPECT(rng_works());
	PASS("ports");
}
