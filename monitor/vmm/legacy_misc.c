/* legacy_misc.c: the clock chip and the keyboard controller, as little of
 * them as guests that insist look at. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <time.h>

#include "vmm/legacy_priv.h"

/* MC146818 registers */
enum {
	RTC_SEC = 0,
	RTC_MIN = 2,
	RTC_HOUR = 4,
	RTC_WDAY = 6,
	RTC_MDAY = 7,
	RTC_MONTH = 8,
	RTC_YEAR = 9,
	RTC_A = 10,
	RTC_B = 11,
	RTC_D = 13,
	RTC_CENTURY = 50,
};

#define RTC_A_DIVIDER 0x20 /* 32768 Hz, no update in progress */
#define RTC_B_24H     0x02 /* 24 hours, BCD */
#define RTC_D_VALID   0x80

static uint8_t bcd(int v)
{
	return (uint8_t)((v / 10 % 10) << 4 | v % 10);
}

uint8_t rtc_in(const struct legacy *l, unsigned off)
{
	time_t now = time(NULL);
	struct tm tm;

	if (off == 0 || !gmtime_r(&now, &tm))
		return 0xff;
	switch (l->rtc_index) {
	case RTC_SEC:
		return bcd(tm.tm_sec);
	case RTC_MIN:
		return bcd(tm.tm_min);
	case RTC_HOUR:
		return bcd(tm.tm_hour);
	case RTC_WDAY:
		return bcd(tm.tm_wday + 1);
	case RTC_MDAY:
		return bcd(tm.tm_mday);
	case RTC_MONTH:
		return bcd(tm.tm_mon + 1);
	case RTC_YEAR:
		return bcd(tm.tm_year % 100);
	case RTC_CENTURY:
		return bcd((tm.tm_year + 1900) / 100);
	case RTC_A:
		return RTC_A_DIVIDER;
	case RTC_B:
		return RTC_B_24H;
	case RTC_D:
		return RTC_D_VALID;
	default:
		return 0;
	}
}

void rtc_out(struct legacy *l, unsigned off, uint8_t value)
{
	if (off == 0)
		l->rtc_index = value & 0x7f; /* bit 7 gates the NMI */
}

/* i8042: status bits and commands */
#define KBD_STATUS_FULL    0x01
#define KBD_STATUS_SYSTEM  0x04
#define KBD_CMD_READ_BYTE  0x20
#define KBD_CMD_WRITE_BYTE 0x60
#define KBD_CMD_AUX_TEST   0xa9
#define KBD_CMD_SELF_TEST  0xaa
#define KBD_CMD_PORT_TEST  0xab
#define KBD_CMD_RESET      0xfe
#define KBD_SELF_TEST_OK   0x55

static void answer(struct legacy *l, uint8_t value)
{
	l->kbd_out = value;
	l->kbd_full = true;
}

uint8_t i8042_in(struct legacy *l, unsigned off)
{
	if (off != 0)
		return KBD_STATUS_SYSTEM | (l->kbd_full ? KBD_STATUS_FULL : 0);
	l->kbd_full = false;
	return l->kbd_out;
}

bool i8042_out(struct legacy *l, unsigned off, uint8_t value)
{
	if (off == 0) {
		if (l->kbd_cmd == KBD_CMD_WRITE_BYTE)
			l->kbd_cmd_byte = value;
		l->kbd_cmd = 0;
		return false;
	}
	l->kbd_cmd = value;
	if (value == KBD_CMD_READ_BYTE)
		answer(l, l->kbd_cmd_byte);
	else if (value == KBD_CMD_SELF_TEST)
		answer(l, KBD_SELF_TEST_OK);
	else if (value == KBD_CMD_PORT_TEST)
		answer(l, 0);
	else if (value == KBD_CMD_AUX_TEST)
		answer(l, 1); /* no mouse */
	return value == KBD_CMD_RESET;
}
