/* archive_oracle.h: what must be true of any archive and any root image, for
 * the fuzz targets. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SUPPORT_ARCHIVE_ORACLE_H
#define SUPPORT_ARCHIVE_ORACLE_H

#include <stddef.h>
#include <stdint.h>

#include "tests/support/archive_make.h"

/* Scans, packs, checks what came out; a broken rule is a failed CHECK. */
void archive_oracle(const uint8_t *bytes, size_t len, archive_scan scan);

/* An accepted image keeps what abi/rootfs.h promises. */
void table_oracle(const struct table *t);

#endif
