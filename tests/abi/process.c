/* process.c: what a program is given at its start and may ask of itself. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <sys/wait.h>

#include "abi.h"

extern char **environ;
static char buf[8192];

static void environment(void)
{
	SAY("%s", getenv("ABI_SCALE") ? "scale given" : "no scale");
	SHOW(setenv("NEW", "value", 1));
	SAY("%s", getenv("NEW"));
	SHOW(unsetenv("NEW"));
	YES(getenv("NEW") == NULL);
}

static void auxiliary(void)
{
	static const struct {
		unsigned long type;
		const char *name;
	} present[] = {
		{ AT_PHDR, "PHDR" },     { AT_PHENT, "PHENT" },
		{ AT_PHNUM, "PHNUM" },   { AT_PAGESZ, "PAGESZ" },
		{ AT_ENTRY, "ENTRY" },   { AT_RANDOM, "RANDOM" },
		{ AT_EXECFN, "EXECFN" }, { AT_PLATFORM, "PLATFORM" },
		{ AT_HWCAP, "HWCAP" },   { AT_CLKTCK, "CLKTCK" },
	};

	for (size_t i = 0; i < COUNT(present); i++)
		SAY("%s: %s", present[i].name,
		    getauxval(present[i].type) ? "there" : "missing");
	SAY("%lu %lu %lu", getauxval(AT_PAGESZ), getauxval(AT_CLKTCK),
	    getauxval(AT_PHENT));
	SAY("%lu %lu %lu", getauxval(AT_SECURE), getauxval(AT_BASE),
	    getauxval(AT_FLAGS));
	SAY("%s", (const char *)getauxval(AT_PLATFORM));
	/* the words of AT_RANDOM are random */
	const unsigned char *r = (void *)getauxval(AT_RANDOM);
	int different = 0;

	for (int i = 1; i < 16; i++)
		different += r[i] != r[0];
	YES(different > 3);
}

static void identity(void)
{
	struct utsname u;
	uid_t r, e, s;
	gid_t groups[64];

	YES(getpid() > 0);
	YES(getuid() == geteuid() && getgid() == getegid());
	YES(getresuid(&r, &e, &s) == 0 && r == e && e == s);
	YES(getgroups(64, groups) >= 0);
	SHOW(uname(&u));
	SAY("%s %s", u.sysname, u.machine);
	YES(strlen(u.release) > 0 && strlen(u.version) > 0);
	YES(atoi(u.release) >= 4);
	SHOW(gethostname(buf, sizeof(buf)));
	YES(getpgid(0) >= 0);
	YES(getsid(0) >= 0);
	SHOW(setuid(getuid()));
	SHOW(setgid(getgid()));
	SHOW(syscall(SYS_uname, 8l));
}

static void limits(void)
{
	struct rlimit l, m;

	SHOW(getrlimit(RLIMIT_STACK, &l));
	YES(l.rlim_cur >= 8 << 20);
	SHOW(getrlimit(RLIMIT_NOFILE, &l));
	YES(l.rlim_cur >= 256);
	m = l;
	m.rlim_cur = 100;
	SHOW(setrlimit(RLIMIT_NOFILE, &m));
	int fds[128], n = 0;

	while (n < 128 && (fds[n] = open("/dev/null", O_RDONLY)) >= 0)
		n++;
	SAY("last %d, %s", n > 0 ? fds[n - 1] : -1, errname(errno));
	while (n > 0)
		NEED(close(fds[--n]));
	SHOW(setrlimit(RLIMIT_NOFILE, &l));
	SHOW(getrlimit(77, &l));
	m = (struct rlimit){ 10, 5 };
	SHOW(setrlimit(RLIMIT_NOFILE, &m));
	SHOW(getrlimit(RLIMIT_CORE, &l));
	SHOW(getrlimit(RLIMIT_AS, &l));
	SHOW(getpriority(PRIO_PROCESS, 0));
	YES(sysconf(_SC_PAGESIZE) == 4096);
	YES(sysconf(_SC_NPROCESSORS_ONLN) >= 1);
	YES(sysconf(_SC_NPROCESSORS_CONF) >= 1);
	YES(sysconf(_SC_PHYS_PAGES) > 1000);
	SHOW(sysconf(_SC_CLK_TCK));
	struct sysinfo si;

	SHOW(sysinfo(&si));
	YES(si.totalram > 0 && si.freeram <= si.totalram && si.mem_unit >= 1);
}

static void controls(void)
{
	char name[17] = "";

	SHOW(prctl(PR_SET_NAME, "a name that is too long", 0, 0, 0));
	SHOW(prctl(PR_GET_NAME, name, 0, 0, 0));
	SAY("%s", name);
	SHOW(prctl(PR_SET_NAME, 8ul, 0, 0, 0));
	SHOW(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0));
	SHOW(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	SHOW(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	SHOW(prctl(12345, 0, 0, 0, 0));
	SHOW(syscall(SYS_arch_prctl, 0x9999, 0));
}

static void randomness(void)
{
	unsigned char a[256], b[256];
	int zero = 0;

	memset(a, 0, sizeof(a));
	SHOW(syscall(SYS_getrandom, a, sizeof(a), 0));
	SHOW(syscall(SYS_getrandom, b, sizeof(b), 1));
	YES(memcmp(a, b, sizeof(a)) != 0);
	for (size_t i = 0; i < sizeof(a); i++)
		zero += a[i] == 0;
	YES(zero < 20);
	SHOW(syscall(SYS_getrandom, a, 10, 77));
	SHOW(syscall(SYS_getrandom, 8l, 10, 0));
	SHOW(syscall(SYS_getrandom, a, 0, 0));
}

static void unknown(void)
{
	SHOW(syscall(4711));
	SHOW(syscall(-1));
	SHOW(syscall(SYS_tuxcall));
	SHOW(wait4(-1, NULL, WNOHANG, NULL));
	SHOW(waitpid(-1, NULL, 0));
}

MAIN(CASE(environment), CASE(auxiliary), CASE(identity), CASE(limits),
     CASE(controls), CASE(randomness), CASE(unknown))
