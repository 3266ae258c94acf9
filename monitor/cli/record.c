/* record.c: the exit record. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "cli/report.h"
#include "vmm/machine.h"
#include "vmm/outcome.h"

#define RECORD_VERSION 1
#define TAIL_LINES     20

static json_t *hex(uint64_t v)
{
	char buf[24];

	(void)snprintf(buf, sizeof(buf), "0x%" PRIx64, v);
	return json_string(buf);
}

static json_t *registers(const uint64_t *reg)
{
	json_t *o = json_object();

	for (unsigned i = 0; i < VCPU_N_REGS; i++)
		(void)json_object_set_new(o, vcpu_reg_names[i], hex(reg[i]));
	return o;
}

static json_t *dump(const struct vcpu_dump *d)
{
	char bytes[3 * sizeof(d->bytes) + 1] = "";
	json_t *o = registers(d->reg);

	for (unsigned i = 0; i < d->n_bytes; i++)
		(void)snprintf(bytes + (size_t)3 * i, 4, "%02x ", d->bytes[i]);
	if (d->n_bytes)
		bytes[3 * d->n_bytes - 1] = '\0';
	(void)json_object_set_new(o, "cr0", hex(d->cr0));
	(void)json_object_set_new(o, "cr2", hex(d->cr2));
	(void)json_object_set_new(o, "cr3", hex(d->cr3));
	(void)json_object_set_new(o, "cr4", hex(d->cr4));
	(void)json_object_set_new(o, "efer", hex(d->efer));
	(void)json_object_set_new(o, "code", json_string(bytes));
	return o;
}

/* A guest's bytes as text: printable ASCII as it is, the rest \xNN. */
static json_t *line(const uint8_t *p, size_t n)
{
	char buf[4 * MACHINE_TAIL_LEN + 1];
	size_t at = 0;

	for (size_t i = 0; i < n; i++) {
		if (p[i] >= ' ' && p[i] <= '~' && p[i] != '\\')
			buf[at++] = (char)p[i];
		else
			at += (size_t)snprintf(buf + at, 5, "\\x%02x", p[i]);
	}
	return json_stringn(buf, at);
}

static json_t *console_lines(const struct machine *m)
{
	uint8_t tail[MACHINE_TAIL_LEN];
	size_t n = machine_tail(m, tail), start = 0;
	json_t *a = json_array();

	while (start < n) {
		const uint8_t *nl = memchr(tail + start, '\n', n - start);
		size_t end = nl ? (size_t)(nl - tail) : n;
		size_t len = end - start;

		if (len > 0 && tail[end - 1] == '\r')
			len--;
		(void)json_array_append_new(a, line(tail + start, len));
		start = end + 1;
	}
	while (json_array_size(a) > TAIL_LINES)
		(void)json_array_remove(a, 0);
	return a;
}

static json_t *times(const struct report *r)
{
	static const char *const names[MACHINE_MARKS] = {
		[MARK_CREATE] = "create",
		[MARK_VM] = "vm_created",
		[MARK_IMAGE] = "image_loaded",
		[MARK_RUN] = "guest_started",
		[MARK_GUEST_ENTRY] = "first_instruction",
		[MARK_GUEST_MAIN] = "guest_main",
		[MARK_FIRST_BYTE] = "first_console_byte",
		[MARK_GUEST_EXIT] = "guest_exit",
		[MARK_DRAINED] = "console_drained",
	};
	const uint64_t *mark = machine_marks(r->machine);
	json_t *o = json_object();

	for (unsigned i = 0; i < MACHINE_MARKS; i++)
		if (mark[i] >= r->start_ns)
			(void)json_object_set_new(
				o, names[i],
				json_integer(
					(json_int_t)(mark[i] - r->start_ns) /
					1000));
	return o;
}

static json_t *exits(const struct machine *m)
{
	json_t *o = json_object();

	for (unsigned i = 0; i < VCPU_EXIT_KINDS; i++)
		if (machine_exits(m, i))
			(void)json_object_set_new(
				o, vcpu_exit_names[i],
				json_integer((json_int_t)machine_exits(m, i)));
	return o;
}

static void add_end(json_t *root, const struct outcome *o)
{
	if (o->signal)
		(void)json_object_set_new(root, "signal",
					  json_integer(o->signal));
	if (o->reason == OUTCOME_MONITOR_ERROR)
		(void)json_object_set_new(
			root, "message",
			line((const uint8_t *)o->err.msg, strlen(o->err.msg)));
	else if (o->has_report && o->report.text[0])
		(void)json_object_set_new(root, "message",
					  json_string(o->report.text));
	if (o->has_dump) {
		(void)json_object_set_new(root, "registers", dump(&o->dump));
		(void)json_object_set_new(root, "kvm_exit",
					  json_integer(o->exit.reason));
		(void)json_object_set_new(root, "kvm_detail",
					  hex(o->exit.detail[0]));
	} else if (o->has_report && o->report.signal) {
		(void)json_object_set_new(root, "registers",
					  registers(o->report.regs));
		(void)json_object_set_new(root, "fault_address",
					  hex(o->report.fault_gva));
	}
}

static int write_all(int fd, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t w = write(fd, p, n);

		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			return -errno;
		p += w;
		n -= (size_t)w;
	}
	return 0;
}

int report_record(const struct report *r, int fd, struct err *err)
{
	const struct outcome *o = r->outcome;
	json_t *root = json_object();
	char *text;
	int e;

	(void)json_object_set_new(root, "version",
				  json_integer(RECORD_VERSION));
	(void)json_object_set_new(root, "image",
				  line((const uint8_t *)r->image,
				       strnlen(r->image, MACHINE_TAIL_LEN)));
	(void)json_object_set_new(root, "status", json_integer(o->status));
	(void)json_object_set_new(root, "reason",
				  json_string(outcome_names[o->reason]));
	(void)json_object_set_new(root, "vcpu", json_integer(o->cpu));
	add_end(root, o);
	if (r->machine) {
		(void)json_object_set_new(root, "console_tail",
					  console_lines(r->machine));
		(void)json_object_set_new(root, "times_us", times(r));
		(void)json_object_set_new(root, "exits", exits(r->machine));
	}
	text = json_dumps(root, JSON_INDENT(2));
	json_decref(root);
	if (!text)
		return err_set(err, -ENOMEM, "exit record");
	e = write_all(fd, text, strlen(text));
	if (!e)
		e = write_all(fd, "\n", 1);
	free(text);
	return e ? err_set(err, e, "exit record") : 0;
}
