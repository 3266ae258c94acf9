/* replay_main.c: runs a fuzz target over the files named on the command
 * line, for builds without libFuzzer. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define INPUT_MAX (1u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerInitialize(int *argc, char ***argv);

/* Optional in a target, as with libFuzzer. */
#pragma weak LLVMFuzzerInitialize

/* A copy of exactly `len` bytes, so that ASan sees reads past the end. */
static int replay(const char *path)
{
	static uint8_t buf[INPUT_MAX];
	FILE *f = fopen(path, "rb");
	uint8_t *copy;
	size_t len, i;

	if (!f) {
		perror(path);
		return -1;
	}
	len = fread(buf, 1, sizeof(buf), f);
	(void)fclose(f);
	copy = malloc(len ? len : 1);
	if (!copy)
		return -1;
	for (i = 0; i < len; i++)
		copy[i] = buf[i];
	(void)LLVMFuzzerTestOneInput(copy, len);
	free(copy);
	return 0;
}

int main(int argc, char **argv)
{
	int i, bad = 0;

	if (LLVMFuzzerInitialize)
		(void)LLVMFuzzerInitialize(&argc, &argv);
	for (i = 1; i < argc; i++) {
		/* The last of these names the input that crashed. */
		printf("Running: %s\n", argv[i]);
		(void)fflush(stdout);
		if (replay(argv[i]))
			bad = 1;
	}
	return bad;
}
