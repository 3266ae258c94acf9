/* kv.c: a machine that is nothing but a key-value store on a disk. No operating
 * system: it is linked with the guest kit (guest-kit/api/mayfly.h).
 *
 *   truncate -s 1M store.img
 *   mayfly-cc -o kv examples/api/kv.c
 *   printf 'set colour green\nget colour\n' |
 *           mayfly run --disk store.img,id=store kv
 *
 * Commands are lines: set KEY VALUE, get KEY, del KEY, list. The disk is a log:
 * a sector for each change, the last one of a key counts. A change is answered
 * when it is on the disk; one that was cut short has a wrong sum and ends the
 * log. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <mayfly.h>
#include <string.h>

#define MAGIC    0x4c56654bu
#define TEXT_MAX 492u  /* bytes of key and value in a sector */
#define SLOTS    4096u /* of the index, a power of two */
#define LINE_MAX 600u

struct record {
	uint32_t magic, sum;
	uint64_t sequence; /* which sector of the log it is */
	uint16_t key_len, value_len;
	char text[TEXT_MAX]; /* key, then value */
};

_Static_assert(sizeof(struct record) == MAYFLY_SECTOR, "a sector");

/* Where the last record of each key is: its sector + 1, by hash; 0: free. */
static uint32_t slot[SLOTS];
static struct record record; /* the one being looked at */
static uint64_t end, sectors;
static unsigned disk;

static uint32_t hash(const void *bytes, size_t len)
{
	const unsigned char *p = bytes;
	uint32_t h = 2166136261u;

	while (len-- > 0)
		h = (h ^ *p++) * 16777619u;
	return h;
}

static uint32_t sum_of(const struct record *r)
{
	return hash(&r->sequence,
		    sizeof(*r) - offsetof(struct record, sequence));
}

static bool load(uint64_t sector)
{
	return mayfly_disk_read(disk, sector, &record, sizeof(record)) == 0 &&
	       record.magic == MAGIC && record.sum == sum_of(&record) &&
	       record.sequence == sector &&
	       record.key_len + record.value_len <= TEXT_MAX;
}

/* The slot of a key, or the free one where it goes; NULL: the index is full. */
static uint32_t *find(const char *key, size_t len)
{
	uint32_t at = hash(key, len);

	for (unsigned i = 0; i < SLOTS; i++, at++) {
		uint32_t *s = &slot[at % SLOTS];

		if (!*s || (load(*s - 1) && record.key_len == len &&
			    !memcmp(record.text, key, len)))
			return s;
	}
	return NULL;
}

static void replay(void)
{
	while (end < sectors && load(end)) {
		uint32_t *s;
		char key[TEXT_MAX];
		size_t len = record.key_len;

		memcpy(key, record.text, len);
		s = find(key, len);
		if (s)
			*s = (uint32_t)++end;
		else
			return;
	}
}

static const char *put(const char *key, size_t key_len, const char *value,
		       size_t value_len)
{
	uint32_t *s = find(key, key_len);

	if (key_len == 0 || key_len + value_len > TEXT_MAX)
		return "too long, or no key";
	if (!s || end == sectors)
		return "the store is full";
	record = (struct record){ .magic = MAGIC,
				  .sequence = end,
				  .key_len = (uint16_t)key_len,
				  .value_len = (uint16_t)value_len };
	memcpy(record.text, key, key_len);
	memcpy(record.text + key_len, value, value_len);
	record.sum = sum_of(&record);
	if (mayfly_disk_write(disk, end, &record, sizeof(record)) ||
	    mayfly_disk_flush(disk))
		return "the disk failed";
	*s = (uint32_t)++end;
	return "ok";
}

static void say(const char *text, size_t len)
{
	mayfly_write(text, len);
	mayfly_write("\n", 1);
}

/* Prints the loaded record: its value, or with `all` its key, too. */
static void show(bool all)
{
	size_t from = all ? 0 : record.key_len;
	char line[TEXT_MAX + 1];
	size_t n = record.key_len + record.value_len - from;

	memcpy(line, record.text + from, n);
	if (all) {
		memmove(line + record.key_len + 1, line + record.key_len,
			record.value_len);
		line[record.key_len] = ' ';
		n++;
	}
	say(line, n);
}

/* The word at *s, which moves behind it and a blank; returns its length. */
static size_t word(const char **s, const char *stop, const char **ret)
{
	*ret = *s;
	while (*s < stop && **s != ' ')
		(*s)++;
	*s += *s < stop;
	return (size_t)(*s - *ret) - (*s > *ret && (*s)[-1] == ' ');
}

static void obey(const char *line, size_t len)
{
	const char *stop = line + len, *command, *key;
	size_t n = word(&line, stop, &command), key_len;
	const char *answer = NULL;
	uint32_t *s;

	key_len = word(&line, stop, &key);
	if (n == 3 && !memcmp(command, "set", 3))
		answer = put(key, key_len, line, (size_t)(stop - line));
	else if (n == 3 && !memcmp(command, "del", 3))
		answer = put(key, key_len, "", 0);
	else if (n == 4 && !memcmp(command, "list", 4))
		for (unsigned i = 0; i < SLOTS; i++)
			if (slot[i] && load(slot[i] - 1) && record.value_len)
				show(true);
	if (n == 3 && !memcmp(command, "get", 3)) {
		s = find(key, key_len);
		if (s && *s && load(*s - 1) && record.value_len)
			show(false);
		else
			answer = "not there";
	} else if (!answer && n != 4) {
		answer = "set KEY VALUE, get KEY, del KEY or list";
	}
	if (answer)
		say(answer, strlen(answer));
}

int main(void)
{
	char line[LINE_MAX], byte;
	struct mayfly_disk info;
	size_t len = 0;
	int64_t n;

	if (mayfly_disk_find("store") < 0)
		return mayfly_printf("no --disk FILE,id=store\n"), 1;
	disk = (unsigned)mayfly_disk_find("store");
	(void)mayfly_disk_info(disk, &info);
	sectors = info.sectors;
	replay();
	while ((n = mayfly_read(&byte, 1)) != 0) {
		if (n == MAYFLY_EAGAIN)
			mayfly_wait(MAYFLY_INPUT, MAYFLY_FOREVER);
		else if (byte != '\n' && len < sizeof(line))
			line[len++] = byte;
		else if (byte == '\n') {
			obey(line, len);
			len = 0;
		}
	}
	if (len > 0)
		obey(line, len);
	return 0;
}
