/* run_rate.c: see run_rate.h. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/run_rate.h"

#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "cli/args.h"

#define BYTES_MIN (1ull << 10)
#define BYTES_MAX (1ull << 40)
#define OPS_MAX   1000000000u

/* What follows `name` in `s`, or NULL. */
static const char *value_of(const char *s, const char *name)
{
	const size_t n = strlen(name);

	return strncmp(s, name, n) == 0 ? s + n : NULL;
}

static int bytes(const char *value, const char *name, uint64_t *ret,
		 struct err *err)
{
	int r = arg_size(value, BYTES_MIN, BYTES_MAX, ret, err);

	return r ? err_wrap(err, "%s", name) : 1;
}

static int ops(const char *value, const char *name, uint64_t *ret,
	       struct err *err)
{
	unsigned n;

	if (arg_number(value, 1, OPS_MAX, &n, err))
		return err_wrap(err, "%s", name);
	*ret = n;
	return 1;
}

int run_rate_word(const char *s, struct machine_rate *rate, struct err *err)
{
	const char *v;

	if ((v = value_of(s, "bw=")))
		return bytes(v, "bw", &rate->bytes, err);
	if ((v = value_of(s, "bw-burst=")))
		return bytes(v, "bw-burst", &rate->bytes_burst, err);
	if ((v = value_of(s, "iops=")))
		return ops(v, "iops", &rate->ops, err);
	if ((v = value_of(s, "iops-burst=")))
		return ops(v, "iops-burst", &rate->ops_burst, err);
	return 0;
}

int run_rate_check(const struct machine_rate *rate, struct err *err)
{
	if (rate->bytes_burst && !rate->bytes)
		return err_set(err, -EINVAL, "bw-burst: only with bw=RATE");
	if (rate->ops_burst && !rate->ops)
		return err_set(err, -EINVAL, "iops-burst: only with iops=N");
	return 0;
}
