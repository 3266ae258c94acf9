/* walls.h: guest memory between two walls, for fuzz targets: whatever writes
 * beyond the memory changes a brick. The host side is WALL bytes, `len` bytes
 * of memory, WALL bytes. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SUPPORT_WALLS_H
#define SUPPORT_WALLS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/check.h"

#define WALL  0x1000u
#define BRICK 0xa5

/* Memory of zeros, and whole walls. */
static inline void walls_build(uint8_t *host, size_t len)
{
	memset(host, BRICK, WALL);
	memset(host + WALL, 0, len);
	memset(host + WALL + len, BRICK, WALL);
}

/* No brick has changed. */
static inline void walls_check(const uint8_t *host, size_t len)
{
	for (size_t i = 0; i < WALL; i++)
		CHECK(host[i] == BRICK && host[WALL + len + i] == BRICK);
}

#endif
