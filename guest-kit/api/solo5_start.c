/* solo5_start.c: the main of a program that has a solo5_app_main instead. By
 * itself in the library, so that others bring their own. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/mayfly.h"
#include "api/solo5.h"
#include "kernel/exit.h"
#include "kernel/page.h"
#include "lib/string.h"

/* Left for the rings and buffers of devices. */
#define KEEP_PAGES (2048 * 1024 / PAGE_LEN)

int main(int argc, char **argv);

static const char *join(int argc, char **argv)
{
	size_t len = 1, at = 0;
	char *line;

	for (int i = 1; i < argc; i++)
		len += strlen(argv[i]) + 1;
	line = mayfly_alloc(len);
	if (!line)
		machine_noexec("no memory for the command line");
	for (int i = 1; i < argc; i++) {
		if (i > 1)
			line[at++] = ' ';
		memcpy(line + at, argv[i], strlen(argv[i]));
		at += strlen(argv[i]);
	}
	return line;
}

int main(int argc, char **argv)
{
	struct solo5_start_info info = { .cmdline = join(argc, argv) };
	uint64_t n = page_count_free(), keep = KEEP_PAGES;
	void *heap = NULL;

	/* the largest run there is, or nearly */
	n -= keep < n / 4 ? keep : n / 4;
	for (; n > 0 && !heap; n -= heap ? 0 : n / 16 + 1)
		heap = page_alloc_run(n);
	if (!heap)
		machine_noexec("no memory for the heap");
	info.heap_start = (uintptr_t)heap;
	info.heap_size = n * PAGE_LEN;
	return solo5_app_main(&info);
}
