/* run_net.c: see run_net.h. The words; the tap itself is run_tap.c's. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/run_net.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/err.h"
#include "cli/args.h"
#include "cli/run_rate.h"
#include "cli/run_tap.h"

#define FD_MIN  3 /* below are the standard streams */
#define MTU_MIN 68
#define MTU_MAX 65535

/* --- words ---------------------------------------------------------------- */

/* What the kernel takes for the name of an interface; '%' would be a pattern,
 * and ',' ends the word. */
static int parse_tap(const char *s, struct run_net *n, struct err *err)
{
	const size_t len = strlen(s);
	bool ok = len > 0 && len < RUN_TAP_NAME_LEN && strcmp(s, ".") != 0 &&
		  strcmp(s, "..") != 0;

	for (size_t i = 0; i < len; i++)
		if (s[i] <= ' ' || s[i] > '~' || strchr("/:%", s[i]))
			ok = false;
	if (!ok)
		return err_set(err, -EINVAL,
			       "tap='%s': allowed is the name of a tap, 1 to "
			       "%u characters without /, : and %%",
			       s, RUN_TAP_NAME_LEN - 1);
	n->tap = s;
	return 0;
}

static int parse_fd(const char *s, struct run_net *n, struct err *err)
{
	unsigned fd = 0;

	if (arg_number(s, FD_MIN, INT_MAX, &fd, err))
		return err_wrap(err, "fd");
	n->fd = (int)fd;
	return 0;
}

static bool hex_byte(const char *s, uint8_t *ret)
{
	if (!isxdigit((unsigned char)s[0]) || !isxdigit((unsigned char)s[1]))
		return false;
	*ret = (uint8_t)strtoul((const char[]){ s[0], s[1], '\0' }, NULL, 16);
	return true;
}

static int parse_mac(const char *s, struct run_net *n, struct err *err)
{
	static const uint8_t none[MACHINE_MAC_LEN];
	bool ok = strlen(s) == 3 * MACHINE_MAC_LEN - 1;

	for (unsigned i = 0; ok && i < MACHINE_MAC_LEN; i++)
		ok = hex_byte(s + (size_t)3 * i, &n->mac[i]) &&
		     (i + 1 == MACHINE_MAC_LEN || s[3 * i + 2] == ':');
	if (!ok || (n->mac[0] & 1) || memcmp(n->mac, none, sizeof(none)) == 0)
		return err_set(err, -EINVAL,
			       "mac='%s': allowed is xx:xx:xx:xx:xx:xx, the "
			       "address of one station",
			       s);
	n->has_mac = true;
	return 0;
}

static int parse_word(const char *s, struct run_net *n, int *spoof,
		      struct err *err)
{
	static const struct arg_word on_off[] = { { "off", 0 }, { "on", 1 } };
	int r = run_rate_word(s, &n->rate, err);
	unsigned v = 0;

	if (r)
		return r < 0 ? r : 0;
	if (strncmp(s, "tap=", 4) == 0)
		return parse_tap(s + 4, n, err);
	if (strncmp(s, "fd=", 3) == 0)
		return parse_fd(s + 3, n, err);
	if (strncmp(s, "mac=", 4) == 0)
		return parse_mac(s + 4, n, err);
	if (strncmp(s, "mtu=", 4) == 0) {
		if (arg_number(s + 4, MTU_MIN, MTU_MAX, &n->mtu, err))
			return err_wrap(err, "mtu");
		return 0;
	}
	if (strncmp(s, "queues=", 7) == 0) {
		if (arg_number(s + 7, 1, MACHINE_NET_PAIRS_MAX, &n->queues,
			       err))
			return err_wrap(err, "queues");
		return 0;
	}
	if (strncmp(s, "spoof=", 6) == 0) {
		if (arg_choice(s + 6, on_off, 2, &v, err))
			return err_wrap(err, "spoof");
		*spoof = (int)v;
		return 0;
	}
	return err_set(err, -EINVAL,
		       "'%s': allowed is tap=NAME or fd=N, mac=ADDRESS, "
		       "mtu=N, queues=N, spoof=on|off, " RUN_RATE_WORDS,
		       s);
}

static int check(const char *spec, const struct run_net *n, struct err *err)
{
	if ((n->tap != NULL) + (n->fd >= 0) != 1)
		return err_set(err, -EINVAL,
			       "'%s': allowed is tap=NAME or fd=N, one of "
			       "them, and further words",
			       spec);
	if (n->fd >= 0 && n->queues > 1)
		return err_set(err, -EINVAL,
			       "queues=%u: allowed is 1 with fd=: a descriptor "
			       "is one queue",
			       n->queues);
	return run_rate_check(&n->rate, err);
}

int run_net_parse(const char *spec, struct run_net *ret, struct err *err)
{
	struct run_net n = { .fd = -1, .queues = 1 };
	char *copy = strdup(spec), *rest = copy;
	int spoof = -1, r = 0;

	if (!copy)
		return err_set(err, -ENOMEM, "options");
	while (!r && rest)
		r = parse_word(strsep(&rest, ","), &n, &spoof, err);
	if (!r)
		r = check(spec, &n, err);
	if (r) {
		free(copy);
		return r;
	}
	n.spec = copy;
	/* who names an address means it */
	n.guard = spoof < 0 ? n.has_mac : spoof == 0;
	if (n.tap)
		(void)snprintf(n.name, sizeof(n.name), "tap=%s", n.tap);
	else
		(void)snprintf(n.name, sizeof(n.name), "fd=%d", n.fd);
	*ret = n;
	return 0;
}

void run_net_fini(struct run_net *n)
{
	free(n->spec);
	n->spec = NULL;
}

/* --- opening -------------------------------------------------------------- */

/* An address of our own making: local, of one station. */
static int random_mac(uint8_t *mac, struct err *err)
{
	if (getrandom(mac, MACHINE_MAC_LEN, 0) != MACHINE_MAC_LEN)
		return err_set(err, -errno, "random address");
	mac[0] = (uint8_t)((mac[0] & ~1u) | 2u);
	return 0;
}

int run_net_open(const struct run_net *n, struct machine_net *ret,
		 struct err *err)
{
	struct machine_net m = { .pairs = n->queues,
				 .link_fd = -1,
				 .guard = n->guard,
				 .rate = n->rate,
				 .name = n->name };
	int r = 0;

	memcpy(m.mac, n->mac, sizeof(m.mac));
	if (!n->has_mac)
		r = random_mac(m.mac, err);
	if (!r)
		r = n->tap ? run_tap_open(n->tap, &m, err)
			   : run_tap_take(n->fd, &m, err);
	if (r)
		return err_wrap(err, "--net %s", n->name);
	if (n->mtu)
		m.mtu = (uint16_t)n->mtu;
	*ret = m;
	return 0;
}

void run_net_close(struct machine_net *m)
{
	for (unsigned i = 0; i < m->pairs; i++)
		(void)close(m->fd[i]);
	if (m->link_fd >= 0)
		(void)close(m->link_fd);
}
