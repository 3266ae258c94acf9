/* fuzz_cmdline.c: the guest's command line.
 *
 * Input: devices, extra or not, the limit (2 bytes), then the user's words.
 * The oracle: the result is the user's bytes with one run of ours in between,
 * which starts and ends at blanks; no word "--" stands before it, and what
 * does not fit is refused exactly when it does not fit. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/err.h"
#include "boot/cmdline.h"

#define USER_MAX 5000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static bool blank(char c)
{
	return c != '\0' && strchr(" \t\n\v\f\r", c);
}

/* The kernel's way to cut words: quotes hide blanks, and are stripped at the
 * ends of a word. True when one of the first `len` bytes' words is "--". */
static bool has_separator(const char *s, size_t len)
{
	size_t i = 0;

	while (i < len) {
		bool quoted = false;
		size_t from, to;

		while (i < len && blank(s[i]))
			i++;
		from = i;
		for (; i < len && (quoted || !blank(s[i])); i++)
			quoted ^= s[i] == '"';
		to = i;
		if (to - from >= 2 && s[from] == '"' && s[to - 1] == '"') {
			from++;
			to--;
		}
		if (to - from == 2 && memcmp(s + from, "--", 2) == 0)
			return true;
	}
	return false;
}

static size_t ours(unsigned n, bool extra, char *out, size_t cap)
{
	size_t len = 0;

	out[0] = '\0';
	for (unsigned i = 0; i < n; i++)
		len += (size_t)snprintf(out + len, cap - len, "%s%s%x:%u",
					len ? " " : "",
					"virtio_mmio.device=4K@0x",
					0xc0001000 + i * 0x1000, 5 + i);
	if (extra)
		len += (size_t)snprintf(out + len, cap - len, "%sx=y",
					len ? " " : "");
	return len;
}

/* Could ours be the `len` bytes at `at`: is the rest of it the user's? */
static bool splits(const char *user, const char *at, size_t len,
		   const struct cmdline *c)
{
	size_t head = (size_t)(at - c->text), tail = c->len - head - len;
	size_t user_len = strlen(user);

	if ((head > 0 && at[-1] != ' ') || (tail > 0 && at[len] != ' '))
		return false;
	head -= head > 0;
	tail -= tail > 0;
	if (head + tail > user_len || memcmp(user, c->text, head) != 0 ||
	    memcmp(user + user_len - tail, c->text + c->len - tail, tail) != 0)
		return false;
	for (size_t i = head; i < user_len - tail; i++)
		if (!blank(user[i])) /* only blanks may be dropped */
			return false;
	if (tail > 0 && !has_separator(user + user_len - tail, tail))
		return false;
	return !has_separator(user, head) &&
	       (tail > 0 || !has_separator(user, user_len));
}

static void check(const char *user, const char *mine, size_t mine_len,
		  const struct cmdline *c)
{
	const char *at = c->text;

	CHECK(strlen(c->text) == c->len);
	if (mine_len == 0)
		return;
	/* the user may write our words too, so look at every place */
	while ((at = strstr(at, mine)) && !splits(user, at, mine_len, c))
		at++;
	CHECK(at);
}

static bool has_open_quote(const char *s)
{
	bool open = false;

	for (; *s != '\0'; s++)
		open ^= *s == '"';
	return open;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char user[USER_MAX + 1], mine[1000];
	struct err err = { 0 };
	struct cmdline c;
	size_t max, n, mine_len;
	unsigned devices;
	bool extra;
	int code;

	if (len < 4)
		return 0;
	devices = data[0] % (LAYOUT_VIRTIO_MAX + 1);
	extra = data[1] & 1;
	max = 1 + ((size_t)data[2] << 8 | data[3]) % BOOT_CMDLINE_MAX;
	n = len - 4 < USER_MAX ? len - 4 : USER_MAX;
	memcpy(user, data + 4, n);
	user[n] = '\0';
	mine_len = ours(devices, extra, mine, sizeof(mine));
	code = cmdline_build(user, devices, extra ? "x=y" : NULL, max, &c,
			     &err);
	CHECK(code == err.code);
	if (code == 0) {
		CHECK(c.len < max);
		check(user, mine, mine_len, &c);
	} else if (code == -EINVAL) {
		CHECK(has_open_quote(user));
	} else {
		CHECK(code == -E2BIG);
		CHECK(strlen(user) + mine_len + 2 >= max);
	}
	return 0;
}
