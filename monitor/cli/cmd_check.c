/* cmd_check.c: mayfly check: can guests run on this host, how well, and what
 * would help. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/host_probe.h"
#include "vmm/outcome.h"

const char check_help[] =
	"mayfly check - what this host can do for guests, and how to mend it\n"
	"\n"
	"usage: mayfly check [OPTION]...\n"
	"\n"
	"Looks at KVM, the kernel, memory, isolation, I/O and limits, and "
	"runs\n"
	"a few thousand instructions in a virtual machine to see that it "
	"works\n"
	"and how fast. Changes nothing. Needs no privilege; what this user "
	"may\n"
	"not see is left out. One line a finding:\n"
	"\n"
	"  ok       as it should be\n"
	"  slow     works, and could be faster or roomier\n"
	"  missing  not there: guests go without, or cannot run\n"
	"\n"
	"      --json   one JSON object: version, can_run, overall, and "
	"checks\n"
	"               (id, group, status, required, value, text, mend)\n"
	"  -h, --help   this text\n"
	"\n"
	"exit status:\n"
	"  0        a guest can run\n"
	"  1        no guest can run\n"
	"  125      mayfly itself failed: options, output\n";

#define STATUS_CANNOT_RUN 1

static int fail(const char *why)
{
	(void)fprintf(stderr, "mayfly check: %s\n", why);
	return STATUS_ERROR;
}

int cmd_check(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	static const struct host_fs host = { .root = "" };
	static struct host_report report; /* 40 KiB: not on the stack */
	bool json = false;
	int opt, rc;

	optind = 0; /* start over: main may have used getopt */
	opterr = 0;
	while ((opt = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (opt) {
		case 'j':
			json = true;
			break;
		case 'h':
			return fputs(check_help, stdout) < 0 || fflush(stdout)
				       ? STATUS_ERROR
				       : 0;
		default:
			return fail("unknown option; see mayfly check --help");
		}
	}
	if (optind < argc)
		return fail("takes no argument; see mayfly check --help");
	host_probe(&host, &report);
	rc = json ? host_print_json(&report, stdout)
		  : host_print(&report, stdout);
	if (rc < 0)
		return fail(strerror(-rc));
	return host_can_run(&report) ? 0 : STATUS_CANNOT_RUN;
}
