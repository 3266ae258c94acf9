/* solo5.c: see solo5.h. Handles: 0 to 3 are cards, 4 to 11 disks. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/solo5.h"

#include "api/mayfly.h"
#include "drivers/blk.h"
#include "drivers/net.h"
#include "kernel/cpu.h"
#include "lib/string.h"

#define MSR_FS_BASE 0xc0000100

#define DISK_HANDLE(n) (NET_MAX + (n))

_Static_assert(SOLO5_NET_ALEN == NET_MAC_LEN, "one set of numbers");

static const char *card_names[NET_MAX];
static unsigned n_cards;
static size_t mtu[NET_MAX];
static unsigned disks; /* a bit for each that is acquired */

void solo5_exit(int status)
{
	mayfly_exit(status);
}

void solo5_abort(void)
{
	mayfly_exit(SOLO5_EXIT_ABORT);
}

solo5_result_t solo5_set_tls_base(uintptr_t base)
{
	cpu_wrmsr(MSR_FS_BASE, base);
	return SOLO5_R_OK;
}

solo5_time_t solo5_clock_monotonic(void)
{
	return mayfly_clock_monotonic();
}

solo5_time_t solo5_clock_wall(void)
{
	return mayfly_clock_wall();
}

void solo5_yield(solo5_time_t deadline, solo5_handle_set_t *ready_set)
{
	unsigned events = 0, ready;
	solo5_handle_set_t set = 0;

	for (unsigned i = 0; i < n_cards; i++)
		events |= MAYFLY_NET(i);
	ready = mayfly_wait(events, deadline);
	for (unsigned i = 0; i < n_cards; i++)
		if (ready & MAYFLY_NET(i))
			set |= 1ull << i;
	if (ready_set)
		*ready_set = set;
}

void solo5_console_write(const char *buf, size_t size)
{
	mayfly_write(buf, size);
}

/* --- network ---------------------------------------------------------------- */

solo5_result_t solo5_net_acquire(const char *name, solo5_handle_t *handle,
				 struct solo5_net_info *info)
{
	struct mayfly_net net;

	for (unsigned i = 0; i < n_cards; i++)
		if (str_equal(card_names[i], name))
			return SOLO5_R_EINVAL;
	if (n_cards == NET_MAX || mayfly_net_open(n_cards, &net))
		return SOLO5_R_EINVAL;
	memcpy(info->mac_address, net.mac, sizeof(info->mac_address));
	info->mtu = net.mtu;
	mtu[n_cards] = net.mtu;
	card_names[n_cards] = name;
	*handle = n_cards++;
	return SOLO5_R_OK;
}

solo5_result_t solo5_net_write(solo5_handle_t handle, const uint8_t *buf,
			       size_t size)
{
	if (handle >= n_cards || size > mtu[handle] + SOLO5_NET_HLEN)
		return SOLO5_R_EINVAL;
	return mayfly_net_send((unsigned)handle, buf, size) ? SOLO5_R_EUNSPEC
							    : SOLO5_R_OK;
}

solo5_result_t solo5_net_read(solo5_handle_t handle, uint8_t *buf, size_t size,
			      size_t *read_size)
{
	int64_t n;

	if (handle >= n_cards)
		return SOLO5_R_EINVAL;
	n = mayfly_net_receive((unsigned)handle, buf, size);
	if (n < 0)
		return SOLO5_R_AGAIN;
	*read_size = (size_t)n;
	return SOLO5_R_OK;
}

/* --- disks ------------------------------------------------------------------ */

solo5_result_t solo5_block_acquire(const char *name, solo5_handle_t *handle,
				   struct solo5_block_info *info)
{
	int disk = mayfly_disk_find(name);
	struct mayfly_disk d;

	if (disk < 0 || (disks & 1u << disk) ||
	    mayfly_disk_info((unsigned)disk, &d))
		return SOLO5_R_EINVAL;
	disks |= 1u << disk;
	info->capacity = d.sectors * MAYFLY_SECTOR;
	info->block_size = MAYFLY_SECTOR;
	*handle = DISK_HANDLE((unsigned)disk);
	return SOLO5_R_OK;
}

/* The disk of a handle, if offset and size are whole sectors of it. */
static bool find_disk(solo5_handle_t handle, solo5_off_t offset, size_t size,
		      unsigned *ret)
{
	const solo5_handle_t disk = handle - DISK_HANDLE(0);

	if (disk >= BLK_MAX || !(disks & 1u << disk) ||
	    offset % MAYFLY_SECTOR || size % MAYFLY_SECTOR)
		return false;
	*ret = (unsigned)disk;
	return true;
}

static solo5_result_t result(int rc)
{
	if (rc == MAYFLY_EINVAL)
		return SOLO5_R_EINVAL;
	return rc ? SOLO5_R_EUNSPEC : SOLO5_R_OK;
}

solo5_result_t solo5_block_write(solo5_handle_t handle, solo5_off_t offset,
				 const uint8_t *buf, size_t size)
{
	unsigned disk;
	int rc;

	if (!find_disk(handle, offset, size, &disk))
		return SOLO5_R_EINVAL;
	rc = mayfly_disk_write(disk, offset / MAYFLY_SECTOR, buf, size);
	return result(rc ? rc : mayfly_disk_flush(disk));
}

solo5_result_t solo5_block_read(solo5_handle_t handle, solo5_off_t offset,
				uint8_t *buf, size_t size)
{
	unsigned disk;

	if (!find_disk(handle, offset, size, &disk))
		return SOLO5_R_EINVAL;
	return result(
		mayfly_disk_read(disk, offset / MAYFLY_SECTOR, buf, size));
}
