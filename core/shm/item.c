/* SPDX-License-Identifier: MIT */
/*
 * Access to the items of a list: each call takes effect in one step, between
 * its beginning and its end.
 *
 * A number over one of the same type is stored in place, with the slot locked.
 * Everything else goes through a record (record.h). Readers look at the
 * sequence word before and after (sequence.h). Lists of stock Python have no
 * sequence words: slot.c alone does what can be done for them.
 */
#include "shm/item.h"

#include "shm/decode.h"
#include "shm/exact.h"
#include "shm/record.h"
#include "shm/sequence.h"
#include "shm/slot.h"
#include "os/os.h"
#include "base/value.h"

enum {
  LOOKS = 1000, /* at a slot that changes each time */
  LARGE = 4096  /* so many bytes more cost what a look does */
};

/* What a look at a slot costs that changed meanwhile. */
static uint64_t cost_of(uint64_t capacity) {
  return 1 + capacity / LARGE;
}

/* ---------------------------------------------------------------- reading */

/* Where a slot's value is at the moment, and what it is. */
typedef struct view {
  uint64_t word; /* the sequence word */
  const pshm_word *data;
  uint64_t capacity;
  pshm_kind kind;
  bool is_damaged;
} view;

PSHM_INLINE bool has_string(const pshm_kind *kind) {
  return kind->code == PSHM_CODE_STRING || kind->code == PSHM_CODE_BYTES;
}

PSHM_INLINE void look_at_slot(
    const polyshm_list *list, const pshm_slot *at, view *out_view) {
  out_view->data = at->data;
  out_view->capacity = at->capacity;
  out_view->is_damaged = false;
  pshm_slot_load_type(at->format, at->code, &out_view->kind);
  out_view->kind.exact = has_string(&out_view->kind)
                             ? pshm_slot_load(list->trailer.exacts + at->index)
                             : 0;
}

static PSHM_NOINLINE void look_at_record(
    const polyshm_list *list, const pshm_slot *at, uint32_t number,
    view *out_view) {
  out_view->is_damaged = true;
  if (number > list->trailer.nrecords)
    return;
  const pshm_word *record = pshm_record_at(list, number - 1);
  uint64_t size = pshm_slot_load(record + PSHM_RECORD_SIZE);
  out_view->data = record + PSHM_RECORD_DATA;
  out_view->capacity = size;
  out_view->kind.format = pshm_slot_load(record + PSHM_RECORD_FORMAT);
  out_view->kind.code = (unsigned)pshm_slot_load(record + PSHM_RECORD_CODE);
  out_view->kind.exact = pshm_slot_load(record + PSHM_RECORD_EXACT);
  out_view->is_damaged =
      pshm_slot_load(record + PSHM_RECORD_ITEM) != at->index ||
      size > pshm_record_room(list) || size > at->capacity || size == 0;
}

PSHM_INLINE void look(
    const polyshm_list *list, const pshm_slot *at, view *out_view) {
  out_view->word = atomic_load_explicit(
      list->trailer.sequences + at->index, memory_order_acquire);
  uint32_t number = pshm_sequence_record(out_view->word);
  if (PSHM_LIKELY(number == 0))
    look_at_slot(list, at, out_view);
  else
    look_at_record(list, at, number, out_view);
}

/* Whether all that was loaded since the look belongs together. */
PSHM_INLINE bool is_whole(
    const polyshm_list *list, uint64_t index, uint64_t word) {
  uint64_t now = pshm_word_load(list->trailer.sequences + index);
  return ((now ^ word) & ~PSHM_SEQUENCE_WAITED) == 0;
}

/* An int in a slot that nobody is at work on, which most are. */
PSHM_INLINE bool load_int(
    const polyshm_list *list, uint64_t index, uint64_t *out_word) {
  const pshm_layout *layout = &list->layout;
  const pshm_word *sequence = list->trailer.sequences + index;
  uint64_t before = pshm_slot_load(sequence);
  uint64_t format = pshm_slot_load(layout->formats + index);
  uint64_t code =
      atomic_load_explicit(layout->codes + index, memory_order_acquire);
  uint64_t position = pshm_slot_position(layout, index);
  if (PSHM_UNLIKELY(
          ((uint32_t)before | (format ^ PSHM_FORMAT_INT) | code) != 0 ||
          position >= layout->data_words))
    return false;
  *out_word = pshm_slot_load(layout->data + position);
  return PSHM_LIKELY(pshm_word_load(sequence) == before);
}

/* A number that is being replaced in place changes without its sequence word:
 * once, before the slot is unlocked. */
bool pshm_item_is_unchanged(
    const polyshm_list *list, uint64_t index, const pshm_item_state *state) {
  if (pshm_sequence_is_locked(state->word) &&
      pshm_sequence_record(state->word) == 0) {
    const pshm_word *data = pshm_slot_first_word(&list->layout, index);
    if (data == NULL || pshm_slot_load(data) != state->first)
      return false;
  }
  return is_whole(list, index, state->word);
}

PSHM_COLD static polyshm_status fail_record(uint64_t index) {
  return pshm_error_set(
      POLYSHM_E_CORRUPT,
      "slot %llu is being changed by a record that cannot be its own",
      (unsigned long long)index);
}

static polyshm_status finish_read(
    polyshm_status status, uint64_t index, const view *seen, uint64_t capacity,
    const polyshm_value *value, polyshm_value *out_value) {
  if (PSHM_UNLIKELY(seen->is_damaged))
    return fail_record(index);
  if (PSHM_UNLIKELY(status != POLYSHM_OK))
    return pshm_slot_fail_read(
        status, index, seen->capacity, &seen->kind, value->size, capacity);
  *out_value = *value;
  return POLYSHM_OK;
}

PSHM_INLINE polyshm_status decode(
    const view *seen, void *buffer, uint64_t capacity, polyshm_value *value) {
  return PSHM_UNLIKELY(seen->is_damaged)
             ? POLYSHM_E_CORRUPT
             : pshm_decode(
                   seen->data, seen->capacity, &seen->kind, buffer, capacity,
                   value);
}

polyshm_status pshm_item_read_locked(
    const polyshm_list *list, uint64_t index, void *buffer, uint64_t capacity,
    polyshm_value *out_value) {
  pshm_slot at = {0};
  polyshm_status status = pshm_slot_at(&list->layout, index, &at);
  if (status != POLYSHM_OK)
    return status;
  view seen = {0};
  polyshm_value value;
  look_at_slot(list, &at, &seen);
  status = decode(&seen, buffer, capacity, &value);
  return finish_read(status, index, &seen, capacity, &value, out_value);
}

/* The slot changes each time it is looked at. Who may write gets its turn among
 * the writers; who may not must be lucky. */
PSHM_COLD static polyshm_status read_between_writers(
    const polyshm_list *list, uint64_t index, void *buffer, uint64_t capacity,
    polyshm_value *out_value, pshm_item_state *out_state) {
  polyshm_list *writer = (polyshm_list *)list;
  uint64_t mine;
  polyshm_status status = pshm_list_join(list);
  if (status == POLYSHM_OK)
    status = pshm_sequence_lock(writer, index, &mine);
  if (status != POLYSHM_OK)
    return status;
  status = pshm_item_read_locked(list, index, buffer, capacity, out_value);
  out_state->word = mine & PSHM_SEQUENCE_COUNT;
  pshm_sequence_unlock(writer, index, mine);
  return status;
}

PSHM_COLD static polyshm_status fail_restless(uint64_t index) {
  return pshm_error_set(
      POLYSHM_E_TIMEOUT,
      "slot %llu is overwritten faster than it can be copied",
      (unsigned long long)index);
}

/* One look at a slot; false if it changed under it. */
static inline bool read_once(
    const polyshm_list *list, const pshm_slot *at, void *buffer,
    uint64_t capacity, polyshm_value *out_value, pshm_item_state *out_state,
    polyshm_status *out_status) {
  view seen;
  polyshm_value value;
  look(list, at, &seen);
  out_state->word = seen.word;
  out_state->first = pshm_slot_load(at->data); /* before the value */
  polyshm_status status = decode(&seen, buffer, capacity, &value);
  if (PSHM_UNLIKELY(!is_whole(list, at->index, seen.word)))
    return false;
  *out_status =
      finish_read(status, at->index, &seen, capacity, &value, out_value);
  return true;
}

polyshm_status pshm_item_read(
    const polyshm_list *list, uint64_t index, void *buffer, uint64_t capacity,
    polyshm_value *out_value, pshm_item_state *out_state) {
  pshm_slot at = {0};
  polyshm_status status = pshm_slot_at(&list->layout, index, &at);
  if (PSHM_UNLIKELY(status != POLYSHM_OK))
    return status;
  pshm_list_patience patience = {0};
  for (uint64_t spent = 0;;) {
    if (PSHM_LIKELY(read_once(
            list, &at, buffer, capacity, out_value, out_state, &status)))
      return status;
    os_thread_relax();
    spent += cost_of(at.capacity);
    if (spent < LOOKS)
      continue;
    spent = 0;
    if (!(list->block->flags & POLYSHM_READ_ONLY))
      return read_between_writers(
          list, index, buffer, capacity, out_value, out_state);
    if (pshm_list_patience_left(list, &patience, 1) <= 0)
      return fail_restless(index);
  }
}

/* What is no int, or is being changed. */
static PSHM_NOINLINE polyshm_status get_any(
    const polyshm_list *list, uint64_t index, void *buffer, uint64_t capacity,
    polyshm_value *out_value) {
  if (PSHM_UNLIKELY(buffer == NULL))
    capacity = 0;
  if (PSHM_UNLIKELY(pshm_list_is_plain(list)))
    return pshm_slot_read(&list->layout, index, buffer, capacity, out_value);
  pshm_slot at;
  if (PSHM_LIKELY(
          index < list->layout.length &&
          pshm_slot_locate(&list->layout, index, &at) == POLYSHM_OK)) {
    uint64_t before = pshm_slot_load(list->trailer.sequences + index);
    pshm_kind kind;
    polyshm_value value;
    pshm_slot_load_type(at.format, at.code, &kind);
    kind.exact =
        has_string(&kind) ? pshm_slot_load(list->trailer.exacts + index) : 0;
    polyshm_status status =
        pshm_decode(at.data, at.capacity, &kind, buffer, capacity, &value);
    if (PSHM_LIKELY(
            status == POLYSHM_OK && !pshm_sequence_is_locked(before) &&
            is_whole(list, index, before))) {
      out_value->type = value.type;
      out_value->reserved = 0;
      out_value->of = value.of;
      out_value->size = value.size;
      return POLYSHM_OK;
    }
  }
  pshm_item_state state;
  return pshm_item_read(list, index, buffer, capacity, out_value, &state);
}

polyshm_status polyshm_list_get(
    const polyshm_list *list, uint64_t index, void *buffer, uint64_t capacity,
    polyshm_value *out_value) {
  polyshm_status status = pshm_list_check(list, out_value);
  if (PSHM_UNLIKELY(status != POLYSHM_OK))
    return status;
  uint64_t word;
  if (PSHM_UNLIKELY(
          index >= list->layout.length || pshm_list_is_plain(list) ||
          !load_int(list, index, &word)))
    return get_any(list, index, buffer, capacity, out_value);
  out_value->type = POLYSHM_INT;
  out_value->reserved = 0;
  out_value->size = 0;
  memcpy(&out_value->of, &word, sizeof word);
  return POLYSHM_OK;
}

polyshm_status polyshm_list_capacity(
    const polyshm_list *list, uint64_t index, uint64_t *out_capacity) {
  polyshm_status status = pshm_list_check(list, out_capacity);
  if (status != POLYSHM_OK)
    return status;
  return pshm_slot_capacity(&list->layout, index, out_capacity);
}

/* ---------------------------------------------------------------- writing */

/* The checks of a call that writes to a slot. */
static inline polyshm_status check_writer(
    const polyshm_list *list, const void *out) {
  polyshm_status status = pshm_list_check(list, out);
  if (PSHM_UNLIKELY(status != POLYSHM_OK))
    return status;
  if (PSHM_UNLIKELY(list->block->flags & POLYSHM_READ_ONLY))
    return pshm_list_fail_read_only(list);
  return POLYSHM_OK;
}

/* Write the new value of a slot into a record of ours. */
static void fill_record(
    const polyshm_list *list, uint32_t number, const pshm_slot *at,
    int32_t type, const polyshm_value *value) {
  pshm_word *record = pshm_record_at(list, number);
  pshm_word *data = record + PSHM_RECORD_DATA;
  pshm_kind kind = {.format = pshm_word_load(at->format)};
  pshm_slot_describe(type, at->capacity, &kind);
  uint64_t size = PSHM_WORD;
  if (has_string(&kind)) {
    const unsigned char *text = value->of.p;
    kind.exact = pshm_exact_make(text, value->size);
    size = at->capacity;
    for (uint64_t offset = 0; offset < size; offset += PSHM_WORD)
      pshm_slot_store(
          data + offset / PSHM_WORD,
          pshm_slot_text_word(text, value->size, offset));
  } else
    pshm_slot_store(data, pshm_slot_encode(type, value));
  pshm_slot_store(record + PSHM_RECORD_ITEM, at->index);
  pshm_slot_store(record + PSHM_RECORD_SIZE, size);
  pshm_slot_store(record + PSHM_RECORD_FORMAT, kind.format);
  pshm_slot_store(record + PSHM_RECORD_CODE, kind.code);
  pshm_slot_store(record + PSHM_RECORD_EXACT, kind.exact);
}

static polyshm_status set_by_record(
    polyshm_list *list, uint64_t index, int32_t type,
    const polyshm_value *value) {
  pshm_slot at = {0};
  polyshm_status status = pshm_slot_at(&list->layout, index, &at);
  if (status == POLYSHM_OK && (type == POLYSHM_STRING || type == POLYSHM_BYTES))
    status = pshm_slot_check_room(&at, value);
  if (PSHM_UNLIKELY(status != POLYSHM_OK))
    return status;
  if (PSHM_UNLIKELY(at.capacity > pshm_record_room(list)))
    return pshm_slot_fail_offsets(index);

  pshm_sequence_waiter waiter = {0};
  uint32_t number;
  uint64_t mine;
  for (;;) {
    status = pshm_record_claim(list, &waiter.patience, &number);
    if (PSHM_UNLIKELY(status != POLYSHM_OK))
      return status;
    fill_record(list, number, &at, type, value);
    if (PSHM_LIKELY(
            pshm_sequence_try(list, index, number + 1, waiter.waited, &mine)))
      break;
    pshm_record_release(list, number);
    status = pshm_sequence_wait(list, index, &waiter);
    if (PSHM_UNLIKELY(status != POLYSHM_OK))
      return status;
  }
  pshm_record_apply(list, index, mine);
  pshm_sequence_finish(list, index, mine);
  pshm_record_release(list, number);
  return POLYSHM_OK;
}

/* Whether a slot holds a value of this type, none with a string. */
static inline bool holds(
    const pshm_layout *layout, uint64_t index, const pshm_kind *kind) {
  return pshm_word_load(layout->formats + index) == kind->format &&
         atomic_load_explicit(layout->codes + index, memory_order_relaxed) ==
             kind->code;
}

polyshm_status polyshm_list_set(
    polyshm_list *list, uint64_t index, const polyshm_value *value) {
  polyshm_status status = check_writer(list, list);
  if (PSHM_UNLIKELY(status != POLYSHM_OK))
    return status;
  int32_t type;
  if (PSHM_LIKELY(value != NULL && value->type == POLYSHM_INT))
    type = POLYSHM_INT;
  else {
    status = pshm_value_settle(value, &type);
    if (PSHM_UNLIKELY(status != POLYSHM_OK))
      return status;
  }
  const pshm_layout *layout = &list->layout;
  if (PSHM_UNLIKELY(index >= layout->length))
    return pshm_slot_fail_index(index, layout->length);
  if (PSHM_UNLIKELY(pshm_list_is_plain(list)))
    return pshm_slot_write(layout, index, type, value);
  status = pshm_list_join(list);
  if (PSHM_UNLIKELY(status != POLYSHM_OK))
    return status;

  pshm_word *data = pshm_slot_first_word(layout, index);
  if (type != POLYSHM_STRING && type != POLYSHM_BYTES && data != NULL) {
    pshm_kind kind = {0};
    pshm_slot_describe(type, 0, &kind);
    if (PSHM_LIKELY(holds(layout, index, &kind))) {
      uint64_t mine;
      status = pshm_sequence_lock(list, index, &mine);
      if (PSHM_UNLIKELY(status != POLYSHM_OK))
        return status;
      if (PSHM_LIKELY(holds(layout, index, &kind))) {
        pshm_slot_store(data, pshm_slot_encode(type, value));
        pshm_sequence_finish(list, index, mine);
        return POLYSHM_OK;
      }
      pshm_sequence_unlock(list, index, mine);
    }
  }
  return set_by_record(list, index, type, value);
}

/* --------------------------------------------------------------- counting */

/* An int slot, locked. */
typedef struct counter {
  pshm_word *data;
  uint64_t mine;
  int64_t before;
} counter;

/* A locked slot that holds no int. */
PSHM_COLD static polyshm_status fail_count(
    const polyshm_list *list, uint64_t index) {
  pshm_slot at = {0};
  polyshm_status status = pshm_slot_at(&list->layout, index, &at);
  if (status != POLYSHM_OK)
    return status;
  view seen;
  uint64_t width;
  look_at_slot(list, &at, &seen);
  if (pshm_decode_type(at.capacity, &seen.kind, &width) == PSHM_SLOT_UNKNOWN)
    return pshm_slot_fail_read(
        POLYSHM_E_CORRUPT, index, at.capacity, &seen.kind, 0, 0);
  return pshm_error_set(
      POLYSHM_E_TYPE, "slot %llu holds no int", (unsigned long long)index);
}

static inline polyshm_status begin_count(
    polyshm_list *list, uint64_t index, const void *out, counter *count) {
  polyshm_status status = check_writer(list, out);
  if (PSHM_UNLIKELY(status != POLYSHM_OK))
    return status;
  const pshm_layout *layout = &list->layout;
  if (PSHM_UNLIKELY(index >= layout->length))
    return pshm_slot_fail_index(index, layout->length);
  if (PSHM_UNLIKELY(pshm_list_is_plain(list)))
    return pshm_list_fail_plain(list);
  count->data = pshm_slot_first_word(layout, index);
  if (PSHM_UNLIKELY(count->data == NULL))
    return pshm_slot_fail_offsets(index);
  status = pshm_list_join(list);
  if (PSHM_LIKELY(status == POLYSHM_OK))
    status = pshm_sequence_lock(list, index, &count->mine);
  if (PSHM_UNLIKELY(status != POLYSHM_OK))
    return status;
  static const pshm_kind kind = {
      .format = PSHM_FORMAT_INT, .code = PSHM_CODE_NUMBER};
  if (PSHM_UNLIKELY(!holds(layout, index, &kind))) {
    status = fail_count(list, index);
    pshm_sequence_unlock(list, index, count->mine);
    return status;
  }
  uint64_t word = pshm_word_load(count->data);
  memcpy(&count->before, &word, sizeof word);
  return POLYSHM_OK;
}

static inline void finish_count(
    polyshm_list *list, uint64_t index, const counter *count, int64_t after) {
  uint64_t word;
  memcpy(&word, &after, sizeof word);
  pshm_slot_store(count->data, word);
  pshm_sequence_finish(list, index, count->mine);
}

PSHM_COLD static polyshm_status fail_overflow(
    uint64_t index, int64_t before, int64_t delta) {
  return pshm_error_set(
      POLYSHM_E_SPACE, "slot %llu holds %lld: adding %lld leaves the int64",
      (unsigned long long)index, (long long)before, (long long)delta);
}

polyshm_status polyshm_list_add(
    polyshm_list *list, uint64_t index, int64_t delta, int64_t *out_after) {
  counter count;
  polyshm_status status = begin_count(list, index, out_after, &count);
  if (PSHM_UNLIKELY(status != POLYSHM_OK))
    return status;
  /* NOLINTBEGIN(clang-analyzer-core.*): what fails is never POLYSHM_OK */
  if (PSHM_UNLIKELY(
          delta < 0 ? count.before < INT64_MIN - delta
                    : count.before > INT64_MAX - delta)) {
    /* NOLINTEND(clang-analyzer-core.*) */
    pshm_sequence_unlock(list, index, count.mine);
    return fail_overflow(index, count.before, delta);
  }
  finish_count(list, index, &count, count.before + delta);
  *out_after = count.before + delta;
  return POLYSHM_OK;
}

polyshm_status polyshm_list_swap(
    polyshm_list *list, uint64_t index, int64_t expected, int64_t desired,
    int64_t *out_before) {
  counter count;
  polyshm_status status = begin_count(list, index, out_before, &count);
  if (PSHM_UNLIKELY(status != POLYSHM_OK))
    return status;
  /* NOLINTNEXTLINE(clang-analyzer-core.*): the same */
  if (count.before == expected)
    finish_count(list, index, &count, desired);
  else
    pshm_sequence_unlock(list, index, count.mine);
  *out_before = count.before;
  return POLYSHM_OK;
}

/* -------------------------------------------------------------- searching */

PSHM_COLD static polyshm_status fail_find(uint64_t index, const view *seen) {
  return seen->is_damaged
             ? fail_record(index)
             : pshm_slot_fail_read(
                   POLYSHM_E_CORRUPT, index, seen->capacity, &seen->kind, 0, 0);
}

polyshm_status polyshm_list_find(
    const polyshm_list *list, uint64_t start, const polyshm_value *value,
    uint64_t *out_index) {
  polyshm_status status = pshm_list_check(list, out_index);
  if (status == POLYSHM_OK)
    status = pshm_value_check(value);
  if (status != POLYSHM_OK)
    return status;
  if (pshm_list_is_plain(list))
    return pshm_slot_find(&list->layout, start, value, out_index);

  bool is_int = value->type == POLYSHM_INT;
  pshm_list_patience patience = {0};
  uint64_t spent = 0;
  for (uint64_t i = start; i < list->layout.length;) {
    uint64_t word;
    if (is_int && load_int(list, i, &word) && word != (uint64_t)value->of.i) {
      i++;
      continue;
    }
    pshm_slot at;
    if (PSHM_UNLIKELY(pshm_slot_locate(&list->layout, i, &at) != POLYSHM_OK))
      return pshm_slot_fail_offsets(i);
    at.index = i;
    view seen;
    look(list, &at, &seen);
    int equal =
        PSHM_UNLIKELY(seen.is_damaged)
            ? -1
            : pshm_slot_equal(seen.data, seen.capacity, &seen.kind, value);
    if (PSHM_UNLIKELY(!is_whole(list, i, seen.word))) {
      os_thread_relax();
      spent += cost_of(at.capacity);
      if (spent < LOOKS)
        continue;
      spent = 0;
      if (pshm_list_patience_left(list, &patience, 1) <= 0)
        return fail_restless(i);
      continue;
    }
    if (PSHM_UNLIKELY(equal < 0))
      return fail_find(i, &seen);
    if (equal > 0) {
      *out_index = i;
      return POLYSHM_OK;
    }
    i++;
  }
  return pshm_error_set(POLYSHM_E_NOT_FOUND, "no slot holds that value");
}
