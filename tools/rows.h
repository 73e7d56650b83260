/* SPDX-License-Identifier: MIT */
/*
 * What is watched, as rows that can be compared from look to look: the items of
 * a list, or 16 bytes each of a block.
 */
#ifndef ROWS_H
#define ROWS_H

#include "items.h"
#include "node.h"
#include "polyshm.h"

#include <stdbool.h>

typedef struct row {
  bool is_bad; /* it cannot be read */
  bool is_changed;
  polyshm_value value; /* a copy of its own; of a block's row, bytes */
} row;

typedef struct rows {
  polyshm_list *list; /* or else the block */
  polyshm_block *block;
  uint64_t offset, length; /* what of the block */
  items reader;
  row *rows;
  uint64_t count;
  bool is_known; /* the first look has been taken */
} rows;

/* For a block, `offset` and `length` are set, and the length is cut. */
polyshm_status rows_open(rows *self, const polyshm_info *info);
void rows_close(rows *self, const polyshm_info *info);

/* Take the rows as they are now; how many have changed since the last look, of
 * which no more than `most` are taken. */
uint64_t rows_look(rows *self, uint64_t most);

/* For free(). */
char *rows_text(const rows *self, uint64_t number);
void rows_put_json(const rows *self, uint64_t number, json_object *object);

#endif
