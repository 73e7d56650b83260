/* SPDX-License-Identifier: MIT */
/* Framing: the same messages, however the bytes are cut into pieces. */
#include "fuzz.h"

#include "base/frame.h"

#include <string.h>

enum { LIMIT = 300, MESSAGES = 64 };

typedef struct found {
  size_t offsets[MESSAGES], sizes[MESSAGES];
  size_t count, used;
  bool is_refused;
} found;

static void look(const uint8_t *data, size_t size, found *all) {
  while (all->count < MESSAGES && !all->is_refused) {
    pshm_frame frame;
    pshm_frame_state state =
        pshm_frame_read(data + all->used, size - all->used, LIMIT, &frame);
    if (state == PSHM_FRAME_PART)
      return;
    if (state == PSHM_FRAME_REFUSED) {
      all->is_refused = true;
      return;
    }
    FUZZ_CHECK(frame.size <= LIMIT && frame.total >= frame.size + 4);
    FUZZ_CHECK(frame.total <= size - all->used);
    FUZZ_CHECK(frame.body + frame.size == data + all->used + frame.total);
    all->offsets[all->count] = (size_t)(frame.body - data);
    all->sizes[all->count++] = frame.size;
    all->used += frame.total;
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0)
    return 0;
  found whole = {0}, pieces = {0};
  look(data, size, &whole);
  for (size_t part = 0; part < size; part += 1 + data[part] % 7)
    look(data, part, &pieces);
  look(data, size, &pieces);
  FUZZ_CHECK(whole.count == pieces.count && whole.used == pieces.used);
  FUZZ_CHECK(whole.is_refused == pieces.is_refused);

  pshm_buffer out = {0};
  for (size_t i = 0; i < whole.count; i++)
    pshm_frame_put(&out, data + whole.offsets[i], whole.sizes[i]);
  found again = {0};
  if (out.size > 0)
    look(out.bytes, out.size, &again);
  FUZZ_CHECK(again.count == whole.count && again.used == out.size);
  for (size_t i = 0; i < whole.count; i++)
    FUZZ_CHECK(
        again.sizes[i] == whole.sizes[i] &&
        memcmp(
            out.bytes + again.offsets[i], data + whole.offsets[i],
            whole.sizes[i]) == 0);
  pshm_buffer_drop(&out);
  return 0;
}
