/* crash.c: a program with a bug, for docs/DEBUGGING.md: it adds up the words
 * of a list, and one of them is missing. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

struct word {
	const char *text;
	struct word *next;
};

static size_t word_len(const struct word *w)
{
	return strlen(w->text);
}

static size_t total_len(const struct word *w)
{
	size_t sum = 0;

	for (; w; w = w->next)
		sum += word_len(w);
	return sum;
}

int main(void)
{
	struct word third = { "third", NULL };
	struct word second = { NULL, &third }; /* the bug */
	struct word first = { "first", &second };

	printf("adding up\n");
	printf("%zu letters\n", total_len(&first));
	return 0;
}
