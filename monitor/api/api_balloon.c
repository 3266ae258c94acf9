/* api_balloon.c: the balloon's paths. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "api/api_body.h"
#include "api/api_router_priv.h"
#include "base/attr.h"
#include "vmm/control.h"
#include "vmm/machine.h"

#define MIB (1ull << 20)

/* Of what the guest reports, in the order of its tags. */
static const char *const stat_names[] = {
	[BALLOON_S_SWAP_IN] = "swap_in",
	[BALLOON_S_SWAP_OUT] = "swap_out",
	[BALLOON_S_MAJFLT] = "major_faults",
	[BALLOON_S_MINFLT] = "minor_faults",
	[BALLOON_S_MEMFREE] = "free_memory",
	[BALLOON_S_MEMTOT] = "total_memory",
	[BALLOON_S_AVAIL] = "available_memory",
	[BALLOON_S_CACHES] = "disk_caches",
	[BALLOON_S_HTLB_PGALLOC] = "hugetlb_allocations",
	[BALLOON_S_HTLB_PGFAIL] = "hugetlb_failures",
	[BALLOON_S_OOM_KILL] = "oom_kill",
	[BALLOON_S_ALLOC_STALL] = "alloc_stall",
	[BALLOON_S_ASYNC_SCAN] = "async_scan",
	[BALLOON_S_DIRECT_SCAN] = "direct_scan",
	[BALLOON_S_ASYNC_RECLAIM] = "async_reclaim",
	[BALLOON_S_DIRECT_RECLAIM] = "direct_reclaim",
};
_Static_assert(ARRAY_SIZE(stat_names) == BALLOON_TAGS, "a name for each");

/* 204, or why not. */
static void answer(struct api_answer *a, int r, const struct api_env *env)
{
	switch (r) {
	case 0:
		api_done(a);
		break;
	case -ENODEV:
		api_fault(a, "Balloon update error: No balloon device found.");
		break;
	case -ERANGE:
		api_fault(a,
			  "Balloon update error: Requested memory should be "
			  "less than %lluMiB",
			  (unsigned long long)(env->mem_len / MIB));
		break;
	case -ENOTCONN:
		api_fault(a, "Balloon update error: Device not activated yet.");
		break;
	default: /* there is nothing else to be said of hints */
		api_fault(a, "Balloon update error: Attempting to use hinting "
			     "when not enabled");
		break;
	}
}

/* --- size ------------------------------------------------------------------ */

json_t *api_balloon_json(const struct api_env *env)
{
	struct balloon_status s;

	if (machine_balloon_status(env->machine, &s))
		return json_null();
	return json_pack("{s:I, s:b, s:I, s:b, s:b}", "amount_mib",
			 (json_int_t)(s.target / MIB), "deflate_on_oom",
			 env->balloon->deflate_on_oom,
			 "stats_polling_interval_s", (json_int_t)s.stats_s,
			 "free_page_hinting", env->balloon->hinting,
			 "free_page_reporting", env->balloon->reporting);
}

void api_get_balloon(const struct api_env *env, const struct api_request *r,
		     struct api_answer *a)
{
	(void)r;
	if (env->balloon)
		api_json(a, api_balloon_json(env));
	else
		api_fault(a, "Balloon config error: No balloon device found.");
}

void api_patch_balloon(const struct api_env *env, const struct api_request *r,
		       struct api_answer *a)
{
	uint32_t mib = 0;
	const struct api_field fields[] = {
		{ "amount_mib", API_U32, true, &mib },
	};

	if (!api_body(r, fields, 1, a))
		return;
	/* the guest keeps something, as with --balloon size= */
	answer(a,
	       env->balloon && mib * MIB >= env->mem_len
		       ? -ERANGE
		       : machine_balloon_resize(env->machine, mib * MIB),
	       env);
}

/* --- statistics ------------------------------------------------------------ */

void api_get_stats(const struct api_env *env, const struct api_request *r,
		   struct api_answer *a)
{
	struct balloon_status s;
	json_t *o;

	(void)r;
	if (machine_balloon_status(env->machine, &s)) {
		answer(a, -ENODEV, env);
		return;
	}
	if (!s.stats_s) {
		api_fault(a, "Balloon update error: Received stats query when "
			     "stats are disabled.");
		return;
	}
	o = json_pack("{s:I, s:I, s:I, s:I}", "target_pages",
		      (json_int_t)(s.target / BALLOON_PAGE), "actual_pages",
		      (json_int_t)(s.actual / BALLOON_PAGE), "target_mib",
		      (json_int_t)(s.target / MIB), "actual_mib",
		      (json_int_t)(s.actual / MIB));
	for (unsigned i = 0; i < BALLOON_TAGS; i++)
		if (s.stats_valid & (1u << i))
			(void)json_object_set_new(
				o, stat_names[i],
				json_integer((json_int_t)s.stat[i]));
	api_json(a, o);
}

void api_patch_stats(const struct api_env *env, const struct api_request *r,
		     struct api_answer *a)
{
	uint32_t seconds = 0;
	const struct api_field fields[] = {
		{ "stats_polling_interval_s", API_U16, true, &seconds },
	};
	struct balloon_status s;

	if (!api_body(r, fields, 1, a))
		return;
	if (machine_balloon_status(env->machine, &s))
		answer(a, -ENODEV, env);
	else if ((seconds == 0) != (s.stats_s == 0))
		api_fault(a, "Balloon update error: Statistics cannot be "
			     "enabled/disabled after activation.");
	else if (seconds == 0)
		api_done(a);
	else
		answer(a, machine_balloon_stats_every(env->machine, seconds),
		       env);
}

/* --- hints ----------------------------------------------------------------- */

void api_hint_start(const struct api_env *env, const struct api_request *r,
		    struct api_answer *a)
{
	bool release = true;
	const struct api_field fields[] = {
		{ "acknowledge_on_stop", API_BOOL, false, &release },
	};

	if (r->body_len == 0 || api_body(r, fields, 1, a))
		answer(a, machine_balloon_hint_start(env->machine, release),
		       env);
}

void api_hint_stop(const struct api_env *env, const struct api_request *r,
		   struct api_answer *a)
{
	(void)r;
	answer(a, machine_balloon_hint_stop(env->machine), env);
}

void api_hint_status(const struct api_env *env, const struct api_request *r,
		     struct api_answer *a)
{
	struct balloon_status s;

	(void)r;
	if (!env->balloon || machine_balloon_status(env->machine, &s)) {
		answer(a, -ENODEV, env);
		return;
	}
	if (!env->balloon->hinting) {
		answer(a, -EOPNOTSUPP, env);
		return;
	}
	api_json(a, json_pack("{s:I, s:o}", "host_cmd",
			      (json_int_t)s.hint_host_cmd, "guest_cmd",
			      s.hint_answered ? json_integer(s.hint_guest_cmd)
					      : json_null()));
}
