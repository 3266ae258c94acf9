/* console_file.h: the standard streams as open files. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LINUX_CONSOLE_FILE_H
#define LINUX_CONSOLE_FILE_H

struct file;

/* 0: standard input, 1: output, 2: error; one file each, which stays. The
 * reference is the caller's. */
struct file *console_file(unsigned stream);

/* Of a file that reads the input and writes to the output: /dev/console. */
struct file_ops;
const struct file_ops *console_file_ops(void);

#endif
