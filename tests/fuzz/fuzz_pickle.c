/* SPDX-License-Identifier: MIT */
/* Pickles: what is accepted is a tree, and is written and read again as it is,
 * as far as there is a writer for it. */
#include "fuzz.h"

#include "base/pickle.h"
#include "base/unpickle.h"

#include <stdlib.h>
#include <string.h>

/* Every node has one parent, and containers know how many they have. */
static uint64_t check(
    const pshm_pickle *pickle, uint32_t node, const uint8_t *data,
    size_t size) {
  FUZZ_CHECK(node != 0 && node < pickle->nnodes);
  const pshm_pickle_node *at = pshm_unpickle_at(pickle, node);
  uint64_t total = 1, count = 0;
  switch (at->kind) {
  case PSHM_PICKLE_TEXT:
  case PSHM_PICKLE_BYTES:
    FUZZ_CHECK(at->of.text >= data && at->of.text <= data + size);
    FUZZ_CHECK(at->count <= (size_t)(data + size - at->of.text));
    return 1;
  case PSHM_PICKLE_TUPLE:
  case PSHM_PICKLE_LIST:
  case PSHM_PICKLE_DICT:
    for (uint32_t i = at->first; i != 0;
         i = pshm_unpickle_at(pickle, i)->next) {
      total += check(pickle, i, data, size);
      count++;
      FUZZ_CHECK(total <= pickle->nnodes);
    }
    FUZZ_CHECK(count == at->count);
    FUZZ_CHECK(at->kind != PSHM_PICKLE_DICT || count % 2 == 0);
    return total;
  default:
    FUZZ_CHECK(at->kind != PSHM_PICKLE_MARK);
    return 1;
  }
}

/* False for kinds that are only read. */
static bool write(const pshm_pickle *pickle, uint32_t node, pshm_buffer *out) {
  const pshm_pickle_node *at = pshm_unpickle_at(pickle, node);
  switch (at->kind) {
  case PSHM_PICKLE_NONE:
    pshm_pickle_put_none(out);
    return true;
  case PSHM_PICKLE_INT:
    pshm_pickle_put_int(out, at->of.integer);
    return true;
  case PSHM_PICKLE_TEXT:
    pshm_pickle_put_text(out, (const char *)at->of.text, (size_t)at->count);
    return true;
  case PSHM_PICKLE_TUPLE:
  case PSHM_PICKLE_LIST:
    if (at->kind == PSHM_PICKLE_LIST)
      pshm_pickle_put_empty_list(out);
    pshm_pickle_put_mark(out);
    for (uint32_t i = at->first; i != 0; i = pshm_unpickle_at(pickle, i)->next)
      if (!write(pickle, i, out))
        return false;
    if (at->kind == PSHM_PICKLE_LIST)
      pshm_pickle_put_appends(out);
    else
      pshm_pickle_put_tuple(out);
    return true;
  default:
    return false;
  }
}

static bool are_same(
    const pshm_pickle *one, uint32_t i, const pshm_pickle *other, uint32_t j) {
  if (i == 0 || j == 0)
    return i == j;
  const pshm_pickle_node *a = pshm_unpickle_at(one, i);
  const pshm_pickle_node *b = pshm_unpickle_at(other, j);
  if (a->kind != b->kind || a->count != b->count)
    return false;
  if (a->kind == PSHM_PICKLE_INT && a->of.integer != b->of.integer)
    return false;
  if (a->kind == PSHM_PICKLE_TEXT && a->count != 0 &&
      memcmp(a->of.text, b->of.text, (size_t)a->count) != 0)
    return false;
  return are_same(one, a->first, other, b->first) &&
         are_same(one, a->next, other, b->next);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static pshm_pickle pickle, again;
  const char *reason = NULL;
  uint32_t root = pshm_unpickle_read(&pickle, data, size, &reason);
  if (root == 0) {
    FUZZ_CHECK(reason != NULL && reason[0] != 0);
    return 0;
  }
  check(&pickle, root, data, size);
  pshm_buffer out = {0};
  pshm_pickle_begin(&out);
  if (write(&pickle, root, &out)) {
    pshm_pickle_end(&out);
    again.most = 4096; /* what was shared by the memo is written out, and marks
                          are nodes */
    uint32_t same = pshm_unpickle_read(&again, out.bytes, out.size, &reason);
    /* Its own depth may be one more than the reader allows. */
    FUZZ_CHECK(same == 0 || are_same(&pickle, root, &again, same));
  }
  pshm_buffer_drop(&out);
  return 0;
}
