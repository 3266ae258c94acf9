/* api_solo5_net.c: a program for Solo5's interface: answers ARP and pings for
 * 10.9.0.2 on the network "service", and ends after the third ping. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <solo5.h>

static uint8_t mac[SOLO5_NET_ALEN];
static const uint8_t ip[4] = { 10, 9, 0, 2 };

static int equal(const uint8_t *a, const uint8_t *b, size_t n)
{
	while (n > 0 && *a == *b) {
		a++;
		b++;
		n--;
	}
	return n == 0;
}

static void copy(uint8_t *to, const uint8_t *from, size_t n)
{
	while (n-- > 0)
		*to++ = *from++;
}

/* Makes the question in `f` its answer; 0: none is due, 2: of a ping. */
static int answer(uint8_t *f, size_t len)
{
	static const uint8_t arp[] = { 8, 6, 0, 1, 8, 0, 6, 4, 0, 1 };
	unsigned sum;

	if (len >= 42 && equal(f + 12, arp, sizeof(arp)) &&
	    equal(f + 38, ip, 4)) {
		copy(f + 32, f + 22, 10); /* the target is who asked */
		copy(f + 22, mac, 6);
		copy(f + 28, ip, 4);
		f[21] = 2;
	} else if (len >= 42 && f[12] == 8 && f[13] == 0 && f[14] == 0x45 &&
		   f[23] == 1 && f[34] == 8 && equal(f + 30, ip, 4)) {
		copy(f + 30, f + 26, 4); /* sums do not mind the order */
		copy(f + 26, ip, 4);
		f[34] = 0;
		sum = ((unsigned)f[36] << 8 | f[37]) + 0x800;
		sum += sum >> 16;
		f[36] = (uint8_t)(sum >> 8);
		f[37] = (uint8_t)sum;
	} else {
		return 0;
	}
	copy(f, f + 6, 6);
	copy(f + 6, mac, 6);
	return f[13] == 6 ? 1 : 2;
}

int solo5_app_main(const struct solo5_start_info *info)
{
	static uint8_t frame[2048];
	struct solo5_net_info net;
	solo5_handle_set_t ready;
	solo5_handle_t h, other;
	solo5_result_t got;
	unsigned pings = 0;
	size_t n;

	(void)info;
	if (solo5_net_acquire("service", &h, &net) != SOLO5_R_OK ||
	    solo5_net_acquire("service", &other, &net) != SOLO5_R_EINVAL ||
	    solo5_net_acquire("second", &other, &net) != SOLO5_R_EINVAL)
		return 2;
	copy(mac, net.mac_address, sizeof(mac));
	if (net.mtu != 1500 ||
	    solo5_net_write(h, frame, 1515) != SOLO5_R_EINVAL)
		return 3;
	solo5_console_write("MTU 1500\n", 9);
	while (pings < 3) {
		solo5_yield(solo5_clock_monotonic() + 1000000000ull, &ready);
		if (ready & ~(1ull << h))
			return 4;
		while ((got = solo5_net_read(h, frame, sizeof(frame), &n)) ==
		       SOLO5_R_OK) {
			int kind = answer(frame, n);

			if (kind && solo5_net_write(h, frame, n) != SOLO5_R_OK)
				return 5;
			pings += kind == 2;
		}
		if (got != SOLO5_R_AGAIN)
			return 6;
	}
	return SOLO5_EXIT_SUCCESS;
}
