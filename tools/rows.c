/* SPDX-License-Identifier: MIT */
#include "rows.h"

#include "block.h"
#include "bytes.h"
#include "output.h"
#include "text.h"
#include "value.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { SHORT_VALUE = 200 }; /* bytes of a string */

/* ---------------------------------------------------------------- opening */

/* Who may write can sleep until woken; who may not looks now and then. */
static polyshm_status open_list(rows *self, const char *name) {
  polyshm_status status = polyshm_list_open(name, POLYSHM_FOREIGN, &self->list);
  if (status == POLYSHM_E_ACCESS)
    status = polyshm_list_open(
        name, POLYSHM_READ_ONLY | POLYSHM_FOREIGN, &self->list);
  if (status == POLYSHM_OK) {
    self->reader.list = self->list;
    self->count = polyshm_list_length(self->list);
  }
  return status;
}

static polyshm_status open_block(rows *self, const char *name) {
  polyshm_status status = polyshm_block_open(
      name, 0, POLYSHM_READ_ONLY | POLYSHM_FOREIGN, NULL, &self->block);
  if (status != POLYSHM_OK)
    return status;
  uint64_t size = polyshm_block_size(self->block);
  uint64_t left = self->offset < size ? size - self->offset : 0;
  self->length = self->length < left ? self->length : left;
  self->count =
      self->length / BYTES_PER_ROW + (self->length % BYTES_PER_ROW > 0);
  return POLYSHM_OK;
}

polyshm_status rows_open(rows *self, const polyshm_info *info) {
  polyshm_status status = info->kind == POLYSHM_KIND_LIST
                              ? open_list(self, info->name)
                              : open_block(self, info->name);
  if (status == POLYSHM_OK) {
    self->rows = output_memory(NULL, self->count * sizeof *self->rows);
    memset(self->rows, 0, self->count * sizeof *self->rows);
  }
  return status;
}

/* ---------------------------------------------------------------- looking */

static bool has_bytes(const polyshm_value *value) {
  return value->type == POLYSHM_STRING || value->type == POLYSHM_BYTES;
}

static void replace(row *one, bool is_bad, const polyshm_value *value) {
  void *old = has_bytes(&one->value) ? (void *)one->value.of.p : NULL;
  one->is_bad = is_bad;
  one->value = *value;
  if (!has_bytes(value)) {
    free(old);
    return;
  }
  void *copy = output_memory(old, value->size);
  if (value->size > 0)
    memcpy(copy, value->of.p, value->size);
  one->value.of.p = copy;
}

void rows_close(rows *self, const polyshm_info *info) {
  polyshm_value nothing = {.type = POLYSHM_NONE};
  for (uint64_t i = 0; i < self->count; i++)
    replace(self->rows + i, false, &nothing);
  free(self->rows);
  items_end(&self->reader);
  const void *handle =
      self->list != NULL ? (const void *)self->list : self->block;
  if (block_is_left_open(info, handle))
    return;
  polyshm_list_free(self->list);
  polyshm_block_free(self->block);
}

static uint64_t offset_of(const rows *self, uint64_t number) {
  return self->offset + number * BYTES_PER_ROW;
}

static polyshm_status read_row(
    rows *self, uint64_t number, unsigned char *bytes,
    polyshm_value *out_value) {
  if (self->list != NULL)
    return items_read(&self->reader, number, out_value);
  uint64_t left = self->length - number * BYTES_PER_ROW;
  uint64_t size = left < BYTES_PER_ROW ? left : BYTES_PER_ROW;
  *out_value = (polyshm_value){.type = POLYSHM_BYTES, .size = size};
  out_value->of.p = bytes;
  return polyshm_block_read(self->block, offset_of(self, number), bytes, size);
}

uint64_t rows_look(rows *self, uint64_t most) {
  uint64_t found = 0;
  unsigned char bytes[BYTES_PER_ROW];
  for (uint64_t i = 0; i < self->count; i++) {
    row *one = self->rows + i;
    polyshm_value value;
    bool is_bad = read_row(self, i, bytes, &value) != POLYSHM_OK;
    if (is_bad)
      value = (polyshm_value){.type = POLYSHM_NONE};
    bool is_other = is_bad != one->is_bad || !items_equal(&value, &one->value);
    one->is_changed = self->is_known && is_other && found < most;
    if (one->is_changed || !self->is_known)
      replace(one, is_bad, &value);
    found += one->is_changed;
  }
  self->is_known = true;
  return found;
}

/* ---------------------------------------------------------------- showing */

static void put_item(FILE *out, const rows *self, uint64_t number) {
  const polyshm_value *value = &self->rows[number].value;
  char *text = value_text(value, SHORT_VALUE);
  fprintf(out, "%5" PRIu64 "  %-5s  %s", number, value_type(value), text);
  free(text);
}

char *rows_text(const rows *self, uint64_t number) {
  const row *one = self->rows + number;
  char *text = NULL;
  size_t size;
  FILE *out = open_memstream(&text, &size);
  if (out == NULL)
    output_no_memory();
  if (one->is_bad)
    fprintf(out, "%5" PRIu64 "  cannot be read", number);
  else if (self->list != NULL)
    put_item(out, self, number);
  else
    bytes_put_dump(
        out, offset_of(self, number), one->value.of.p, one->value.size);
  if (fclose(out) != 0)
    output_no_memory();
  return text;
}

void rows_put_json(const rows *self, uint64_t number, json_object *object) {
  const row *one = self->rows + number;
  if (self->list != NULL)
    node_put(object, "index", node_uint(number));
  else
    node_put(object, "offset", node_uint(offset_of(self, number)));
  if (one->is_bad)
    node_put(object, "type", NULL);
  else if (self->list != NULL)
    value_json(object, &one->value);
  else
    node_put(object, "hex", node_hex(one->value.of.p, one->value.size));
}
