/* main.c: mayfly, the command. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/attr.h"
#include "cli/cli.h"
#include "vmm/outcome.h"

static const char usage[] =
	"mayfly boots tiny virtual machines in milliseconds.\n"
	"\n"
	"usage: mayfly COMMAND [OPTION]... [ARG]...\n"
	"\n"
	"  run       boot an image or a static program, exit with its status\n"
	"  pack      pack a root for run --rootfs into an image\n"
	"  check     what this host can do for guests, and how to mend it\n"
	"  version   print the version\n"
	"  help      this, or: mayfly help COMMAND\n";

static int print(const char *text)
{
	return fputs(text, stdout) < 0 || fflush(stdout) ? STATUS_ERROR : 0;
}

static int cmd_version(int argc, char **argv)
{
	(void)argv;
	if (argc > 1) {
		(void)fprintf(stderr, "mayfly version: takes no argument\n");
		return STATUS_ERROR;
	}
	return print("mayfly " MAYFLY_VERSION "\n");
}

static int cmd_help(int argc, char **argv);

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
} commands[] = {
	{ "run", cmd_run, run_help },
	{ "pack", cmd_pack, pack_help },
	{ "check", cmd_check, check_help },
	{ "version", cmd_version, "usage: mayfly version\n" },
	{ "help", cmd_help, usage },
};

static int unknown(const char *name)
{
	(void)fprintf(stderr,
		      "mayfly: '%s' is not a command: run, pack, check, "
		      "version or help\n",
		      name);
	return STATUS_ERROR;
}

static int cmd_help(int argc, char **argv)
{
	if (argc < 2)
		return print(usage);
	for (unsigned i = 0; i < ARRAY_SIZE(commands); i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return print(commands[i].help);
	return unknown(argv[1]);
}

/*
 * A standard stream that the caller closed gets a descriptor that fails as a
 * closed one does, so that no file of ours takes its number.
 */
static void hold_standard_streams(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			(void)!open("/dev/null",
				    fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

/* Device buffers are large and mostly never touched: from the heap they would
 * be zeroed, mapped they cost a page when it is used. What fits into the rest
 * of the heap is not mapped, so that rest, 132 KiB at the start, is kept
 * small. */
#define MMAP_THRESHOLD (16 * 1024)
#define TOP_PAD        (8 * 1024)

int main(int argc, char **argv)
{
	(void)mallopt(M_MMAP_THRESHOLD, MMAP_THRESHOLD);
	(void)mallopt(M_TOP_PAD, TOP_PAD);
	(void)malloc_trim(0);
	hold_standard_streams();
	if (argc < 2) {
		(void)fputs(usage, stderr);
		return STATUS_ERROR;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
		return print(usage);
	if (strcmp(argv[1], "--version") == 0)
		return print("mayfly " MAYFLY_VERSION "\n");
	for (unsigned i = 0; i < ARRAY_SIZE(commands); i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	return unknown(argv[1]);
}
