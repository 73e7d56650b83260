/* SPDX-License-Identifier: MIT */
/*
 * A stack machine, as pickles want one, whose stack and memo hold numbers of
 * nodes. A node has one parent, so what the memo gives back must be a text,
 * which is copied: stock Python refers to nothing else twice in what we read.
 */
#include "base/unpickle.h"

#include <stdlib.h>
#include <string.h>

enum { MOST = 256, DEEPEST = 64, FIRST = 32, PROTOCOL_MOST = 5 };

typedef struct reader {
  pshm_pickle *to;
  const unsigned char *at, *end;
  const char *reason;
  uint32_t depth; /* marks on the stack */
} reader;

/* ----------------------------------------------------------------- memory */

static bool fail(reader *self, const char *reason) {
  self->reason = reason;
  return false;
}

static bool grow(void **array, uint32_t *capacity, size_t size) {
  uint32_t wanted = *capacity == 0 ? FIRST : *capacity * 2;
  void *larger = realloc(*array, wanted * size);
  if (larger == NULL)
    return false;
  *array = larger;
  *capacity = wanted;
  return true;
}

#define ROOM(self, array, count, capacity)                                     \
  ((count) < (capacity) ||                                                     \
   grow((void **)&(array), &(capacity), sizeof *(array)) ||                    \
   fail(self, "there is no memory for it"))

static uint32_t most(const pshm_pickle *pickle) {
  return pickle->most == 0 ? MOST : pickle->most;
}

static pshm_pickle_node *push(reader *self, pshm_pickle_kind kind) {
  pshm_pickle *to = self->to;
  if (to->nnodes > most(to)) {
    fail(self, "it has too many values");
    return NULL;
  }
  if (!ROOM(self, to->nodes, to->nnodes, to->nodes_capacity) ||
      !ROOM(self, to->stack, to->nstack, to->stack_capacity))
    return NULL;
  pshm_pickle_node *node = to->nodes + to->nnodes;
  *node = (pshm_pickle_node){.kind = (uint8_t)kind};
  to->stack[to->nstack++] = to->nnodes++;
  return node;
}

/* ------------------------------------------------------------------ input */

static bool take(reader *self, size_t nbytes, const unsigned char **out) {
  if ((size_t)(self->end - self->at) < nbytes)
    return fail(self, "it ends in the middle");
  *out = self->at;
  self->at += nbytes;
  return true;
}

/* Numbers in pickles have the lowest byte first. */
static bool take_number(reader *self, size_t nbytes, uint64_t *out) {
  const unsigned char *bytes;
  if (!take(self, nbytes, &bytes))
    return false;
  *out = 0;
  for (size_t i = nbytes; i-- > 0;)
    *out = *out << 8 | bytes[i];
  return true;
}

static bool take_line(reader *self, const unsigned char **out, size_t *size) {
  const unsigned char *newline =
      memchr(self->at, '\n', (size_t)(self->end - self->at));
  if (newline == NULL)
    return fail(self, "it ends in the middle");
  *out = self->at;
  *size = (size_t)(newline - self->at);
  self->at = newline + 1;
  return true;
}

/* Decimal digits of protocol 0. */
static bool take_decimal(reader *self, bool *out_is_bool, int64_t *out) {
  const unsigned char *line;
  size_t size;
  if (!take_line(self, &line, &size))
    return false;
  *out_is_bool = size == 2 && line[0] == '0' && line[1] <= '1';
  bool is_negative = size > 0 && line[0] == '-';
  if (size > 0 && line[size - 1] == 'L')
    size--;
  if (size == is_negative || size > 18U + is_negative)
    return fail(self, "a number in it is none, or too large");
  *out = 0;
  for (size_t i = is_negative; i < size; i++) {
    if (line[i] < '0' || line[i] > '9')
      return fail(self, "a number in it is none, or too large");
    *out = *out * 10 + (line[i] - '0');
  }
  if (is_negative)
    *out = -*out;
  return true;
}

/* ----------------------------------------------------------------- values */

static bool push_int(reader *self, pshm_pickle_kind kind, int64_t integer) {
  pshm_pickle_node *node = push(self, kind);
  if (node != NULL)
    node->of.integer = integer;
  return node != NULL;
}

static bool push_text(
    reader *self, pshm_pickle_kind kind, const unsigned char *text,
    uint64_t size) {
  pshm_pickle_node *node = push(self, kind);
  if (node == NULL)
    return false;
  node->of.text = text;
  node->count = size;
  return true;
}

/* So many bytes of length, then the text. */
static bool read_text(reader *self, pshm_pickle_kind kind, size_t width) {
  uint64_t size;
  const unsigned char *text;
  return take_number(self, width, &size) && take(self, (size_t)size, &text) &&
         push_text(self, kind, text, size);
}

/* Of protocol 0, if nothing in it is escaped. */
static bool read_line_text(reader *self) {
  const unsigned char *line;
  size_t size;
  if (!take_line(self, &line, &size))
    return false;
  for (size_t i = 0; i < size; i++)
    if (line[i] >= 0x80 || line[i] == '\\')
      return fail(self, "a text of protocol 0 is not plain ASCII");
  return push_text(self, PSHM_PICKLE_TEXT, line, size);
}

static bool read_int(reader *self, size_t width, bool is_signed) {
  uint64_t number;
  if (!take_number(self, width, &number))
    return false;
  if (is_signed && width > 0 && width < 8 && number >> (8 * width - 1) != 0)
    number |= UINT64_MAX << (8 * width);
  return push_int(self, PSHM_PICKLE_INT, (int64_t)number);
}

static bool read_long(reader *self) {
  uint64_t width;
  if (!take_number(self, 1, &width))
    return false;
  if (width > 8)
    return fail(self, "a number in it is none, or too large");
  return read_int(self, (size_t)width, true);
}

/* The one number whose highest byte comes first. */
static bool read_float(reader *self) {
  const unsigned char *bytes;
  if (!take(self, 8, &bytes))
    return false;
  uint64_t bits = 0;
  for (int i = 0; i < 8; i++)
    bits = bits << 8 | bytes[i];
  pshm_pickle_node *node = push(self, PSHM_PICKLE_FLOAT);
  if (node != NULL)
    memcpy(&node->of.number, &bits, sizeof bits);
  return node != NULL;
}

static bool read_decimal(reader *self) {
  bool is_bool;
  int64_t integer;
  return take_decimal(self, &is_bool, &integer) &&
         push_int(self, is_bool ? PSHM_PICKLE_BOOL : PSHM_PICKLE_INT, integer);
}

/* ------------------------------------------------------------------- memo */

/* MEMOIZE means the next number, PUT any: those in between hold nothing. */
static bool memoize(reader *self, uint64_t number) {
  pshm_pickle *to = self->to;
  if (to->nstack == 0 || number >= most(to))
    return fail(self, "its memo is too large, or empty");
  while (to->nmemo <= number) {
    if (!ROOM(self, to->memo, to->nmemo, to->memo_capacity))
      return false;
    to->memo[to->nmemo++] = 0;
  }
  to->memo[number] = to->stack[to->nstack - 1];
  return true;
}

static bool memoize_numbered(reader *self, size_t width) {
  uint64_t number;
  return take_number(self, width, &number) && memoize(self, number);
}

static bool recall(reader *self, uint64_t number) {
  pshm_pickle *to = self->to;
  if (number >= to->nmemo || to->memo[number] == 0)
    return fail(self, "it refers to what is not there");
  pshm_pickle_node same = to->nodes[to->memo[number]];
  if (same.kind != PSHM_PICKLE_TEXT && same.kind != PSHM_PICKLE_BYTES)
    return fail(self, "it refers to a container");
  return push_text(self, (pshm_pickle_kind)same.kind, same.of.text, same.count);
}

static bool recall_numbered(reader *self, size_t width) {
  uint64_t number;
  return take_number(self, width, &number) && recall(self, number);
}

static bool line_number(reader *self, bool (*use)(reader *, uint64_t)) {
  bool is_bool;
  int64_t number;
  return take_decimal(self, &is_bool, &number) &&
         (number >= 0 || fail(self, "a number in it is none, or too large")) &&
         use(self, (uint64_t)number);
}

/* ------------------------------------------------------------- containers */

static bool push_mark(reader *self) {
  if (++self->depth > DEEPEST)
    return fail(self, "it is nested too deep");
  return push(self, PSHM_PICKLE_MARK) != NULL;
}

/* How many values the stack has above its last mark. */
static bool count_to_mark(reader *self, uint32_t *out_count) {
  const pshm_pickle *to = self->to;
  for (uint32_t i = to->nstack; i-- > 0;)
    if (to->nodes[to->stack[i]].kind == PSHM_PICKLE_MARK) {
      *out_count = to->nstack - i - 1;
      return true;
    }
  return fail(self, "it ends what was not begun");
}

static void adopt(pshm_pickle *to, uint32_t parent, uint32_t child) {
  pshm_pickle_node *node = to->nodes + parent;
  if (node->last == 0)
    node->first = child;
  else
    to->nodes[node->last].next = child;
  node->last = child;
  node->count++;
}

static bool has_values(reader *self, uint32_t count) {
  const pshm_pickle *to = self->to;
  if (to->nstack < count)
    return fail(self, "it takes more than there is");
  for (uint32_t i = to->nstack - count; i < to->nstack; i++)
    if (to->nodes[to->stack[i]].kind == PSHM_PICKLE_MARK)
      return fail(self, "it takes more than there is");
  return true;
}

/* The last `count` values, and the mark below them, become one container. */
static bool gather(
    reader *self, pshm_pickle_kind kind, uint32_t count, bool has_mark) {
  pshm_pickle *to = self->to;
  if (!has_values(self, count))
    return false;
  uint32_t base = to->nstack - count, parent = to->nnodes;
  if (push(self, kind) == NULL)
    return false;
  for (uint32_t i = 0; i < count; i++)
    adopt(to, parent, to->stack[base + i]);
  if (has_mark) {
    base--;
    self->depth--;
  }
  to->stack[base] = parent;
  to->nstack = base + 1;
  return true;
}

static bool gather_to_mark(reader *self, pshm_pickle_kind kind) {
  uint32_t count;
  if (!count_to_mark(self, &count))
    return false;
  if (kind == PSHM_PICKLE_DICT && count % 2 != 0)
    return fail(self, "a key in it has no value");
  return gather(self, kind, count, true);
}

/* The last `count` values go into the container below them. */
static bool append(
    reader *self, pshm_pickle_kind kind, uint32_t count, bool has_mark) {
  pshm_pickle *to = self->to;
  uint32_t above = count + has_mark;
  if (!has_values(self, count) || to->nstack <= above)
    return fail(self, "it takes more than there is");
  uint32_t base = to->nstack - above;
  uint32_t parent = to->stack[base - 1];
  if (to->nodes[parent].kind != kind)
    return fail(self, "it adds to what is no such container");
  if (kind == PSHM_PICKLE_DICT && count % 2 != 0)
    return fail(self, "a key in it has no value");
  for (uint32_t i = 0; i < count; i++)
    adopt(to, parent, to->stack[base + has_mark + i]);
  to->nstack = base;
  self->depth -= has_mark;
  return true;
}

static bool append_to_mark(reader *self, pshm_pickle_kind kind) {
  uint32_t count;
  return count_to_mark(self, &count) && append(self, kind, count, true);
}

/* ----------------------------------------------------------------- pickle */

static bool read_protocol(reader *self) {
  uint64_t protocol;
  if (!take_number(self, 1, &protocol))
    return false;
  return protocol <= PROTOCOL_MOST ||
         fail(self, "it is of a protocol that is not known");
}

static bool step(reader *self, unsigned char opcode) {
  const unsigned char *ignored;
  switch (opcode) {
  case 0x80: /* PROTO */
    return read_protocol(self);
  case 0x95: /* FRAME: the bytes are all here */
    return take(self, 8, &ignored);
  case 'N':
    return push(self, PSHM_PICKLE_NONE) != NULL;
  case 0x88: /* NEWTRUE */
    return push_int(self, PSHM_PICKLE_BOOL, 1);
  case 0x89: /* NEWFALSE */
    return push_int(self, PSHM_PICKLE_BOOL, 0);
  case 'K': /* BININT1 */
    return read_int(self, 1, false);
  case 'M': /* BININT2 */
    return read_int(self, 2, false);
  case 'J': /* BININT */
    return read_int(self, 4, true);
  case 0x8a: /* LONG1 */
    return read_long(self);
  case 'I': /* INT */
  case 'L': /* LONG */
    return read_decimal(self);
  case 'G': /* BINFLOAT */
    return read_float(self);
  case 0x8c: /* SHORT_BINUNICODE */
    return read_text(self, PSHM_PICKLE_TEXT, 1);
  case 'X': /* BINUNICODE */
    return read_text(self, PSHM_PICKLE_TEXT, 4);
  case 'V': /* UNICODE */
    return read_line_text(self);
  case 'C': /* SHORT_BINBYTES */
    return read_text(self, PSHM_PICKLE_BYTES, 1);
  case 'B': /* BINBYTES */
    return read_text(self, PSHM_PICKLE_BYTES, 4);
  case 0x94: /* MEMOIZE */
    return memoize(self, self->to->nmemo);
  case 'q': /* BINPUT */
    return memoize_numbered(self, 1);
  case 'r': /* LONG_BINPUT */
    return memoize_numbered(self, 4);
  case 'p': /* PUT */
    return line_number(self, memoize);
  case 'h': /* BINGET */
    return recall_numbered(self, 1);
  case 'j': /* LONG_BINGET */
    return recall_numbered(self, 4);
  case 'g': /* GET */
    return line_number(self, recall);
  case '(':
    return push_mark(self);
  case ')': /* EMPTY_TUPLE */
    return push(self, PSHM_PICKLE_TUPLE) != NULL;
  case 0x85: /* TUPLE1 and so on */
  case 0x86:
  case 0x87:
    return gather(self, PSHM_PICKLE_TUPLE, opcode - 0x84U, false);
  case 't':
    return gather_to_mark(self, PSHM_PICKLE_TUPLE);
  case ']': /* EMPTY_LIST */
    return push(self, PSHM_PICKLE_LIST) != NULL;
  case 'l':
    return gather_to_mark(self, PSHM_PICKLE_LIST);
  case 'a': /* APPEND */
    return append(self, PSHM_PICKLE_LIST, 1, false);
  case 'e': /* APPENDS */
    return append_to_mark(self, PSHM_PICKLE_LIST);
  case '}': /* EMPTY_DICT */
    return push(self, PSHM_PICKLE_DICT) != NULL;
  case 'd':
    return gather_to_mark(self, PSHM_PICKLE_DICT);
  case 's': /* SETITEM */
    return append(self, PSHM_PICKLE_DICT, 2, false);
  case 'u': /* SETITEMS */
    return append_to_mark(self, PSHM_PICKLE_DICT);
  default:
    return fail(self, "it holds what is no plain value");
  }
}

uint32_t pshm_unpickle_read(
    pshm_pickle *pickle, const void *bytes, size_t nbytes,
    const char **out_reason) {
  reader self = {.to = pickle, .at = bytes};
  self.end = self.at + nbytes;
  pickle->nnodes = 1;
  pickle->nstack = pickle->nmemo = 0;
  const unsigned char *opcode;
  bool is_good = true;
  while (is_good && (is_good = take(&self, 1, &opcode)) && *opcode != '.')
    is_good = step(&self, *opcode);
  if (is_good && (pickle->nstack != 1 || self.depth != 0))
    is_good = fail(&self, "it is not one value");
  if (is_good && self.at != self.end)
    is_good = fail(&self, "there is more behind its end");
  if (is_good)
    return pickle->stack[0];
  *out_reason = self.reason;
  return 0;
}

void pshm_unpickle_drop(pshm_pickle *pickle) {
  free(pickle->nodes);
  free(pickle->stack);
  free(pickle->memo);
  *pickle = (pshm_pickle){.most = pickle->most};
}

/* ------------------------------------------------------------ what it says */

uint32_t pshm_unpickle_child(
    const pshm_pickle *pickle, uint32_t node, uint64_t nth) {
  uint32_t child = node == 0 ? 0 : pickle->nodes[node].first;
  while (child != 0 && nth-- > 0)
    child = pickle->nodes[child].next;
  return child;
}

bool pshm_unpickle_is(
    const pshm_pickle *pickle, uint32_t node, pshm_pickle_kind kind) {
  return node != 0 && pickle->nodes[node].kind == kind;
}

bool pshm_unpickle_says(
    const pshm_pickle *pickle, uint32_t node, const char *text) {
  if (!pshm_unpickle_is(pickle, node, PSHM_PICKLE_TEXT))
    return false;
  const pshm_pickle_node *found = pickle->nodes + node;
  return found->count == strlen(text) &&
         (found->count == 0 ||
          memcmp(found->of.text, text, (size_t)found->count) == 0);
}
