/* system.c: /dev, /proc and /sys as programs read them. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/sysmacros.h>

#include "abi.h"

static char buf[65536];

static ssize_t slurp(const char *name)
{
	int fd = open(name, O_RDONLY);
	ssize_t n, total = 0;

	if (fd < 0) {
		SAY("%s: %s", name, errname(errno));
		buf[0] = 0;
		return -1;
	}
	while ((n = read(fd, buf + total, sizeof(buf) - 1 - (size_t)total)) > 0)
		total += n;
	buf[total] = 0;
	NEED(close(fd));
	return total;
}

static void nodes(void)
{
	static const char *const names[] = { "null",   "zero",    "full",
					     "random", "urandom", "tty" };
	struct stat st;

	for (size_t i = 0; i < COUNT(names); i++) {
		snprintf(buf, 100, "/dev/%s", names[i]);
		if (stat(buf, &st))
			SAY("%s: %s", names[i], errname(errno));
		else
			SAY("%s: type %o, %u:%u", names[i], st.st_mode & S_IFMT,
			    major(st.st_rdev), minor(st.st_rdev));
	}
}

static void devices(void)
{
	int fd;

	NEED(fd = open("/dev/null", O_RDWR));
	SHOW(write(fd, "gone", 4));
	SHOW(read(fd, buf, 10));
	SHOW(lseek(fd, 0, SEEK_END));
	SHOW(ftruncate(fd, 0));
	SHOW(close(fd));
	NEED(fd = open("/dev/zero", O_RDWR));
	memset(buf, 1, 100);
	SHOW(read(fd, buf, 100));
	YES(buf[0] == 0 && buf[99] == 0);
	SHOW(write(fd, "gone", 4));
	char *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);

	YES(p != MAP_FAILED && p[0] == 0 && (p[8191] = 1));
	SHOW(close(fd));
	NEED(fd = open("/dev/full", O_RDWR));
	SHOW(write(fd, "no", 2));
	SHOW(read(fd, buf, 10));
	SHOW(close(fd));
	for (int i = 0; i < 2; i++) {
		NEED(fd = open(i ? "/dev/random" : "/dev/urandom", O_RDONLY));
		memset(buf, 0, 64);
		SHOW(read(fd, buf, 64));
		int zero = 0;

		for (int k = 0; k < 64; k++)
			zero += buf[k] == 0;
		YES(zero < 10);
		struct pollfd f = { fd, POLLIN, 0 };

		SHOW(poll(&f, 1, 0));
		SHOW(close(fd));
	}
	SHOW(open("/dev/none", O_RDONLY));
}

static void streams(void)
{
	int fd, saved;
	struct stat a, b;

	NEED(fstat(1, &a));
	static const char *const names[] = { "/dev/stdout", "/dev/fd/1",
					     "/proc/self/fd/1" };

	for (size_t i = 0; i < COUNT(names); i++) {
		NEED(fd = open(names[i], O_WRONLY));
		NEED(fstat(fd, &b));
		YES(a.st_ino == b.st_ino && a.st_dev == b.st_dev);
		NEED(close(fd));
	}
	/* standard output into a file, and back */
	enter_dir();
	fflush(stdout);
	NEED(saved = dup(1));
	NEED(fd = open("out", O_RDWR | O_CREAT, 0600));
	NEED(dup2(fd, 1));
	puts("into the file");
	fflush(stdout);
	NEED(dup2(saved, 1));
	memset(buf, 0, 100);
	SHOW(pread(fd, buf, 100, 0));
	printf("%s", buf);
	NEED(close(saved));
	NEED(close(fd));
	NEED(unlink("out"));
	leave_dir();
}

static void myself(void)
{
	char *p;
	int n = 0;

	YES(slurp("/proc/self/cmdline") > 0);
	for (p = buf; *p; p += strlen(p) + 1)
		n++;
	YES(n >= 1);
	YES(strstr(buf, "system") != NULL);
	ssize_t len = readlink("/proc/self/exe", buf, sizeof(buf) - 1);

	YES(len > 0 && buf[0] == '/');
	buf[len > 0 ? len : 0] = 0;
	YES(!strcmp(strrchr(buf, '/') + 1, "system"));
	int fd = open("/proc/self/exe", O_RDONLY);
	char magic[4] = "";

	SHOW(read(fd, magic, 4));
	YES(!memcmp(magic, "\177ELF", 4));
	NEED(close(fd));
	YES(slurp("/proc/self/stat") > 0);
	int pid = 0, ppid = -1;
	char name[64] = "", state = 0;

	n = sscanf(buf, "%d (%63[^)]) %c %d", &pid, name, &state, &ppid);
	SAY("%d fields, own pid %d, name %s, state %c", n, pid == getpid(),
	    name, state);
	n = 0;
	for (p = strchr(buf, ')'); p && *p; p++)
		n += *p == ' ';
	SAY("%d more", n);
	YES(slurp("/proc/self/status") > 0);
	p = strstr(buf, "Name:\t");
	YES(p == buf && !strncmp(p + 6, "system\n", 7));
	YES((p = strstr(buf, "\nPid:\t")) && atoi(p + 6) == getpid());
	YES((p = strstr(buf, "\nVmRSS:\t")) && atoi(p + 8) > 0);
	YES((p = strstr(buf, "\nThreads:\t")) && atoi(p + 10) == 1);
	YES(slurp("/proc/self/comm") > 0);
	SAY("%s", buf);
	snprintf(buf, 100, "/proc/%d/cmdline", getpid());
	YES(access(buf, F_OK) == 0);
	YES(slurp("/proc/self/environ") >= 0);
}

static bool map_line(const char *at, const char *rights)
{
	unsigned long want = (unsigned long)(uintptr_t)at, from, to;
	char r[8];

	for (char *line = buf; line && *line;) {
		if (sscanf(line, "%lx-%lx %7s", &from, &to, r) == 3 &&
		    want >= from && want < to)
			return !strcmp(r, rights);
		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
	}
	return false;
}

static int some_data = 1;

static void maps(void)
{
	int local = 0;
	char *p = mmap(NULL, 3 * 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS,
		       -1, 0);

	NEED((long)p);
	NEED(mprotect(p + 4096, 4096, PROT_NONE));
	YES(slurp("/proc/self/maps") > 0);
	YES(map_line((char *)(uintptr_t)maps, "r-xp"));
	YES(map_line((char *)&some_data, "rw-p"));
	YES(map_line((char *)&local, "rw-p"));
	YES(map_line(p, "r--p"));
	YES(map_line(p + 4096, "---p"));
	YES(map_line(p + 2 * 4096, "r--p"));
	YES(!map_line(NULL, "---p"));
	YES(strstr(buf, "[stack]") != NULL);
	YES(strstr(buf, "/system\n") != NULL);
	NEED(munmap(p, 3 * 4096));
}

static void machine(void)
{
	char *p;
	double up = -1, idle = -1;

	YES(slurp("/proc/meminfo") > 0);
	YES((p = strstr(buf, "MemTotal:")) && atol(p + 9) > 0);
	YES((p = strstr(buf, "MemFree:")) && atol(p + 8) > 0);
	YES((p = strstr(buf, "MemAvailable:")) && atol(p + 13) > 0);
	YES(slurp("/proc/cpuinfo") > 0);
	YES(!strncmp(buf, "processor\t: 0\n", 14));
	YES(strstr(buf, "model name\t: ") != NULL);
	YES(strstr(buf, "flags\t\t: ") != NULL);
	YES(slurp("/proc/uptime") > 0);
	SAY("%d", sscanf(buf, "%lf %lf", &up, &idle));
	YES(up >= 0 && idle >= 0);
	YES(slurp("/proc/version") > 0);
	YES(!strncmp(buf, "Linux version ", 14));
	YES(slurp("/proc/stat") > 0);
	YES(!strncmp(buf, "cpu ", 4));
	YES(slurp("/proc/loadavg") > 0);
	YES(slurp("/sys/devices/system/cpu/online") > 0);
	YES(buf[0] == '0');
	YES(slurp("/proc/sys/kernel/osrelease") > 0);
	YES(slurp("/proc/mounts") > 0);
	slurp("/proc/none");
}

static int descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	if (!d)
		return -1;
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static void listing(void)
{
	int before = descriptors(), fd = open("/dev/null", O_RDONLY);

	YES(before > 3);
	SAY("%d more", descriptors() - before);
	char to[100] = "";

	snprintf(buf, 100, "/proc/self/fd/%d", fd);
	SHOW(readlink(buf, to, sizeof(to) - 1));
	SAY("%s", to);
	NEED(close(fd));
	SHOW(readlink(buf, to, sizeof(to) - 1));
	int p[2];

	NEED(pipe(p));
	snprintf(buf, 100, "/proc/self/fd/%d", p[0]);
	YES(readlink(buf, to, sizeof(to) - 1) > 6 && !strncmp(to, "pipe:[", 6));
	NEED(close(p[0]));
	NEED(close(p[1]));
}

MAIN(CASE(nodes), CASE(devices), CASE(streams), CASE(myself), CASE(maps),
     CASE(machine), CASE(listing))
