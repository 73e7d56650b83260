/* SPDX-License-Identifier: MIT */
/*
 * A list that is used while another thread scribbles over all of its block,
 * without a pause. It is a list of the library's own, or, with bit 1 of the
 * first byte, the same without its trailer, as stock Python's are.
 *
 * The second byte says how many edits follow; the rest are calls.
 */
#include "fuzz.h"
#include "play.h"
#include "stage.h"

#include "shm/list.h"

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum {
  MAY_OPEN = 1u | FUZZ_BIT(POLYSHM_E_CORRUPT) | FUZZ_BIT(POLYSHM_E_VERSION)
};

static fuzz_stage stage;
static polyshm_list *older;
static uint8_t *original;
static size_t begin_of_trailer;

/* --------------------------------------------------------------- scribbling */

static sem_t wanted, ended;
static const uint8_t *edits;
static size_t nedits;
static atomic_bool is_begun, is_over;

static void *scribble(void *unused) {
  (void)unused;
  for (;;) {
    while (sem_wait(&wanted) != 0)
      continue;
    for (uint64_t round = 0; !atomic_load(&is_over); round++) {
      for (size_t i = 0; i < nedits; i++)
        fuzz_stage_edit(&stage, 0, edits + i * FUZZ_STAGE_EDIT, round);
      atomic_store_explicit(&is_begun, true, memory_order_relaxed);
    }
    sem_post(&ended);
  }
  return NULL;
}

static void scribble_begin(void) {
  atomic_store(&is_over, false);
  atomic_store(&is_begun, false);
  sem_post(&wanted);
  while (!atomic_load(&is_begun))
    sched_yield();
}

static void scribble_end(void) {
  atomic_store(&is_over, true);
  while (sem_wait(&ended) != 0)
    continue;
}

/* -------------------------------------------------------------------- using */

static void begin(void) {
  pthread_t thread;
  older = fuzz_stage_list(&stage, "scribble");
  FUZZ_CHECK(pshm_list_join(older) == POLYSHM_OK);
  begin_of_trailer = (size_t)pshm_layout_area(&older->layout);
  original = malloc(stage.size);
  FUZZ_CHECK(original != NULL);
  memcpy(original, stage.bytes, stage.size);
  fuzz_play_guard(older, true);
  FUZZ_CHECK(sem_init(&wanted, 0, 0) == 0 && sem_init(&ended, 0, 0) == 0);
  FUZZ_CHECK(pthread_create(&thread, NULL, scribble, NULL) == 0);
  pthread_detach(thread);
}

static void use_anew(bool is_read_only, const uint8_t *script, size_t size) {
  polyshm_list *list = NULL;
  polyshm_status status = polyshm_list_open(
      stage.name, is_read_only ? POLYSHM_READ_ONLY : 0, &list);
  fuzz_play_expect(status, MAY_OPEN);
  if (status == POLYSHM_OK)
    fuzz_play_once(list, false, script, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (older == NULL)
    begin();
  if (size < 2 || size - 2 < (size_t)data[1] * FUZZ_STAGE_EDIT)
    return 0;
  edits = data + 2;
  nedits = data[1];
  const uint8_t *script = edits + nedits * FUZZ_STAGE_EDIT;
  size_t nscript = size - (size_t)(script - data);
  memcpy(stage.bytes, original, stage.size);
  if (data[0] & 2)
    memset(stage.bytes + begin_of_trailer, 0, stage.size - begin_of_trailer);
  FUZZ_CHECK(polyshm_list_timeout(older, 0) == POLYSHM_OK);
  scribble_begin();
  use_anew(data[0] & 1, script, nscript);
  if (!(data[0] & 2))
    fuzz_play(older, false, script, nscript);
  scribble_end();
  fuzz_stage_check(&stage);
  return 0;
}
