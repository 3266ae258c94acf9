/* host_probe.h: gathers what this host offers guests.
 *
 * Nothing is assumed: not root, not /dev/kvm, not /proc or /sys. What cannot
 * be found out is left out or said so. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_HOST_PROBE_H
#define CLI_HOST_PROBE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "cli/host_report.h"

/* Where files are read from: "" for the host, a folder in tests. Only what is
 * read is looked up there; system calls ask the real kernel. */
struct host_fs {
	const char *root;
};

/* Appends all groups. */
void host_probe(const struct host_fs *fs, struct host_report *r);

/* The groups; in the order they are shown. */
void host_probe_kvm(const struct host_fs *fs, struct host_report *r);
void host_probe_kernel(const struct host_fs *fs, struct host_report *r);
void host_probe_memory(const struct host_fs *fs, struct host_report *r);
void host_probe_io(const struct host_fs *fs, struct host_report *r);
void host_probe_isolation(const struct host_fs *fs, struct host_report *r);
void host_probe_limits(const struct host_fs *fs, struct host_report *r);

/* --- reading --------------------------------------------------------------- */

/* The file's first bytes, as a string without the final newline. Negative
 * errno, and then an empty string. */
int host_read(const struct host_fs *fs, const char *path, char *buf,
	      size_t len);
bool host_exists(const struct host_fs *fs, const char *path);
/* The number at the start of a file. */
WUR bool host_read_number(const struct host_fs *fs, const char *path,
			  long long *ret);
/* The number after `key` at the start of a line: "MemFree:  123 kB". */
WUR bool host_read_field(const struct host_fs *fs, const char *path,
			 const char *key, long long *ret);
/* True when `word` stands in `text`, between spaces or commas. */
bool host_has_word(const char *text, const char *word);

#endif
