/* SPDX-License-Identifier: MIT */
#include "explore.h"

#include <stdlib.h>
#include <string.h>

/* States are numbered as they are found, breadth first, so that the way to each
 * is a shortest one. */
enum { NOBODY = 255, CRASH = 255, PAGE = 1 << 14 };

typedef struct origin {
  uint32_t from;
  uint8_t actor;
  uint8_t way;
} origin;

typedef struct edge {
  uint32_t from, to;
} edge;

typedef struct search {
  const explore_model *model;
  unsigned char **pages; /* PAGE states each */
  size_t npages;
  origin *origins;
  size_t nstates, origins_room;
  uint32_t *table; /* numbers of states + 1, by hash */
  size_t table_size;
  edge *edges; /* steps, without those that are luck, and deaths */
  size_t nedges, edges_room;
  size_t nsteps;
} search;

static const char *failure;

void explore_fail(const char *property) {
  if (failure == NULL)
    failure = property;
}

bool explore_has_failed(void) {
  return failure != NULL;
}

static void *resize(void *memory, size_t count, size_t size) {
  memory = realloc(memory, count * size);
  if (memory == NULL) {
    fputs("out of memory\n", stderr);
    exit(2);
  }
  return memory;
}

static unsigned char *state_at(const search *it, size_t number) {
  return it->pages[number / PAGE] + number % PAGE * it->model->size;
}

static uint64_t hash(const unsigned char *state, size_t size) {
  uint64_t sum = 0;
  for (size_t i = 0; i < size; i += sizeof sum) {
    uint64_t word;
    memcpy(&word, state + i, sizeof word);
    sum = (sum ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    sum ^= sum >> 29;
  }
  return sum ^ sum >> 32;
}

/* The place of a state in the table, or where it should be. */
static uint32_t *place_of(const search *it, const unsigned char *state) {
  size_t size = it->model->size;
  size_t place = hash(state, size) % it->table_size;
  while (it->table[place] != 0 &&
         memcmp(state_at(it, it->table[place] - 1), state, size) != 0)
    place = place + 1 == it->table_size ? 0 : place + 1;
  return &it->table[place];
}

static void grow_table(search *it) {
  free(it->table);
  it->table_size = it->table_size == 0 ? 1 << 16 : 4 * it->table_size;
  it->table = resize(NULL, it->table_size, sizeof *it->table);
  memset(it->table, 0, it->table_size * sizeof *it->table);
  for (size_t i = 0; i < it->nstates; i++)
    *place_of(it, state_at(it, i)) = (uint32_t)i + 1;
}

/* The number of a state, which may be new. */
static uint32_t add_state(
    search *it, const unsigned char *state, origin origin_of_it) {
  if (it->nstates * 2 >= it->table_size)
    grow_table(it);
  uint32_t *place = place_of(it, state);
  if (*place != 0)
    return *place - 1;
  if (it->nstates == it->npages * PAGE) {
    it->pages = resize(it->pages, it->npages + 1, sizeof *it->pages);
    it->pages[it->npages++] = resize(NULL, PAGE, it->model->size);
  }
  if (it->nstates == it->origins_room) {
    it->origins_room = 2 * it->origins_room + PAGE;
    it->origins = resize(it->origins, it->origins_room, sizeof *it->origins);
  }
  memcpy(state_at(it, it->nstates), state, it->model->size);
  it->origins[it->nstates] = origin_of_it;
  *place = (uint32_t)++it->nstates;
  return *place - 1;
}

static void add_edge(search *it, uint32_t from, uint32_t to) {
  if (it->nedges == it->edges_room) {
    it->edges_room = 2 * it->edges_room + PAGE;
    it->edges = resize(it->edges, it->edges_room, sizeof *it->edges);
  }
  it->edges[it->nedges++] = (edge){from, to};
}

/* ---------------------------------------------------------------- forwards */

/* Make one step from a state; the scratch state holds the outcome. */
static void follow(
    search *it, uint32_t from, unsigned char *scratch, int actor, int way) {
  it->nsteps++;
  uint32_t to =
      add_state(it, scratch, (origin){from, (uint8_t)actor, (uint8_t)way});
  bool is_luck =
      way == CRASH || (it->model->is_luck != NULL &&
                       it->model->is_luck(state_at(it, from), actor, way));
  if (!is_luck && to != from)
    add_edge(it, from, to);
}

/* False if something is wrong; then *out_actor and *out_way lead there. */
static bool expand(
    search *it, uint32_t number, unsigned char *scratch, origin *out_last) {
  const explore_model *model = it->model;
  for (int actor = 0; actor < model->actors; actor++) {
    int ways = model->ways(state_at(it, number), actor);
    for (int way = 0; way < ways; way++) {
      memcpy(scratch, state_at(it, number), model->size);
      model->step(scratch, actor, way);
      if (failure != NULL) {
        *out_last = (origin){number, (uint8_t)actor, (uint8_t)way};
        return false;
      }
      follow(it, number, scratch, actor, way);
    }
    memcpy(scratch, state_at(it, number), model->size);
    if (model->crash(scratch, actor))
      follow(it, number, scratch, actor, CRASH);
  }
  if (model->inspect != NULL) {
    memcpy(scratch, state_at(it, number), model->size);
    model->inspect(scratch);
    *out_last = (origin){number, NOBODY, 0};
  }
  return failure == NULL;
}

/* --------------------------------------------------------------- backwards */

/* The first state from which no end can be reached, or nstates. Edges are
 * sorted by where they lead to, then followed backwards from all ends. */
static size_t find_stuck(search *it) {
  size_t nstates = it->nstates;
  uint32_t *begins = resize(NULL, nstates + 2, sizeof *begins);
  uint32_t *sources = resize(NULL, it->nedges + 1, sizeof *sources);
  uint32_t *queue = resize(NULL, nstates, sizeof *queue);
  bool *good = resize(NULL, nstates, sizeof *good);
  memset(begins, 0, (nstates + 2) * sizeof *begins);
  memset(good, 0, nstates * sizeof *good);
  for (size_t i = 0; i < it->nedges; i++)
    begins[it->edges[i].to + 2]++;
  for (size_t i = 2; i < nstates + 2; i++)
    begins[i] += begins[i - 1];
  for (size_t i = 0; i < it->nedges; i++)
    sources[begins[it->edges[i].to + 1]++] = it->edges[i].from;

  size_t head = 0, tail = 0, stuck = nstates;
  for (size_t i = 0; i < nstates; i++)
    if (it->model->is_end(state_at(it, i))) {
      good[i] = true;
      queue[tail++] = (uint32_t)i;
    }
  for (; head < tail; head++)
    for (uint32_t i = begins[queue[head]]; i < begins[queue[head] + 1]; i++)
      if (!good[sources[i]]) {
        good[sources[i]] = true;
        queue[tail++] = sources[i];
      }
  for (size_t i = nstates; i-- > 0;)
    if (!good[i])
      stuck = i;
  free(begins);
  free(sources);
  free(queue);
  free(good);
  return stuck;
}

/* ------------------------------------------------------------------ telling */

static void tell_step(const search *it, origin last, FILE *file) {
  const unsigned char *state = state_at(it, last.from);
  if (last.actor == NOBODY)
    return;
  fputs("    ", file);
  if (last.way == CRASH)
    fputs("KILLED before: ", file);
  it->model->describe(state, last.actor, file);
  fputc('\n', file);
}

static void tell(const search *it, origin last, FILE *file) {
  size_t length = 0;
  for (uint32_t at = last.from; at != 0; at = it->origins[at].from)
    length++;
  uint32_t *path = resize(NULL, length + 1, sizeof *path);
  uint32_t at = last.from;
  for (size_t i = length; i > 0; i--, at = it->origins[at].from)
    path[i] = at;
  for (size_t i = 1; i <= length; i++) {
    tell_step(it, it->origins[path[i]], file);
    fputs("        ", file);
    it->model->show(state_at(it, path[i]), file);
    fputc('\n', file);
  }
  tell_step(it, last, file);
  fprintf(file, "    => %s\n", failure);
  free(path);
}

static void release(search *it) {
  for (size_t i = 0; i < it->npages; i++)
    free(it->pages[i]);
  free(it->pages);
  free(it->origins);
  free(it->table);
  free(it->edges);
}

explore_result explore(const explore_model *model, FILE *trace) {
  search it = {.model = model};
  unsigned char *scratch = resize(NULL, 1, model->size);
  origin last = {0, NOBODY, 0};
  failure = NULL;
  memset(scratch, 0, model->size);
  model->begin(scratch);
  add_state(&it, scratch, last);
  for (size_t i = 0; i < it.nstates; i++)
    if (!expand(&it, (uint32_t)i, scratch, &last))
      break;
  if (failure == NULL) {
    size_t stuck = find_stuck(&it);
    if (stuck < it.nstates) {
      explore_fail("progress: the living can never all come to an end");
      last = (origin){(uint32_t)stuck, NOBODY, 0};
    }
  }
  if (failure != NULL && trace != NULL)
    tell(&it, last, trace);
  explore_result outcome = {failure, it.nstates, it.nsteps};
  free(scratch);
  release(&it);
  return outcome;
}
