/* fuzz_http.c: the control socket's bytes, from the first one to the answer.
 *
 * Input: how to cut it, then what a client sends. The oracle: cut in pieces
 * or fed whole, the same requests come out, with the same answers; their
 * parts keep their limits; every answer is 200, 204 or 400 and has the body
 * that its head promises; the machine's target never passes its memory. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/api_answer.h"
#include "api/api_http.h"
#include "api/api_router.h"
#include "base/check.h"
#include "base/log.h"
#include "tests/support/balloon_rig.h"
#include "vmm/machine_priv.h"

#define ANSWERS 64u /* of an input; more are not looked at */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerInitialize(int *argc, char ***argv);

struct heard {
	unsigned n;
	uint64_t sum[ANSWERS]; /* of each answer */
};

static struct machine machine;
static const struct machine_balloon balloon = { .hinting = true };
static const struct api_env env = { .machine = &machine,
				    .mem_len = BLN_RAM,
				    .n_cpus = 1,
				    .image = "x",
				    .boot_args = "",
				    .balloon = &balloon };
static struct http h;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	log_setup(STDERR_FILENO, LOG_ERR);
	json_object_seed(1);
	bln_up();
	machine.balloon = bln.v;
	machine.cfg.loop = bln.loop;
	return 0;
}

/* What it began with: the same machine for both ways of cutting. */
static void set_out(void)
{
	int r;

	loop_lock(bln.loop);
	r = balloon_set_target(bln.v, 0);
	CHECK(r == 0);
	r = balloon_set_stats_interval(bln.v, 1000);
	CHECK(r == 0);
	vdev_reset(bln.v); /* ends a run of hints, whose number is not kept */
	loop_unlock(bln.loop);
}

static void look_at(const struct api_request *r)
{
	CHECK(r->method < API_METHODS);
	CHECK(strlen(r->path) <= API_TARGET_MAX);
	CHECK(r->body_len <= API_BODY_MAX && r->body[r->body_len] == '\0');
}

static void hear(struct heard *to, enum http_event e)
{
	struct api_answer a = { 0 };
	struct balloon_status s;
	size_t len = 0;
	uint64_t sum = 14695981039346656037u;
	char *bytes;
	/* counters change by being asked for; of several things that are
	 * wrong, the cut decides which is found first */
	bool differs = e == HTTP_EV_ERROR;

	loop_lock(bln.loop);
	if (e == HTTP_EV_REQUEST) {
		look_at(&h.request);
		differs = strstr(h.request.path, "metrics");
		api_route(&env, &h.request, &a);
	} else {
		CHECK(h.error[0] && strlen(h.error) < sizeof(h.error));
		api_bad_http(&a, h.error);
	}
	balloon_status(bln.v, &s);
	loop_unlock(bln.loop);
	CHECK(s.target < BLN_RAM);
	CHECK(a.status == 200 || a.status == 204 || a.status == 400);
	CHECK((a.status == 204) == (a.type == NULL));
	CHECK(!a.type || strlen(a.body) == a.len);
	bytes = api_render(&a, h.keep_alive, &len);
	CHECK(bytes && len > a.len);
	for (size_t i = 0; i < len && !differs; i++)
		sum = (sum ^ (uint8_t)bytes[i]) * 1099511628211u;
	if (to->n < ANSWERS)
		to->sum[to->n] = sum;
	to->n++;
	free(bytes);
	api_answer_fini(&a);
}

/* Feeds all in pieces whose lengths follow from `cut`; up to an error. */
static void say(const uint8_t *data, size_t len, uint8_t cut, struct heard *to)
{
	size_t at = 0;
	uint8_t step = cut;

	http_init(&h);
	set_out();
	while (at < len) {
		size_t part = cut ? 1u + step % 17u : len - at, used;
		enum http_event e;

		if (part > len - at)
			part = len - at;
		e = http_feed(&h, (const char *)data + at, part, &used);
		CHECK(used <= part);
		CHECK(e != HTTP_EV_MORE || used == part);
		at += used;
		step = (uint8_t)(step * 5 + 3);
		if (e == HTTP_EV_REQUEST || e == HTTP_EV_ERROR)
			hear(to, e);
		if (e == HTTP_EV_ERROR)
			return;
		if (e == HTTP_EV_REQUEST)
			http_next(&h);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct heard whole = { 0 }, cut = { 0 };

	if (len < 1)
		return 0;
	say(data + 1, len - 1, 0, &whole);
	say(data + 1, len - 1, data[0] | 1, &cut);
	CHECK(whole.n == cut.n);
	for (unsigned i = 0; i < whole.n && i < ANSWERS; i++)
		CHECK(whole.sum[i] == cut.sum[i]);
	return 0;
}
