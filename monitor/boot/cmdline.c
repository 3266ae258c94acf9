/* cmdline.c: see cmdline.h. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "boot/cmdline.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/err.h"

/* The longest entry of ours: "virtio_mmio.device=4K@0xc0012000:22". */
/* With hardware-reduced ACPI Linux expects to be reset by EFI, and without it
 * ends in a BIOS call: this says to use ACPI's reset register. */
#define LINUX_FIRST "reboot=a"

#define WORD_MAX 40

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* The end of the word at `s`: blanks inside double quotes do not end it.
 * *ret_open says whether a quote is left open. */
static const char *word_end(const char *s, bool *ret_open)
{
	bool quoted = false;

	for (; *s != '\0' && (quoted || !is_blank(*s)); s++)
		if (*s == '"')
			quoted = !quoted;
	*ret_open = quoted;
	return s;
}

/* The user's word that separates the kernel's from init's, or the end. */
static const char *separator(const char *s, bool *ret_open)
{
	*ret_open = false;
	for (;;) {
		const char *end;
		size_t len;

		while (is_blank(*s))
			s++;
		if (*s == '\0')
			return s;
		end = word_end(s, ret_open);
		len = (size_t)(end - s);
		/* Linux strips the quotes before it compares */
		if ((len == 2 && memcmp(s, "--", 2) == 0) ||
		    (len == 4 && memcmp(s, "\"--\"", 4) == 0))
			return s;
		s = end;
	}
}

/* Counts what does not fit, so that the message can say how long it is. */
static void append(struct cmdline *c, const char *s, size_t len)
{
	size_t gap = c->len > 0 && len > 0 ? 1 : 0;

	if (c->len + gap + len < sizeof(c->text)) {
		if (gap)
			c->text[c->len] = ' ';
		memcpy(c->text + c->len + gap, s, len);
		c->text[c->len + gap + len] = '\0';
	}
	c->len += gap + len;
}

static int build(const char *first, const char *user, unsigned n_devices,
		 const char *extra, size_t max, struct cmdline *ret,
		 struct err *err)
{
	bool is_open;
	const char *sep = separator(user, &is_open);
	size_t head = (size_t)(sep - user);
	struct cmdline c = { 0 };

	CHECK(max > 0 && max <= BOOT_CMDLINE_MAX);
	if (is_open) /* it would swallow our words */
		return err_set(err, -EINVAL,
			       "kernel command line: a quote (\") in "
			       "--kernel-args is not closed");
	while (head > 0 && is_blank(user[head - 1]))
		head--;
	append(&c, first, strlen(first));
	append(&c, user, head);
	for (unsigned i = 0; i < n_devices; i++) {
		char word[WORD_MAX];
		int n = snprintf(word, sizeof(word),
				 "virtio_mmio.device=4K@%#llx:%u",
				 LAYOUT_VIRTIO_BASE + i * LAYOUT_VIRTIO_LEN,
				 LAYOUT_VIRTIO_GSI + i);

		CHECK(n > 0 && (size_t)n < sizeof(word));
		append(&c, word, (size_t)n);
	}
	if (extra)
		append(&c, extra, strlen(extra));
	append(&c, sep, strlen(sep));
	if (c.len >= max)
		return err_set(err, -E2BIG,
			       "kernel command line of %zu bytes (%zu of them "
			       "--kernel-args), at most %zu",
			       c.len, strlen(user), max - 1);
	*ret = c;
	return 0;
}

bool cmdline_has_arguments(const char *user)
{
	bool is_open;

	return *separator(user, &is_open) != '\0';
}

int cmdline_build(const char *user, unsigned n_devices, const char *extra,
		  size_t max, struct cmdline *ret, struct err *err)
{
	return build("", user, n_devices, extra, max, ret, err);
}

int cmdline_build_linux(const char *user, unsigned n_devices, size_t max,
			struct cmdline *ret, struct err *err)
{
	return build(LINUX_FIRST, user, n_devices, NULL, max, ret, err);
}
