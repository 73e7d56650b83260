/* SPDX-License-Identifier: MIT */
/*
 * The part of Python's pickles that the manager's protocol needs.
 *
 * Reading makes a tree of plain values out of one pickle of protocol 0 to 5,
 * and refuses every opcode that names, imports, builds or calls anything.
 * Nothing is ever executed, and no number in a pickle decides how much memory
 * is taken: that is bounded by the bytes that are there, and by the limits.
 */
#ifndef POLYSHM_BASE_UNPICKLE_H
#define POLYSHM_BASE_UNPICKLE_H

#include "polyshm.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum pshm_pickle_kind {
  PSHM_PICKLE_NONE,
  PSHM_PICKLE_BOOL,  /* of.integer */
  PSHM_PICKLE_INT,   /* of.integer */
  PSHM_PICKLE_FLOAT, /* of.number */
  PSHM_PICKLE_TEXT,  /* of.text, count bytes, not checked to be UTF-8 */
  PSHM_PICKLE_BYTES, /* the same */
  PSHM_PICKLE_TUPLE, /* count children */
  PSHM_PICKLE_LIST,
  PSHM_PICKLE_DICT, /* keys and values in turn */
  PSHM_PICKLE_MARK  /* never in a finished tree */
} pshm_pickle_kind;

typedef struct pshm_pickle_node {
  uint8_t kind;
  uint32_t next;        /* the sibling behind it; 0 if it is the last */
  uint32_t first, last; /* children; 0 if there are none */
  uint64_t count;
  union {
    const unsigned char *text; /* inside the pickle that was read */
    int64_t integer;
    double number;
  } of;
} pshm_pickle_node;

/* What a reader works in. Zeroed, it has no memory yet; it may be used any
 * number of times, until it is dropped. */
typedef struct pshm_pickle {
  pshm_pickle_node *nodes; /* 0 stands for none */
  uint32_t *stack, *memo;
  uint32_t nnodes, nstack, nmemo;
  uint32_t nodes_capacity, stack_capacity, memo_capacity;
  uint32_t most; /* nodes, and memos; 0 is 256 */
} pshm_pickle;

/* The number of the root node; 0 if the pickle was refused or there was no
 * memory: *out_reason, a literal, says why. */
uint32_t pshm_unpickle_read(
    pshm_pickle *pickle, const void *bytes, size_t nbytes,
    const char **out_reason);

void pshm_unpickle_drop(pshm_pickle *pickle);

static inline const pshm_pickle_node *pshm_unpickle_at(
    const pshm_pickle *pickle, uint32_t node) {
  return pickle->nodes + node;
}

/* The nth child of a node, or 0. */
uint32_t pshm_unpickle_child(
    const pshm_pickle *pickle, uint32_t node, uint64_t nth);

bool pshm_unpickle_is(
    const pshm_pickle *pickle, uint32_t node, pshm_pickle_kind kind);

/* Whether it is this text. */
bool pshm_unpickle_says(
    const pshm_pickle *pickle, uint32_t node, const char *text);

#endif
