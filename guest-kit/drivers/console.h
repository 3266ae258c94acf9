/* console.h: the program's standard streams over virtio console devices. The
 * first device is input and output; a second one, if there, is standard
 * error. Devices are started when first used; without any, output vanishes
 * and input has ended. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DRIVERS_CONSOLE_H
#define DRIVERS_CONSOLE_H

#include "kernel/types.h"

enum console_stream { CONSOLE_OUT, CONSOLE_ERR };

/* Takes all of it; waits only while the buffer is full. The device need not
 * see it before the next console_push. */
void console_write(enum console_stream stream, const void *buf, uint64_t len);
void console_push(enum console_stream stream);
/* Standard error, for the kernel's own words; the caller pushes. */
void console_print(const char *text);
/* Waits until the device has taken everything, or, where the kernel is in
 * trouble, for some milliseconds only. */
void console_flush(bool in_trouble);

/* 0: the input has ended; -EAGAIN: nothing there. Does not wait. */
WUR int64_t console_read(void *buf, uint64_t len);
/* console_read would not say -EAGAIN. */
bool console_readable(void);
/* Until console_readable, or the time has come (0: never). May return
 * early. */
void console_wait_input(uint64_t until_ns);
/* True: console_readable holds now. Else fn is called (irq_on) when it may. */
bool console_listen(void (*fn)(void));

#endif
