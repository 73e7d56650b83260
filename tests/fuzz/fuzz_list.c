/* SPDX-License-Identifier: MIT */
/*
 * Lists that somebody else has written, of any bytes: opened, and used while
 * nobody changes them.
 *
 * The first byte says how (bit 0: to read only), the second how many calls
 * follow; the rest is the block.
 */
#include "fuzz.h"
#include "play.h"
#include "stage.h"

enum {
  MAY_OPEN = 1u | FUZZ_BIT(POLYSHM_E_CORRUPT) | FUZZ_BIT(POLYSHM_E_VERSION)
};

/* A list is what can be opened as one; an empty one may look like none. */
static void inspect(const fuzz_stage *stage, const polyshm_list *list) {
  polyshm_info info = {.struct_size = sizeof info};
  FUZZ_CHECK(polyshm_inspect(stage->name, &info) == POLYSHM_OK);
  FUZZ_CHECK(info.size == stage->size);
  FUZZ_CHECK(info.length == polyshm_list_length(list));
  if (info.kind == POLYSHM_KIND_LIST || info.length > 0)
    FUZZ_CHECK(info.kind == POLYSHM_KIND_LIST && list != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static fuzz_stage stage;
  if (stage.bytes == NULL)
    fuzz_stage_open(&stage, "list");
  if (size < 2)
    return 0;
  bool is_read_only = data[0] & 1;
  size_t script = (size_t)data[1] * FUZZ_PLAY_STEP;
  if (script >= size - 2 || size - 2 - script > FUZZ_STAGE_MOST)
    return 0;
  fuzz_stage_fill(&stage, data + 2 + script, size - 2 - script);

  polyshm_list *list = NULL;
  polyshm_status status = polyshm_list_open(
      stage.name, is_read_only ? POLYSHM_READ_ONLY : 0, &list);
  fuzz_play_expect(status, MAY_OPEN);
  if (data[0] & 2)
    inspect(&stage, list);
  if (status != POLYSHM_OK)
    return 0;
  fuzz_play_once(list, true, data + 2, script);
  fuzz_stage_check(&stage);
  return 0;
}
