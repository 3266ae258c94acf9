/* endian.h: little-endian integers of guest memory, files and wires.
 *
 * One-member structs, so that mixing them with host integers does not
 * compile. They have no padding and the alignment of their bytes' integer. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_ENDIAN_H
#define BASE_ENDIAN_H

#include <endian.h>
#include <stdint.h>

typedef struct {
	uint16_t le;
} le16;
typedef struct {
	uint32_t le;
} le32;
typedef struct {
	uint64_t le;
} le64;

static inline uint16_t le16_get(le16 v)
{
	return le16toh(v.le);
}
static inline uint32_t le32_get(le32 v)
{
	return le32toh(v.le);
}
static inline uint64_t le64_get(le64 v)
{
	return le64toh(v.le);
}
static inline le16 le16_of(uint16_t v)
{
	return (le16){ htole16(v) };
}
static inline le32 le32_of(uint32_t v)
{
	return (le32){ htole32(v) };
}
static inline le64 le64_of(uint64_t v)
{
	return (le64){ htole64(v) };
}

#endif
