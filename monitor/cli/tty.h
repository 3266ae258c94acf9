/* tty.h: the user's terminal: raw while a guest has it, always given back. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_TTY_H
#define CLI_TTY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TTY_ESCAPE 0x1d /* Ctrl-] */

/* Puts terminal `fd` into raw mode. tty_restore also runs at exit(3) and on
 * a fatal signal. */
void tty_raw(int fd);
void tty_restore(void);
bool tty_is_raw(void);

/* Size of terminal `fd`; zeros when it has none. */
void tty_size(int fd, uint16_t *ret_cols, uint16_t *ret_rows);

#endif
