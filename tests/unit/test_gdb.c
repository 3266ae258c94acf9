/* test_gdb.c: the debugger's protocol, spoken to a made-up stop. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <string.h>

#include "debug/gdb.h"
#include "debug/gdb_regs.h"
#include "tests/support/stop_rig.h"

static struct stop_rig rig;
static struct gdb gdb;
static unsigned resumed, interrupted, killed;

static void on_resume(void *ctx)
{
	(void)ctx;
	resumed++;
}

static void on_interrupt(void *ctx)
{
	(void)ctx;
	interrupted++;
}

static void on_kill(void *ctx)
{
	(void)ctx;
	killed++;
}

static const struct gdb_ops ops = { on_resume, on_interrupt, on_kill };

static void up(void)
{
	const struct gdb_config cfg = { .ops = &ops,
					.exec_file = "/bin/prog",
					.wait = true };

	resumed = interrupted = killed = 0;
	stop_rig_up(&rig);
	gdb_init(&gdb, &cfg);
}

static void down(void)
{
	stop_rig_down(&rig);
}

TestSuite(gdb, .init = up, .fini = down, .timeout = 10);

/* The guest stops, for that reason. */
static bool stop_now(unsigned reason, unsigned signal)
{
	rig.s.reason = reason;
	rig.s.signal = signal;
	stop_rig_write(&rig);
	cr_assert_eq(stop_load(&rig.stop, RIG_STOP), 0);
	return gdb_stopped(&gdb, &rig.stop);
}

static void send_bytes(const char *bytes, size_t n)
{
	size_t used = 0;

	while (used < n && !gdb_is_busy(&gdb))
		used += gdb_feed(&gdb, bytes + used, n - used);
	cr_assert_eq(used, n);
}

/* What it says next, ended with NUL; its buffer is empty then. */
static const char *heard(void)
{
	static char text[GDB_OUTPUT_MAX + 1];

	memcpy(text, gdb.out.bytes, gdb.out.len);
	text[gdb.out.len] = '\0';
	gdb.out.len = 0;
	return text;
}

static void send_packet(const char *text)
{
	char buf[GDB_PACKET_MAX + 8];
	unsigned sum = 0;

	for (const char *p = text; *p; p++)
		sum += (uint8_t)*p;
	send_bytes(buf, (size_t)snprintf(buf, sizeof(buf), "$%s#%02x", text,
					 sum & 0xff));
}

/* A packet, and the text of its answer. */
static const char *ask(const char *text)
{
	const char *s;
	char *end;

	send_packet(text);
	s = heard();
	cr_assert_eq(strncmp(s, "+$", 2), 0, "%s: '%s'", text, s);
	end = strrchr(s, '#');
	cr_assert(end && strlen(end) == 3);
	*end = '\0';
	return s + 2;
}

/* Attached, stopped before the first instruction. */
static void attach(void)
{
	gdb_attach(&gdb);
	cr_assert(stop_now(DEBUG_START, 0));
}

Test(gdb, waits_for_a_client_before_the_start)
{
	cr_assert(stop_now(DEBUG_START, 0));
	cr_assert_eq(resumed, 0);
	gdb_attach(&gdb);
	cr_assert_eq(interrupted, 0);
	cr_assert_str_eq(ask("?"), "T05thread:1;");
}

Test(gdb, answers_when_a_running_program_has_stopped)
{
	gdb_attach(&gdb);
	cr_assert_eq(interrupted, 1);
	send_packet("qXfer:features:read:target.xml:0,40");
	cr_assert_str_eq(heard(), "+");
	cr_assert(gdb_is_busy(&gdb));
	cr_assert(stop_now(DEBUG_INTERRUPT, 0));
	cr_assert_eq(strncmp(heard(), "$m<?xml", 7), 0);
	cr_assert_str_eq(ask("?"), "T02thread:1;");
}

Test(gdb, damaged_packets)
{
	attach();
	send_bytes("$?#00", 5);
	cr_assert_str_eq(heard(), "-");
	send_bytes("$?#zz", 5);
	cr_assert_str_eq(heard(), "-");
	/* one that never ended, then a good one */
	send_bytes("$m400$?#3f", 10);
	cr_assert_str_eq(heard(), "+$T05thread:1;#d7");
}

Test(gdb, a_packet_in_pieces)
{
	const char *s = "+$?#3f";

	attach();
	for (; *s; s++)
		send_bytes(s, 1);
	cr_assert_str_eq(heard(), "+$T05thread:1;#d7");
}

Test(gdb, too_long)
{
	static char buf[GDB_PACKET_MAX + 20];

	attach();
	memset(buf, 'x', sizeof(buf));
	buf[0] = '$';
	memcpy(buf + sizeof(buf) - 3, "#00", 3);
	send_bytes(buf, sizeof(buf));
	cr_assert_str_eq(heard(), "-");
}

Test(gdb, no_acknowledgements)
{
	attach();
	cr_assert_str_eq(ask("QStartNoAckMode"), "OK");
	send_packet("qC");
	cr_assert_str_eq(heard(), "$QC1#c5");
}

struct talk {
	char ask[48], answer[80];
};

ParameterizedTestParameters(gdb, talks)
{
	static struct talk t[] = {
		{ "vMustReplyEmpty", "" },
		{ "qUnheardOf", "" },
		{ "!", "" },
		{ "Z1,400000,1", "" },
		{ "qC", "QC1" },
		{ "qAttached", "0" },
		{ "vCont?", "vCont;c;C;s;S" },
		{ "qfThreadInfo", "m1,7" },
		{ "qsThreadInfo", "l" },
		{ "qThreadExtraInfo,1", "6f6e65" },
		{ "qThreadExtraInfo,2", "E01" },
		{ "T7", "OK" },
		{ "T8", "E01" },
		{ "Hg7", "OK" },
		{ "Hg8", "E01" },
		{ "Hg-1", "OK" },
		{ "Hc0", "OK" },
		{ "H", "E01" },
		{ "p10", "1010000000000000" },
		{ "p", "E01" },
		{ "p1000", "E01" },
		{ "P10=01", "E01" },
		{ "P10=zz00000000000000", "E01" },
		{ "m400000,4", "00010203" },
		{ "m400000,0", "" },
		{ "m400000", "E01" },
		{ "m1000,4", "E0e" },
		{ "mfffffffffffffffff,4", "E01" },
		{ "m401ffe,10", "1d1e202122232425262728292a2b2c2d" },
		{ "M1000,1:00", "E0e" },
		{ "M400000,2:00", "E01" },
		{ "M400000,1:0g", "E01" },
		{ "Mffff,ffffffffffffffff:00", "E01" },
		{ "Z0,1000,1", "E0e" },
		{ "Z0,400000", "E01" },
		{ "vCont;x", "E01" },
		{ "vCont;Cfff", "E01" },
		{ "vCont;c:", "E01" },
		{ "C", "E01" },
		{ "c400000", "E01" },
		{ "G00", "E01" },
		{ "qXfer:threads:read::0,8", "m<?xml ve" },
		{ "qXfer:exec-file:read:1:0,ff", "l/bin/prog" },
		{ "qXfer:exec-file:read::5,2", "mpr" },
		{ "qXfer:exec-file:read::ffffffff,2", "l" },
		{ "qXfer:auxv:read::x", "E01" },
		{ "qXfer:nothing:read::0,1", "" },
		{ "QPassSignals:e;14", "OK" },
		{ "QPassSignals:e;;x", "E01" },
	};

	return cr_make_param_array(struct talk, t, sizeof(t) / sizeof(*t));
}

ParameterizedTest(struct talk *t, gdb, talks, .timeout = 10)
{
	attach();
	cr_assert_str_eq(ask(t->ask), t->answer, "%s", t->ask);
	cr_assert_eq(resumed, 0);
}

Test(gdb, all_registers_and_back)
{
	char text[GDB_PACKET_MAX];

	attach();
	(void)snprintf(text, sizeof(text), "G%s", ask("g"));
	cr_assert_eq(strncmp(text + 1, "0a10000000000000", 16), 0, "rax");
	memcpy(text + 1, "8877665544332211", 16);
	cr_assert_str_eq(ask(text), "OK");
	cr_assert_eq(rig.stop.thread[0].regs[DEBUG_RAX], 0x1122334455667788);
	cr_assert_eq(rig.stop.thread[0].regs[DEBUG_GS_BASE],
		     0x1000 + DEBUG_GS_BASE);
}

Test(gdb, registers_of_a_thread_without_fpu)
{
	const char *s;

	attach();
	cr_assert_str_eq(ask("Hg7"), "OK");
	s = ask("p18"); /* st0 */
	cr_assert_str_eq(s, "xxxxxxxxxxxxxxxxxxxx");
	cr_assert_str_eq(ask("p10"), "1020000000000000");
}

Test(gdb, floating_point)
{
	attach();
	/* nothing was used so far: what lies there does not count */
	memset(rig.ram + RIG_FPU, 0x55, 512);
	cr_assert_str_eq(ask("p29"), "00000000000000000000000000000000");
	cr_assert_str_eq(ask("p20"), "7f030000", "fctrl");
	/* xmm1 = 40 + 1, ymm0h behind gs_base */
	cr_assert_str_eq(ask("P29=00112233445566778899aabbccddeeff"), "OK");
	cr_assert_eq(rig.ram[RIG_FPU + 160 + 16 + 15], 0xff);
	cr_assert_eq(rig.ram[RIG_FPU + 512], 7, "all of it is in use");
	cr_assert_str_eq(ask("P3c=00112233445566778899aabbccddeeff"), "OK");
	cr_assert_eq(rig.ram[RIG_FPU + 576 + 1], 0x11);
	/* ftag: all empty, then physical register 7 in use */
	cr_assert_str_eq(ask("p22"), "ffff0000");
	cr_assert_str_eq(ask("P22=ff3f0000"), "OK");
	cr_assert_eq(rig.ram[RIG_FPU + 4], 0x80);
}

Test(gdb, description_has_every_register)
{
	char text[64];
	unsigned regs = 0;
	size_t off = 0;
	static char xml[65536];
	const char *s;

	attach();
	do {
		(void)snprintf(text, sizeof(text),
			       "qXfer:features:read:target.xml:%zx,400", off);
		s = ask(text);
		cr_assert_lt(off + strlen(s), sizeof(xml));
		memcpy(xml + off, s + 1, strlen(s + 1) + 1);
		off += strlen(s + 1);
	} while (*s == 'm');
	for (s = xml; (s = strstr(s, "<reg ")); s++)
		regs++;
	cr_assert_eq(regs, gdb_regs_count(&rig.stop));
	cr_assert_eq(regs, 24 + 16 + 17 + 3 + 16);
	cr_assert(strstr(xml, "<reg name=\"ymm15h\""));
	cr_assert(strstr(xml, "</feature></target>"));
}

Test(gdb, names_of_threads_are_escaped)
{
	attach();
	cr_assert(strstr(ask("qXfer:threads:read::0,fff"),
			 "<thread id=\"7\" name=\"&lt;two\"/>"));
}

Test(gdb, memory_is_written)
{
	attach();
	cr_assert_str_eq(ask("M402000,2:beef"), "OK");
	cr_assert_eq(rig.ram[RIG_PAGES + 0x2000], 0xbe);
	/* a number sign and a dollar sign, escaped */
	cr_assert_str_eq(ask("X402001,3:}\003}\004z"), "OK");
	cr_assert_eq(memcmp(rig.ram + RIG_PAGES + 0x2000, "\xbe#$z", 4), 0);
	cr_assert_str_eq(ask("X402001,3:ab"), "E01");
}

Test(gdb, breakpoints_are_not_seen)
{
	attach();
	cr_assert_str_eq(ask("Z0,400002,1"), "OK");
	cr_assert_str_eq(ask("Z0,400002,1"), "OK");
	cr_assert_eq(rig.ram[RIG_PAGES + 2], 0xcc);
	cr_assert_str_eq(ask("m400000,4"), "00010203");
	/* written over, it stays, and the new byte comes back */
	cr_assert_str_eq(ask("M400001,2:aabb"), "OK");
	cr_assert_eq(rig.ram[RIG_PAGES + 1], 0xaa);
	cr_assert_eq(rig.ram[RIG_PAGES + 2], 0xcc);
	cr_assert_str_eq(ask("m400000,4"), "00aabb03");
	cr_assert_str_eq(ask("z0,400002,1"), "OK");
	cr_assert_eq(rig.ram[RIG_PAGES + 2], 0xbb);
	cr_assert_str_eq(ask("z0,400002,1"), "OK");
}

Test(gdb, at_a_breakpoint)
{
	attach();
	cr_assert(strstr(ask("qSupported:swbreak+"), ";swbreak+"));
	cr_assert_str_eq(ask("Z0,400002,1"), "OK");
	send_packet("vCont;c");
	cr_assert_str_eq(heard(), "+");
	cr_assert_eq(resumed, 1);
	rig.thread[0].regs[DEBUG_RIP] = 0x400003;
	cr_assert(stop_now(DEBUG_BREAK, 5));
	cr_assert_eq(strncmp(heard(), "$T05thread:1;swbreak:;#", 23), 0);
	cr_assert_eq(rig.stop.thread[0].regs[DEBUG_RIP], 0x400002);
	cr_assert_eq(rig.stop.s.signal, 0);
}

Test(gdb, actions_of_threads)
{
	attach();
	send_packet("vCont;s:7;c");
	cr_assert_eq(rig.stop.thread[0].action, DEBUG_RUN);
	cr_assert_eq(rig.stop.thread[1].action, DEBUG_STEP);
	(void)heard();
	cr_assert(stop_now(DEBUG_STEPPED, 0));
	(void)heard();
	send_packet("vCont;s:1");
	cr_assert_eq(rig.stop.thread[0].action, DEBUG_STEP);
	cr_assert_eq(rig.stop.thread[1].action, DEBUG_HOLD);
	cr_assert_eq(resumed, 2);
}

Test(gdb, signals_are_shown_and_passed)
{
	attach();
	send_packet("c");
	(void)heard();
	cr_assert(stop_now(DEBUG_SIGNAL, 7)); /* SIGBUS: 10 for gdb */
	cr_assert_eq(strncmp(heard(), "$T0athread:1;", 13), 0);
	send_packet("vCont;C0a:1;c");
	cr_assert_eq(rig.stop.s.signal, 7);
	(void)heard();
	cr_assert(stop_now(DEBUG_SIGNAL, 10));
	(void)heard();
	send_packet("vCont;c");
	cr_assert_eq(rig.stop.s.signal, 0);
}

Test(gdb, signals_that_need_no_stop)
{
	attach();
	cr_assert_str_eq(ask("QPassSignals:e"), "OK"); /* SIGALRM */
	send_packet("c");
	(void)heard();
	cr_assert_not(stop_now(DEBUG_SIGNAL, 14));
	cr_assert_eq(rig.stop.s.signal, 14);
	cr_assert_str_eq(heard(), "");
	cr_assert(stop_now(DEBUG_SIGNAL, 15));
}

Test(gdb, interrupts_a_running_program)
{
	attach();
	send_bytes("\3", 1); /* it is stopped: nothing to do */
	cr_assert_eq(interrupted, 1, "attaching");
	send_packet("c");
	(void)heard();
	send_bytes("\3\3", 2);
	cr_assert_eq(interrupted, 2);
	cr_assert(stop_now(DEBUG_INTERRUPT, 0));
	cr_assert_eq(strncmp(heard(), "$T02thread:1;", 13), 0);
	send_packet("c");
	(void)heard();
	/* one that nobody asked for */
	cr_assert_not(stop_now(DEBUG_INTERRUPT, 0));
}

Test(gdb, a_page_that_has_to_be_made)
{
	attach();
	send_packet("M403000,1:77");
	cr_assert_str_eq(heard(), "+");
	cr_assert_eq(resumed, 1);
	cr_assert_eq(rig.stop.s.request, DEBUG_POPULATE);
	cr_assert_eq(rig.stop.s.request_gva, 0x403000);
	stop_rig_entry(&rig, RIG_PT, 3, (RIG_PAGES + 0x5000) | 3);
	cr_assert(stop_now(DEBUG_START, 0));
	cr_assert_str_eq(heard(), "$OK#9a");
	cr_assert_eq(rig.ram[RIG_PAGES + 0x5000], 0x77);
}

Test(gdb, a_file_that_is_not_in_memory_yet)
{
	attach();
	send_packet("m410ffe,4");
	cr_assert_str_eq(heard(), "+");
	cr_assert_eq(rig.stop.s.request, DEBUG_POPULATE);
	cr_assert_eq(rig.stop.s.request_gva, 0x410ffe);
	stop_rig_entry(&rig, RIG_PT, 0x10, RIG_PAGES | 3);
	stop_rig_entry(&rig, RIG_PT, 0x11, (RIG_PAGES + 0x1000) | 3);
	cr_assert(stop_now(DEBUG_START, 0));
	cr_assert_eq(strncmp(heard(), "$0d0e1011#", 10), 0);
}

Test(gdb, a_page_that_cannot_be_made)
{
	attach();
	send_packet("Z0,403000,1");
	(void)heard();
	cr_assert_eq(resumed, 1);
	cr_assert(stop_now(DEBUG_START, 0));
	cr_assert_str_eq(heard(), "$E0e#da");
	cr_assert_eq(resumed, 1);
}

Test(gdb, detaching_takes_breakpoints_out)
{
	attach();
	cr_assert_str_eq(ask("Z0,400002,1"), "OK");
	cr_assert_str_eq(ask("D"), "OK");
	cr_assert_eq(rig.ram[RIG_PAGES + 2], 2);
	cr_assert_eq(resumed, 1);
	gdb_detach(&gdb);
	cr_assert_eq(resumed, 1);
	cr_assert_not(stop_now(DEBUG_SIGNAL, 11));
	cr_assert_eq(rig.stop.s.signal, 11);
}

Test(gdb, leaving_while_it_runs_takes_them_out_too)
{
	attach();
	cr_assert_str_eq(ask("Z0,400002,1"), "OK");
	send_packet("c");
	gdb_detach(&gdb);
	cr_assert_eq(interrupted, 2);
	rig.thread[0].regs[DEBUG_RIP] = 0x400003;
	cr_assert_not(stop_now(DEBUG_BREAK, 5));
	cr_assert_eq(rig.ram[RIG_PAGES + 2], 2);
	cr_assert_eq(rig.stop.thread[0].regs[DEBUG_RIP], 0x400002);
	cr_assert_eq(rig.stop.s.signal, 0);
}

Test(gdb, kill)
{
	attach();
	send_packet("k");
	cr_assert_eq(killed, 1);
	cr_assert_str_eq(heard(), "+");
	cr_assert_str_eq(ask("vKill;1"), "OK");
	cr_assert_eq(killed, 2);
}

Test(gdb, tells_the_end)
{
	attach();
	send_packet("c");
	(void)heard();
	cr_assert_not(stop_now(DEBUG_FATAL, 11));
	gdb_ended(&gdb, 139, 11);
	cr_assert_str_eq(heard(), "$X0b#ea");
	gdb_ended(&gdb, 3, 0);
	cr_assert_str_eq(heard(), "$W03#ba");
}
