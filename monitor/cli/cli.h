/* cli.h: the commands. The only layer that prints for people and exits. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

/* argv[0] is the command's own name. The result is the exit status. */
int cmd_run(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_pack(int argc, char **argv);

extern const char run_help[], check_help[], pack_help[];

#endif
