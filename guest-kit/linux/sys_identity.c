/* sys_identity.c: user and group ids, capabilities, process groups. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/user.h"
#include "lib/string.h"
#include "linux/calls.h"
#include "linux/errno.h"
#include "linux/identity.h"
#include "linux/process.h"

#define KEEP       UINT32_MAX /* -1: as it is */
#define GROUPS_MAX 64u

struct identity identity_user, identity_group;

static uint32_t groups[GROUPS_MAX], n_groups;

static bool is_root(void)
{
	return !identity_user.effective;
}

int64_t sys_getuid(struct regs *r)
{
	(void)r;
	return identity_user.real;
}

int64_t sys_geteuid(struct regs *r)
{
	(void)r;
	return identity_user.effective;
}

int64_t sys_getgid(struct regs *r)
{
	(void)r;
	return identity_group.real;
}

int64_t sys_getegid(struct regs *r)
{
	(void)r;
	return identity_group.effective;
}

static int64_t get_all(const struct regs *r, const struct identity *i)
{
	if (user_write(ARG1(r), &i->real, sizeof(i->real)) ||
	    user_write(ARG2(r), &i->effective, sizeof(i->effective)) ||
	    user_write(ARG3(r), &i->saved, sizeof(i->saved)))
		return -LINUX_EFAULT;
	return 0;
}

int64_t sys_getresuid(struct regs *r)
{
	return get_all(r, &identity_user);
}

int64_t sys_getresgid(struct regs *r)
{
	return get_all(r, &identity_group);
}

static bool may_be(const struct identity *i, uint32_t id)
{
	return is_root() || id == KEEP || id == i->real || id == i->effective ||
	       id == i->saved;
}

static int64_t set_one(struct identity *i, uint32_t id)
{
	if (id == KEEP)
		return -LINUX_EINVAL;
	if (is_root())
		*i = (struct identity){ id, id, id };
	else if (id == i->real || id == i->saved)
		i->effective = id;
	else
		return -LINUX_EPERM;
	return 0;
}

int64_t sys_setuid(struct regs *r)
{
	return set_one(&identity_user, (uint32_t)ARG1(r));
}

int64_t sys_setgid(struct regs *r)
{
	return set_one(&identity_group, (uint32_t)ARG1(r));
}

static int64_t set_all(struct identity *i, uint32_t real, uint32_t effective,
		       uint32_t saved)
{
	if (!may_be(i, real) || !may_be(i, effective) || !may_be(i, saved))
		return -LINUX_EPERM;
	if (real != KEEP)
		i->real = real;
	if (effective != KEEP)
		i->effective = effective;
	if (saved != KEEP)
		i->saved = saved;
	return 0;
}

int64_t sys_setresuid(struct regs *r)
{
	return set_all(&identity_user, (uint32_t)ARG1(r), (uint32_t)ARG2(r),
		       (uint32_t)ARG3(r));
}

int64_t sys_setresgid(struct regs *r)
{
	return set_all(&identity_group, (uint32_t)ARG1(r), (uint32_t)ARG2(r),
		       (uint32_t)ARG3(r));
}

/* setreuid(2): the saved one follows, unless only the effective one changes
 * to what the real one was. */
static int64_t set_two(struct identity *i, uint32_t real, uint32_t effective)
{
	bool follows =
		real != KEEP || (effective != KEEP && effective != i->real);

	if (!is_root() && real == i->saved && real != i->real &&
	    real != i->effective)
		return -LINUX_EPERM;
	return set_all(i, real, effective,
		       !follows            ? KEEP
		       : effective != KEEP ? effective
					   : i->effective);
}

int64_t sys_setreuid(struct regs *r)
{
	return set_two(&identity_user, (uint32_t)ARG1(r), (uint32_t)ARG2(r));
}

int64_t sys_setregid(struct regs *r)
{
	return set_two(&identity_group, (uint32_t)ARG1(r), (uint32_t)ARG2(r));
}

/* What files are made with is always the effective one. */
int64_t sys_setfsuid(struct regs *r)
{
	(void)r;
	return identity_user.effective;
}

int64_t sys_setfsgid(struct regs *r)
{
	(void)r;
	return identity_group.effective;
}

int64_t sys_getgroups(struct regs *r)
{
	int32_t room = (int32_t)ARG1(r);

	if (room < 0 || (room && (uint32_t)room < n_groups))
		return -LINUX_EINVAL;
	if (room && user_write(ARG2(r), groups, n_groups * sizeof(*groups)))
		return -LINUX_EFAULT;
	return n_groups;
}

int64_t sys_setgroups(struct regs *r)
{
	uint32_t n = (uint32_t)ARG1(r), new[GROUPS_MAX];

	if (!is_root())
		return -LINUX_EPERM;
	if (n > 65536)
		return -LINUX_EINVAL;
	if (n > GROUPS_MAX)
		return -LINUX_ENOMEM;
	if (user_read(new, ARG2(r), n * sizeof(*new)))
		return -LINUX_EFAULT;
	memcpy(groups, new, n * sizeof(*new));
	n_groups = n;
	return 0;
}

static int64_t if_self(uint64_t pid, int64_t answer)
{
	return !(int32_t)pid || (int32_t)pid == PROCESS_PID ? answer
							    : -LINUX_ESRCH;
}

/* One process, which leads its group and session, and so cannot leave them. */
int64_t sys_getpgid(struct regs *r)
{
	return if_self(ARG1(r), PROCESS_PID);
}

int64_t sys_getsid(struct regs *r)
{
	return if_self(ARG1(r), PROCESS_PID);
}

int64_t sys_setpgid(struct regs *r)
{
	if ((int32_t)ARG2(r) < 0)
		return -LINUX_EINVAL;
	return if_self(ARG1(r), -LINUX_EPERM);
}

int64_t sys_setsid(struct regs *r)
{
	(void)r;
	return -LINUX_EPERM;
}

#define CAPABILITY_VERSION_1 0x19980330u
#define CAPABILITY_VERSION_2 0x20071026u
#define CAPABILITY_VERSION_3 0x20080522u
#define CAPABILITIES         0x1ffffffffffull /* 41 of them */

struct capability_header {
	uint32_t version;
	int32_t pid;
};

struct capability_data {
	uint32_t effective, permitted, inheritable;
};

/* 32 or 64 bits of each? -EINVAL names the version we like. */
static int64_t read_header(uint64_t gva, unsigned *ret_words)
{
	struct capability_header h;

	if (user_read(&h, gva, sizeof(h)))
		return -LINUX_EFAULT;
	*ret_words = h.version == CAPABILITY_VERSION_1 ? 1 : 2;
	if (h.version != CAPABILITY_VERSION_1 &&
	    h.version != CAPABILITY_VERSION_2 &&
	    h.version != CAPABILITY_VERSION_3) {
		h.version = CAPABILITY_VERSION_3;
		return user_write(gva, &h, sizeof(h)) ? -LINUX_EFAULT
						      : -LINUX_EINVAL;
	}
	return h.pid < 0 ? -LINUX_EINVAL : if_self((uint64_t)h.pid, 0);
}

int64_t sys_capget(struct regs *r)
{
	struct capability_data data[2] = { 0 };
	unsigned words = 0;
	int64_t rc = read_header(ARG1(r), &words);

	if (!ARG2(r))
		return rc == -LINUX_EINVAL ? 0 : rc;
	if (rc)
		return rc;
	if (is_root()) {
		data[0].effective = data[0].permitted = (uint32_t)CAPABILITIES;
		data[1].effective = data[1].permitted = CAPABILITIES >> 32;
	}
	return user_write(ARG2(r), data, words * sizeof(data[0]));
}

/* Nothing asks for capabilities: giving them up is easy, getting more is not
 * to be had. */
int64_t sys_capset(struct regs *r)
{
	struct capability_data data[2] = { 0 };
	unsigned words = 0;
	int64_t rc = read_header(ARG1(r), &words);

	if (!rc && user_read(data, ARG2(r), words * sizeof(data[0])))
		rc = -LINUX_EFAULT;
	if (!rc && !is_root() &&
	    (data[0].permitted || data[1].permitted || data[0].effective ||
	     data[1].effective))
		rc = -LINUX_EPERM;
	return rc;
}

#define PERSONALITY_ASK 0xffffffffu

int64_t sys_personality(struct regs *r)
{
	static uint32_t personality;
	uint32_t old = personality;

	if ((uint32_t)ARG1(r) != PERSONALITY_ASK)
		personality = (uint32_t)ARG1(r);
	return old;
}
