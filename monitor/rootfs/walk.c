/* walk.c: see walk.h. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "rootfs/walk.h"

#include <errno.h>
#include <string.h>

/* What is still to be walked: the end of `text`. */
struct rest {
	char text[WALK_PATH_MAX + 1];
	size_t at; /* of the next byte; the last one's is WALK_PATH_MAX */
};

static size_t rest_len(const struct rest *r)
{
	return WALK_PATH_MAX - r->at;
}

/* Puts a path and a '/' before what is there. */
static int push(struct rest *r, const char *path, size_t len)
{
	if (len + 1 > r->at)
		return -ENAMETOOLONG;
	r->text[--r->at] = '/';
	r->at -= len;
	memcpy(r->text + r->at, path, len);
	return 0;
}

/* The next component; false at the end. */
static bool pop(struct rest *r, const char **ret, size_t *ret_len)
{
	const char *end;

	while (rest_len(r) > 0 && r->text[r->at] == '/')
		r->at++;
	if (rest_len(r) == 0)
		return false;
	/* push has put a '/' behind everything */
	end = memchr(r->text + r->at, '/', rest_len(r));
	*ret = r->text + r->at;
	*ret_len = (size_t)(end - *ret);
	r->at += *ret_len;
	return true;
}

static int step(const struct walk_tree *t, uint32_t at, const char *name,
		size_t len, uint32_t *ret)
{
	if (!t->is_dir(t->ctx, at))
		return -ENOTDIR;
	if (len == 1 && name[0] == '.')
		*ret = at;
	else if (len == 2 && name[0] == '.' && name[1] == '.')
		*ret = t->parent(t->ctx, at);
	else
		return t->child(t->ctx, at, name, len, ret);
	return 0;
}

int walk(const struct walk_tree *t, const char *path, size_t len, uint32_t *ret)
{
	struct rest rest = { .at = WALK_PATH_MAX };
	unsigned n_links = 0;
	const char *name, *target;
	uint32_t at = 0, next;
	size_t n;
	int code = push(&rest, path, len);

	while (code == 0 && pop(&rest, &name, &n)) {
		code = step(t, at, name, n, &next);
		if (code != 0)
			break;
		target = t->target(t->ctx, next, &n);
		if (!target) {
			at = next;
			continue;
		}
		if (++n_links > WALK_LINKS_MAX)
			return -ELOOP;
		if (n > 0 && target[0] == '/')
			at = 0;
		code = push(&rest, target, n);
	}
	if (code == 0)
		*ret = at;
	return code;
}
