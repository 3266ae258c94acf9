/* irq.h: interrupts. One sets a bit and wakes the processor; the kernel looks
 * at the bits when it sleeps and before it goes back to the program, wakes
 * who waits for them and calls handlers. The interrupt controllers are set up
 * when somebody first waits. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KERNEL_IRQ_H
#define KERNEL_IRQ_H

#include "kernel/types.h"

/* Bits of kit_irq_word: sources. */
#define IRQ_CONSOLE(n) (n) /* 0, 1 */
#define IRQ_RNG        2
#define IRQ_BLK(n)     (3 + (n))  /* 0 .. 7 */
#define IRQ_NET(n)     (11 + (n)) /* 0 .. 3 */
#define IRQ_VSOCK      15
#define IRQ_TIMER      16
#define IRQ_BALLOON    17
#define IRQ_DEBUG      30

/* The edge-triggered interrupt line gsi sets `bit` from now on. */
void irq_route(unsigned gsi, unsigned bit);

/* Which of these bits were set since they were last taken. Call this, then
 * look at the devices, then irq_halt: what happens in between is not lost. */
uint32_t irq_take(uint32_t mask);

/* Halts the processor until a bit is set, or about until the clock says
 * `until_ns` (clock_now); 0: no limit. May return early. Other threads do not
 * run meanwhile: the scheduler's. */
void irq_halt(uint64_t until_ns);
/* IRQ_TIMER comes about then, or earlier; replaces what was armed. */
void irq_arm(uint64_t until_ns);
/* When it will come; UINT64_MAX: never. */
uint64_t irq_armed(void);

/* The calling thread sleeps until this bit is set or the time has come (0:
 * never). Whoever waits for a condition looks at it again. */
void irq_wait(unsigned bit, uint64_t until_ns);
/* Ends irq_wait of all that wait for the bit. */
void irq_wake(unsigned bit);

/* fn is called soon after an interrupt of this bit: before the processor
 * sleeps or goes back to the program. It is no interrupt handler: it may call
 * whatever does not sleep. */
void irq_on(unsigned bit, void (*fn)(void));
/* fn is called before the processor sleeps. */
void irq_before_halt(void (*fn)(void));
/* Calls what is due. */
void irq_run(void);

#endif
