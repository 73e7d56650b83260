/* SPDX-License-Identifier: MIT */
/*
 * A list of the library's own with words of its trailer changed: seen from
 * outside, opened after that, and used through a handle that was opened before.
 *
 * The first byte says how (bit 0: to read only; 1: it is looked at; 2: all
 * blocks are), the second how many edits follow; the rest are calls.
 */
#include "fuzz.h"
#include "play.h"
#include "stage.h"

#include "shm/list.h"

#include <stdlib.h>
#include <string.h>

enum {
  MAY_OPEN = 1u | FUZZ_BIT(POLYSHM_E_CORRUPT) | FUZZ_BIT(POLYSHM_E_VERSION)
};

static fuzz_stage stage;
static polyshm_list *older;
static uint8_t *original;
static size_t begin_of_trailer;

static void begin(void) {
  older = fuzz_stage_list(&stage, "trailer");
  FUZZ_CHECK(polyshm_list_timeout(older, 0) == POLYSHM_OK);
  FUZZ_CHECK(pshm_list_join(older) == POLYSHM_OK);
  const uint8_t *bytes = older->block->map.address;
  const uint8_t *lock = (const uint8_t *)older->trailer.lock;
  begin_of_trailer = (size_t)(lock - bytes) - PSHM_TRAILER_LOCK;
  original = malloc(stage.size);
  FUZZ_CHECK(original != NULL);
  memcpy(original, stage.bytes, stage.size);
  fuzz_play_guard(older, true);
}

/* From outside it is a list if it can be opened as one. */
static void check_info(const polyshm_info *info, const polyshm_list *list) {
  FUZZ_CHECK(
      info->kind == (list != NULL ? POLYSHM_KIND_LIST : POLYSHM_KIND_BLOCK));
  FUZZ_CHECK(info->length == polyshm_list_length(list));
}

static void look(const polyshm_list *list, bool at_all) {
  polyshm_info info = {.struct_size = sizeof info};
  uint64_t orphans = 0;
  FUZZ_CHECK(polyshm_inspect(stage.name, &info) == POLYSHM_OK);
  check_info(&info, list);
  if (!at_all)
    return;
  polyshm_scan *scan = NULL;
  int nfound = 0;
  FUZZ_CHECK(polyshm_scan_open(&scan) == POLYSHM_OK);
  while (polyshm_scan_next(scan, &info) == POLYSHM_OK)
    if (strcmp(info.name, stage.name) == 0) {
      check_info(&info, list);
      nfound++;
    }
  polyshm_scan_free(scan);
  FUZZ_CHECK(nfound == 1);
  fuzz_play_expect(
      polyshm_gc(POLYSHM_GC_DRY_RUN, &orphans),
      1u | FUZZ_BIT(POLYSHM_E_UNSUPPORTED));
}

static void use_anew(uint8_t manner, const uint8_t *script, size_t size) {
  polyshm_list *list = NULL;
  polyshm_status status =
      polyshm_list_open(stage.name, manner & 1 ? POLYSHM_READ_ONLY : 0, &list);
  fuzz_play_expect(status, MAY_OPEN);
  if (manner & 2)
    look(list, manner & 4);
  if (status != POLYSHM_OK)
    return;
  FUZZ_CHECK(polyshm_list_length(list) == polyshm_list_length(older));
  fuzz_play_once(list, true, script, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (older == NULL)
    begin();
  if (size < 2 || size - 2 < (size_t)data[1] * FUZZ_STAGE_EDIT)
    return 0;
  const uint8_t *edits = data + 2;
  const uint8_t *script = edits + (size_t)data[1] * FUZZ_STAGE_EDIT;
  size_t nscript = size - (size_t)(script - data);
  memcpy(stage.bytes, original, stage.size);
  for (uint64_t i = 0; i < data[1]; i++)
    fuzz_stage_edit(&stage, begin_of_trailer, edits + i * FUZZ_STAGE_EDIT, i);
  use_anew(data[0], script, nscript);
  fuzz_play(older, true, script, nscript);
  FUZZ_CHECK(polyshm_list_timeout(older, 0) == POLYSHM_OK);
  fuzz_stage_check(&stage);
  return 0;
}
