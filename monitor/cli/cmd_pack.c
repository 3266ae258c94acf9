/* cmd_pack.c: mayfly pack: a root as an image file. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/file.h"
#include "cli/cli.h"
#include "cli/report.h"
#include "rootfs/rootfs.h"
#include "vmm/outcome.h"

const char pack_help[] =
	"mayfly pack - pack a root for mayfly run --rootfs\n"
	"\n"
	"usage: mayfly pack SOURCE FILE\n"
	"\n"
	"SOURCE is a directory or a tar or cpio archive (not compressed). "
	"FILE\n"
	"becomes an image of it, which mayfly run maps instead of reading it.\n"
	"The same SOURCE makes the same bytes. FILE is replaced only when the\n"
	"image is complete.\n"
	"\n"
	"  -h, --help   this text\n"
	"\n"
	"exit status: 0, or 125 when something was wrong\n";

/* Writes beside `path` and renames: nobody sees half an image, or finds the
 * one that a guest has mapped changed. */
static int write_image(const struct rootfs *r, const char *path,
		       struct err *err)
{
	AUTO_FREE char *temporary = NULL;
	AUTO_FD fd = -1;
	mode_t mask = umask(0);
	int code;

	(void)umask(mask);
	if (asprintf(&temporary, "%s.XXXXXX", path) < 0) {
		temporary = NULL;
		return err_set(err, -ENOMEM, "%s", path);
	}
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return err_set(err, -errno, "%s", path);
	code = file_write_at(fd, 0, rootfs_bytes(r, 0), r->len);
	if (code == 0 && fchmod(fd, 0644 & ~mask))
		code = -errno;
	if (code == 0 && rename(temporary, path))
		code = -errno;
	if (code == 0)
		return 0;
	(void)unlink(temporary);
	return err_set(err, code, "%s", path);
}

int cmd_pack(int argc, char **argv)
{
	struct rootfs r = { .fd = -1 };
	struct err err = { 0 };

	if (argc == 2 &&
	    (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
		return fputs(pack_help, stdout) < 0 || fflush(stdout)
			       ? STATUS_ERROR
			       : 0;
	if (argc != 3 || argv[1][0] == '-') {
		(void)fprintf(stderr, "mayfly pack: needs SOURCE and FILE\n"
				      "Try 'mayfly pack --help'.\n");
		return STATUS_ERROR;
	}
	if (rootfs_open(argv[1], &r, &err) == 0)
		(void)write_image(&r, argv[2], &err);
	rootfs_close(&r);
	if (err.code == 0)
		return 0;
	report_failed(&err);
	return STATUS_ERROR;
}
