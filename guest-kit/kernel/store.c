/* store.c: a tree of pages. A leaf is a page, the inner nodes are pages of
 * pointers, and the tree is as high as its last page asks for: a file of one
 * page is that page and nothing else. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/store.h"

#include "kernel/kmem.h"
#include "kernel/page.h"
#include "kernel/vm.h"
#include "lib/string.h"
#include "linux/errno.h"

#define NODE_BITS 9
#define NODE_LEN  (1u << NODE_BITS)

struct store {
	uint64_t refs, len;
	uint64_t mapped; /* how many of the references are mappings */
	void *root;      /* a node, or at height 0 page 0 */
	unsigned height; /* nodes from the root to a page */
	/* Pages below image_pages that the tree does not have are the
	 * image's; `hidden` counts those it has. */
	gpa_t image;
	uint64_t image_pages, hidden;
	uint64_t own; /* pages of the tree */
};

/* In the tree: a hole, where there would be a page of the image. */
#define HOLE ((void *)page_zeros)

struct store *store_new(void)
{
	struct store *s = kmem_alloc(sizeof(*s));

	if (s)
		s->refs = 1;
	return s;
}

struct store *store_new_image(gpa_t gpa, uint64_t len)
{
	struct store *s = store_new();

	if (s) {
		s->len = len;
		s->image = gpa;
		s->image_pages = page_up(len) / PAGE_LEN;
	}
	return s;
}

struct store *store_get(struct store *s)
{
	s->refs++;
	return s;
}

struct store *store_get_mapped(struct store *s)
{
	s->mapped++;
	return store_get(s);
}

uint64_t store_len(const struct store *s)
{
	return s->len;
}

uint64_t store_pages(const struct store *s)
{
	return s->own + s->image_pages - s->hidden;
}

static unsigned node_index(uint64_t n, unsigned height)
{
	return (n >> (NODE_BITS * (height - 1))) % NODE_LEN;
}

/* The tree has a place for page n afterwards. */
static bool raise_root(struct store *s, uint64_t n)
{
	for (; n >> (NODE_BITS * s->height); s->height++) {
		void **node;

		if (!s->root)
			continue;
		node = page_alloc_program();
		if (!node)
			return false;
		node[0] = s->root;
		s->root = node;
	}
	return true;
}

/* Where the tree keeps page n; NULL: nowhere yet, or no memory. */
static void **place_of(struct store *s, uint64_t n, bool create)
{
	void **at = &s->root;

	if (create ? !raise_root(s, n) : n >> (NODE_BITS * s->height) != 0)
		return NULL;
	for (unsigned h = s->height; h; h--) {
		if (!*at && create)
			*at = page_alloc_program();
		if (!*at)
			return NULL;
		at = (void **)*at + node_index(n, h);
	}
	return at;
}

static const void *image_page(const struct store *s, uint64_t n)
{
	return n < s->image_pages ? phys_ptr(s->image + n * PAGE_LEN) : NULL;
}

/* A page of the tree's own for n. */
static void *make_page(struct store *s, uint64_t n, void **at)
{
	const void *old = *at ? NULL : image_page(s, n);
	void *page = page_alloc_program();

	if (!page)
		return NULL;
	if (old) {
		memcpy(page, old, PAGE_LEN);
		s->hidden++;
	}
	s->own++;
	*at = page;
	if (s->mapped)
		vm_store_changed(s, n, n + 1, false);
	return page;
}

void *store_page(struct store *s, uint64_t n, bool write)
{
	void **at = place_of(s, n, write);

	if (at && *at && (!write || *at != HOLE))
		return *at;
	if (write)
		return at ? make_page(s, n, at) : NULL;
	return n < s->image_pages ? (void *)(uintptr_t)image_page(s, n) : HOLE;
}

const void *store_image(const struct store *s)
{
	return !s->root && s->image_pages == page_up(s->len) / PAGE_LEN
		       ? phys_ptr(s->image)
		       : NULL;
}

/* Not a hole: there is something to overwrite. */
static bool has_page(struct store *s, uint64_t n)
{
	return store_page(s, n, false) != HOLE;
}

struct span {
	uint64_t from, to; /* pages */
};

/* The pages of a span leave the part of the tree at `at`, whose first page
 * is `base`; nodes left empty go, too. */
static void drop(struct store *s, void **at, unsigned height, uint64_t base,
		 struct span span)
{
	uint64_t pages = 1ull << (NODE_BITS * height);
	void **node = *at;
	bool empty = true;

	if (!node || base >= span.to || base + pages <= span.from)
		return;
	if (!height) {
		if (node != HOLE) {
			page_free(node);
			s->own--;
		}
		s->hidden -= base < s->image_pages;
		*at = NULL;
		return;
	}
	for (unsigned i = 0; i < NODE_LEN; i++) {
		drop(s, &node[i], height - 1, base, span);
		base += pages / NODE_LEN;
		empty = empty && !node[i];
	}
	if (empty) {
		page_free(node);
		*at = NULL;
	}
}

static void drop_pages(struct store *s, uint64_t from, uint64_t to)
{
	drop(s, &s->root, s->height, 0, (struct span){ from, to });
}

void store_put(struct store *s)
{
	if (--s->refs)
		return;
	drop_pages(s, 0, UINT64_MAX);
	kmem_free(s, sizeof(*s));
}

void store_put_mapped(struct store *s)
{
	s->mapped--;
	store_put(s);
}

/* Zeros for a part of one page. */
static int clear_part(struct store *s, uint64_t off, uint64_t len)
{
	uint64_t n = off / PAGE_LEN;
	uint8_t *page;

	if (!len || !has_page(s, n))
		return 0;
	page = store_page(s, n, true);
	if (!page)
		return -LINUX_ENOMEM;
	memset(page + (off & PAGE_MASK), 0, len);
	return 0;
}

/* What mappings wrote behind the end is not part of the file that grows. */
static void clear_behind(struct store *s)
{
	if (s->mapped)
		(void)clear_part(s, s->len, page_up(s->len) - s->len);
}

int store_resize(struct store *s, uint64_t len)
{
	uint64_t end = page_up(len) / PAGE_LEN;
	int rc;

	if (len > INT64_MAX)
		return -LINUX_EFBIG;
	if (len < s->len) {
		rc = clear_part(s, len, end * PAGE_LEN - len);
		if (rc)
			return rc;
		if (s->mapped)
			vm_store_changed(s, end, UINT64_MAX, true);
		drop_pages(s, end, UINT64_MAX);
		s->image_pages = min_u64(s->image_pages, end);
	} else if (len > s->len) {
		clear_behind(s);
	}
	s->len = len;
	return 0;
}

int store_punch(struct store *s, uint64_t off, uint64_t len)
{
	uint64_t end = off + len;
	uint64_t from = page_up(off), to = page_down(end);
	int rc;

	if (from > to) /* within one page */
		return clear_part(s, off, len);
	rc = clear_part(s, off, from - off);
	if (!rc)
		rc = clear_part(s, to, end - to);
	if (rc)
		return rc;
	from /= PAGE_LEN;
	to /= PAGE_LEN;
	if (s->mapped)
		vm_store_changed(s, from, to, false);
	drop_pages(s, from, to);
	for (; from < min_u64(to, s->image_pages); from++) {
		void **at = place_of(s, from, true);

		if (!at)
			return -LINUX_ENOMEM;
		*at = HOLE;
		s->hidden++;
	}
	return 0;
}

int64_t store_read(struct store *s, uint64_t off, struct io *io)
{
	uint64_t done = 0;

	while (io->left && off < s->len) {
		uint64_t in_page = off & PAGE_MASK;
		uint64_t len = min_u64(PAGE_LEN - in_page, s->len - off);
		const uint8_t *page = store_page(s, off / PAGE_LEN, false);
		uint64_t want = min_u64(len, io->left);
		int64_t n = io_put(io, page + in_page, want);

		if (n < 0)
			return done ? (int64_t)done : n;
		done += (uint64_t)n;
		off += (uint64_t)n;
		if ((uint64_t)n < want)
			break;
	}
	return (int64_t)done;
}

/* Files leave the program something to run on: where it has used all memory,
 * it ends; a file that is too long is an error it can tell. */
#define PART_LEFT 32

static uint8_t *page_to_write(struct store *s, uint64_t n)
{
	void **at = place_of(s, n, false);

	if ((!at || !*at || *at == HOLE) &&
	    page_count_free() < page_count_total() / PART_LEFT)
		return NULL;
	return store_page(s, n, true);
}

int64_t store_write(struct store *s, uint64_t off, struct io *io)
{
	uint64_t done = 0;

	if (io->left && off >= INT64_MAX)
		return -LINUX_EFBIG;
	if (io->left && off > s->len)
		clear_behind(s);
	while (io->left && off < INT64_MAX) {
		uint64_t in_page = off & PAGE_MASK;
		uint64_t want = min_u64(PAGE_LEN - in_page, io->left);
		uint8_t *page = page_to_write(s, off / PAGE_LEN);
		int64_t n;

		want = min_u64(want, INT64_MAX - off);
		n = page ? io_get(io, page + in_page, want) : -LINUX_ENOSPC;
		if (n < 0)
			return done ? (int64_t)done : n;
		done += (uint64_t)n;
		off += (uint64_t)n;
		s->len = max_u64(s->len, off);
		if ((uint64_t)n < want)
			break;
	}
	return (int64_t)done;
}
