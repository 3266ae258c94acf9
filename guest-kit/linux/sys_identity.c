/* sys_identity.c: who the program is: pid 1, alone in its group and session,
 * root unless it becomes somebody else. Files do not ask. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "linux/identity.h"

#include "kernel/kmem.h"
#include "kernel/thread.h"
#include "kernel/user.h"
#include "lib/string.h"
#include "linux/calls.h"
#include "linux/errno.h"
#include "linux/process.h"

#define GROUPS_MAX 32 /* a supplementary group means nothing here */

#define SAME ~0u /* an argument of -1 */

#define CAPS_ALL        0x1ffffffffffull /* up to CAP_CHECKPOINT_RESTORE */
#define CAP_VERSION_1   0x19980330u
#define CAP_VERSION_2   0x20071026u
#define CAP_VERSION_3   0x20080522u
#define PERSONALITY_GET 0xffffffffu

uint32_t identity_uids[IDS], identity_gids[IDS];
static uint32_t groups[GROUPS_MAX];
static unsigned n_groups;

static bool is_root(void)
{
	return identity_uids[ID_EFFECTIVE] == 0;
}

int64_t sys_getpid(struct regs *r)
{
	(void)r;
	return PROCESS_PID;
}

int64_t sys_getppid(struct regs *r)
{
	(void)r;
	return 0;
}

int64_t sys_getpgrp(struct regs *r)
{
	(void)r;
	return PROCESS_PID;
}

static bool is_me(uint64_t pid)
{
	return (int32_t)pid == 0 || thread_find((int32_t)pid);
}

int64_t sys_getpgid(struct regs *r)
{
	return is_me(ARG1(r)) ? PROCESS_PID : -LINUX_ESRCH;
}

int64_t sys_getsid(struct regs *r)
{
	return is_me(ARG1(r)) ? PROCESS_PID : -LINUX_ESRCH;
}

/* The leader of a session, or of a group, stays it. */
int64_t sys_setpgid(struct regs *r)
{
	if ((int32_t)ARG2(r) < 0)
		return -LINUX_EINVAL;
	return is_me(ARG1(r)) ? -LINUX_EPERM : -LINUX_ESRCH;
}

int64_t sys_setsid(struct regs *r)
{
	(void)r;
	return -LINUX_EPERM;
}

/* --- user and group ids: the same rules for both ---------------------------- */

int64_t sys_getuid(struct regs *r)
{
	(void)r;
	return identity_uids[ID_REAL];
}

int64_t sys_getgid(struct regs *r)
{
	(void)r;
	return identity_gids[ID_REAL];
}

int64_t sys_geteuid(struct regs *r)
{
	(void)r;
	return identity_uids[ID_EFFECTIVE];
}

int64_t sys_getegid(struct regs *r)
{
	(void)r;
	return identity_gids[ID_EFFECTIVE];
}

static bool has(const uint32_t ids[IDS], uint32_t id)
{
	return id == ids[ID_REAL] || id == ids[ID_EFFECTIVE] ||
	       id == ids[ID_SAVED];
}

static int64_t set_id(uint32_t ids[IDS], uint32_t id)
{
	if (id == SAME)
		return -LINUX_EINVAL;
	if (is_root())
		ids[ID_REAL] = ids[ID_SAVED] = id;
	else if (id != ids[ID_REAL] && id != ids[ID_SAVED])
		return -LINUX_EPERM;
	ids[ID_EFFECTIVE] = ids[ID_FS] = id;
	return 0;
}

static int64_t set_re(uint32_t ids[IDS], uint32_t real, uint32_t effective)
{
	const uint32_t old = ids[ID_REAL];

	if (!is_root()) {
		if (real != SAME && real != ids[ID_REAL] &&
		    real != ids[ID_EFFECTIVE])
			return -LINUX_EPERM;
		if (effective != SAME && !has(ids, effective))
			return -LINUX_EPERM;
	}
	if (real != SAME)
		ids[ID_REAL] = real;
	if (effective != SAME)
		ids[ID_EFFECTIVE] = effective;
	if (real != SAME || (effective != SAME && effective != old))
		ids[ID_SAVED] = ids[ID_EFFECTIVE];
	ids[ID_FS] = ids[ID_EFFECTIVE];
	return 0;
}

static int64_t set_res(uint32_t ids[IDS], const struct regs *r)
{
	const uint32_t new[3] = { (uint32_t)ARG1(r), (uint32_t)ARG2(r),
				  (uint32_t)ARG3(r) };

	for (unsigned i = 0; i < 3; i++)
		if (!is_root() && new[i] != SAME && !has(ids, new[i]))
			return -LINUX_EPERM;
	for (unsigned i = 0; i < 3; i++)
		if (new[i] != SAME)
			ids[i] = new[i];
	ids[ID_FS] = ids[ID_EFFECTIVE];
	return 0;
}

static int64_t get_res(const uint32_t ids[IDS], const struct regs *r)
{
	if (user_write(ARG1(r), &ids[ID_REAL], sizeof(ids[0])) ||
	    user_write(ARG2(r), &ids[ID_EFFECTIVE], sizeof(ids[0])) ||
	    user_write(ARG3(r), &ids[ID_SAVED], sizeof(ids[0])))
		return -LINUX_EFAULT;
	return 0;
}

/* Says what it was, whether or not it could be changed. */
static int64_t set_fs(uint32_t ids[IDS], uint32_t id)
{
	const uint32_t old = ids[ID_FS];

	if (id != SAME && (is_root() || id == old || has(ids, id)))
		ids[ID_FS] = id;
	return old;
}

int64_t sys_setuid(struct regs *r)
{
	return set_id(identity_uids, (uint32_t)ARG1(r));
}

int64_t sys_setgid(struct regs *r)
{
	return set_id(identity_gids, (uint32_t)ARG1(r));
}

int64_t sys_setreuid(struct regs *r)
{
	return set_re(identity_uids, (uint32_t)ARG1(r), (uint32_t)ARG2(r));
}

int64_t sys_setregid(struct regs *r)
{
	return set_re(identity_gids, (uint32_t)ARG1(r), (uint32_t)ARG2(r));
}

int64_t sys_setresuid(struct regs *r)
{
	return set_res(identity_uids, r);
}

int64_t sys_setresgid(struct regs *r)
{
	return set_res(identity_gids, r);
}

int64_t sys_getresuid(struct regs *r)
{
	return get_res(identity_uids, r);
}

int64_t sys_getresgid(struct regs *r)
{
	return get_res(identity_gids, r);
}

int64_t sys_setfsuid(struct regs *r)
{
	return set_fs(identity_uids, (uint32_t)ARG1(r));
}

int64_t sys_setfsgid(struct regs *r)
{
	return set_fs(identity_gids, (uint32_t)ARG1(r));
}

int64_t sys_getgroups(struct regs *r)
{
	const uint64_t len = n_groups * sizeof(groups[0]);

	if ((int32_t)ARG1(r) < 0)
		return -LINUX_EINVAL;
	if (!(uint32_t)ARG1(r))
		return n_groups;
	if ((uint32_t)ARG1(r) < n_groups)
		return -LINUX_EINVAL;
	if (user_write(ARG2(r), groups, len))
		return -LINUX_EFAULT;
	return n_groups;
}

int64_t sys_setgroups(struct regs *r)
{
	uint32_t new[GROUPS_MAX];
	uint32_t n = (uint32_t)ARG1(r);

	if (!is_root())
		return -LINUX_EPERM;
	if (n > GROUPS_MAX)
		return -LINUX_EINVAL;
	if (user_read(new, ARG2(r), n * sizeof(new[0])))
		return -LINUX_EFAULT;
	memcpy(groups, new, n * sizeof(new[0]));
	n_groups = n;
	return 0;
}

/* --- the rest ------------------------------------------------------------- */

/* How many structs of three words (effective, permitted, inheritable). */
static int64_t cap_header(const struct regs *r, unsigned *ret_n)
{
	uint32_t header[2]; /* version, pid */

	if (user_read(header, ARG1(r), sizeof(header)))
		return -LINUX_EFAULT;
	if (header[0] != CAP_VERSION_1 && header[0] != CAP_VERSION_2 &&
	    header[0] != CAP_VERSION_3) {
		header[0] = CAP_VERSION_3;
		if (user_write(ARG1(r), header, sizeof(header)))
			return -LINUX_EFAULT;
		return ARG2(r) ? -LINUX_EINVAL : 0;
	}
	if (!is_me(header[1]))
		return -LINUX_ESRCH;
	*ret_n = header[0] == CAP_VERSION_1 ? 1 : 2;
	return 0;
}

/* Recorded; what root may do it may do anyway, and the other way round. */
static uint64_t caps[3] = { CAPS_ALL, CAPS_ALL }; /* in the structures' order */

int64_t sys_capget(struct regs *r)
{
	uint32_t data[2][3];
	unsigned n = 0;
	int64_t rc = cap_header(r, &n);

	if (rc || !n || !ARG2(r))
		return rc;
	for (unsigned i = 0; i < n; i++)
		for (unsigned j = 0; j < 3; j++)
			data[i][j] = (uint32_t)(caps[j] >> 32 * i);
	return user_write(ARG2(r), data, n * sizeof(data[0]));
}

int64_t sys_capset(struct regs *r)
{
	uint32_t data[2][3];
	uint64_t new[3] = { 0 };
	unsigned n = 0;
	int64_t rc = cap_header(r, &n);

	if (rc || !n)
		return rc ? rc : -LINUX_EINVAL;
	if (user_read(data, ARG2(r), n * sizeof(data[0])))
		return -LINUX_EFAULT;
	for (unsigned i = 0; i < n; i++)
		for (unsigned j = 0; j < 3; j++)
			new[j] |= (uint64_t)data[i][j] << 32 * i;
	if ((new[1] & ~caps[1]) || (new[0] & ~new[1]) ||
	    (new[2] & ~(caps[1] | caps[2])))
		return -LINUX_EPERM;
	memcpy(caps, new, sizeof(caps));
	return 0;
}

int64_t sys_personality(struct regs *r)
{
	static uint32_t persona;
	const uint32_t old = persona;

	if ((uint32_t)ARG1(r) != PERSONALITY_GET)
		persona = (uint32_t)ARG1(r);
	return old;
}
