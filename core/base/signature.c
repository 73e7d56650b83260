/* SPDX-License-Identifier: MIT */
/*
 * The parser of signatures. It reads the text once, from left to right, one
 * word or mark at a time, and never beyond its end or PSHM_SIGNATURE_LENGTH; it
 * does not call itself, since a callee takes no callees.
 */
#include "base/signature.h"

#include "base/error.h"

#include <stddef.h>
#include <string.h>

enum { NOWHERE = UINT8_MAX };

static const struct {
  const char *name;
  uint8_t width;
} types[] = {
    [POLYSHM_TYPE_VOID] = {"void", 0},   [POLYSHM_TYPE_I8] = {"i8", 1},
    [POLYSHM_TYPE_I16] = {"i16", 2},     [POLYSHM_TYPE_I32] = {"i32", 4},
    [POLYSHM_TYPE_I64] = {"i64", 8},     [POLYSHM_TYPE_U8] = {"u8", 1},
    [POLYSHM_TYPE_U16] = {"u16", 2},     [POLYSHM_TYPE_U32] = {"u32", 4},
    [POLYSHM_TYPE_U64] = {"u64", 8},     [POLYSHM_TYPE_F32] = {"f32", 4},
    [POLYSHM_TYPE_F64] = {"f64", 8},     [POLYSHM_TYPE_PTR] = {"ptr", 0},
    [POLYSHM_TYPE_STR] = {"str", 0},     [POLYSHM_TYPE_BUF] = {"buf", 0},
    [POLYSHM_TYPE_ARRAY] = {"[T]", 0},   [POLYSHM_TYPE_LEN] = {"len", 0},
    [POLYSHM_TYPE_COUNT] = {"count", 0}, [POLYSHM_TYPE_FN] = {"fn", 0},
};
enum { NTYPES = sizeof types / sizeof *types };

const char *pshm_signature_name(uint32_t type) {
  return type < NTYPES ? types[type].name : "an unknown type";
}

uint32_t pshm_signature_width(uint32_t type) {
  return type < NTYPES ? types[type].width : 0;
}

/* ------------------------------------------------------------------- words */

/* The text, and the word or mark that comes next. A word has letters and
 * digits; every other character but blanks is a mark; at the end there is an
 * empty word. */
typedef struct reader {
  const char *text, *end;
  const char *word;
  size_t size;
} reader;

static bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         (c >= '0' && c <= '9') || c == '_';
}

static void step(reader *in) {
  const char *at = in->word + in->size;
  while (at < in->end && is_blank(*at))
    at++;
  in->word = at;
  while (at < in->end && is_letter(*at))
    at++;
  in->size = (size_t)(at - in->word);
  if (in->size == 0 && at < in->end)
    in->size = 1;
}

static bool is_next(const reader *in, const char *word) {
  return in->size == strlen(word) && memcmp(in->word, word, in->size) == 0;
}

static bool accept(reader *in, const char *word) {
  if (!is_next(in, word))
    return false;
  step(in);
  return true;
}

static polyshm_status start(const char *text, reader *out_reader) {
  if (text == NULL)
    return pshm_error_set(POLYSHM_E_INVALID, "the signature is NULL");
  size_t size = 0;
  while (size <= PSHM_SIGNATURE_LENGTH && text[size] != 0)
    size++;
  if (size > PSHM_SIGNATURE_LENGTH)
    return pshm_error_set(
        POLYSHM_E_INVALID, "the signature is longer than %d characters",
        PSHM_SIGNATURE_LENGTH);
  *out_reader = (reader){.text = text, .end = text + size, .word = text};
  step(out_reader);
  return POLYSHM_OK;
}

/* Say what is wrong with the next word, where it is, and what it is. Others may
 * have written the text, so nothing unreadable of it gets into the message. */
PSHM_COLD static polyshm_status refuse(const reader *in, const char *problem) {
  int position = (int)(in->word - in->text) + 1;
  if (in->size == 0)
    return pshm_error_set(
        POLYSHM_E_INVALID, "the signature ends at character %d: %s", position,
        problem);
  if (*in->word < ' ' || *in->word > '~')
    return pshm_error_set(
        POLYSHM_E_INVALID,
        "the signature has the byte 0x%02x at character %d: %s",
        (unsigned)(unsigned char)*in->word, position, problem);
  return pshm_error_set(
      POLYSHM_E_INVALID, "the signature has '%.*s' at character %d: %s",
      in->size < 32 ? (int)in->size : 32, in->word, position, problem);
}

/* ------------------------------------------------------------------- types */

#define TYPE_EXPECTED "a type is expected: i8 to i64, u8 to u64, f32, f64, "

/* `expected` tells the types that can stand here. */
static polyshm_status refuse_type(const reader *in, const char *expected) {
  if (is_next(in, "."))
    return refuse(in, "variable arguments cannot be passed");
  if (is_next(in, "struct") || is_next(in, "union") || is_next(in, "{"))
    return refuse(in, "structs and unions cannot be passed by value");
  return refuse(in, expected);
}

/* The type that the next word names, if it is one of a single word. */
static bool read_type(reader *in, uint8_t *out_type) {
  for (unsigned type = 0; type < NTYPES; type++)
    if (type != POLYSHM_TYPE_ARRAY && accept(in, types[type].name)) {
      *out_type = (uint8_t)type;
      return true;
    }
  return false;
}

/* Call `read` for each parameter between parentheses. */
static polyshm_status read_list(
    reader *in, polyshm_status (*read)(reader *in, void *context),
    void *context) {
  if (!accept(in, "("))
    return refuse(in, "'(' is expected behind the result");
  if (is_next(in, "void")) {
    reader before = *in;
    step(in);
    if (!is_next(in, ")"))
      return refuse(&before, "no parameter can be void");
  }
  if (accept(in, ")"))
    return POLYSHM_OK;
  do {
    polyshm_status status = read(in, context);
    if (status != POLYSHM_OK)
      return status;
  } while (accept(in, ","));
  return accept(in, ")") ? POLYSHM_OK : refuse(in, "',' or ')' is expected");
}

static polyshm_status finish(const reader *in) {
  return in->size == 0 ? POLYSHM_OK
                       : refuse(in, "nothing is expected behind ')'");
}

/* ----------------------------------------------------------------- callees */

static polyshm_status read_callee_parameter(reader *in, void *context) {
  pshm_callee *callee = context;
  reader before = *in;
  bool is_read = accept(in, "*");
  uint8_t type;
  if (!read_type(in, &type))
    return refuse_type(in, TYPE_EXPECTED "ptr, str or * and one of these");
  if (!pshm_signature_is_number(type) && type != POLYSHM_TYPE_PTR &&
      type != POLYSHM_TYPE_STR)
    return refuse(&before, "a callback takes numbers, ptr, str and *T of them");
  if (callee->nparameters == PSHM_SIGNATURE_CALLEE_TAKES)
    return refuse(&before, "a callback has at most 16 parameters");
  callee->parameters[callee->nparameters].type = type;
  callee->parameters[callee->nparameters].is_read = is_read;
  callee->nparameters++;
  return POLYSHM_OK;
}

static polyshm_status read_callee(reader *in, pshm_callee *out_callee) {
  reader before = *in;
  if (!read_type(in, &out_callee->result))
    return refuse_type(in, TYPE_EXPECTED "ptr or void");
  if (!pshm_signature_is_number(out_callee->result) &&
      out_callee->result != POLYSHM_TYPE_VOID &&
      out_callee->result != POLYSHM_TYPE_PTR)
    return refuse(&before, "the result of a callback is void, a number or ptr");
  return read_list(in, read_callee_parameter, out_callee);
}

polyshm_status pshm_signature_parse_callee(
    const char *text, pshm_callee *out_callee) {
  reader in;
  polyshm_status status = start(text, &in);
  if (status != POLYSHM_OK)
    return status;
  *out_callee = (pshm_callee){0};
  accept(&in, "fn");
  status = read_callee(&in, out_callee);
  return status == POLYSHM_OK ? finish(&in) : status;
}

/* --------------------------------------------------------------- functions */

static polyshm_status read_array(reader *in, pshm_parameter *parameter) {
  reader before = *in;
  parameter->type = POLYSHM_TYPE_ARRAY;
  if (!read_type(in, &parameter->element) ||
      !pshm_signature_is_number(parameter->element))
    return refuse(&before, "the elements of [T] are numbers, i8 to f64");
  return accept(in, "]") ? POLYSHM_OK : refuse(in, "']' is expected");
}

static polyshm_status read_callee_of(
    reader *in, pshm_signature *signature, pshm_parameter *parameter,
    const reader *before) {
  if (signature->ncallees == PSHM_SIGNATURE_CALLEES)
    return refuse(before, "a function takes at most 4 callbacks");
  parameter->other = signature->ncallees;
  return read_callee(in, &signature->callees[signature->ncallees++]);
}

static polyshm_status read_parameter(reader *in, void *context) {
  pshm_signature *signature = context;
  reader before = *in;
  pshm_parameter parameter = {.element = POLYSHM_TYPE_U8, .other = NOWHERE};
  if (signature->nparameters == PSHM_SIGNATURE_PARAMETERS)
    return refuse(&before, "a function has at most 32 parameters");
  parameter.is_const = accept(in, "const");

  polyshm_status status = POLYSHM_OK;
  if (accept(in, "["))
    status = read_array(in, &parameter);
  else if (!read_type(in, &parameter.type))
    status =
        refuse_type(in, TYPE_EXPECTED "ptr, str, buf, [T], len, count or fn");
  else if (parameter.type == POLYSHM_TYPE_VOID)
    status = refuse(&before, "no parameter can be void");
  else if (parameter.type == POLYSHM_TYPE_FN)
    status = read_callee_of(in, signature, &parameter, &before);
  if (status != POLYSHM_OK)
    return status;

  if (parameter.is_const && !pshm_signature_is_block(parameter.type))
    return refuse(&before, "only buf and [T] can be const");
  if (!pshm_signature_is_filled(parameter.type))
    signature->ninputs++;
  signature->parameters[signature->nparameters++] = parameter;
  return POLYSHM_OK;
}

/* Whether the parameter at `place` is a block that this one may be of, and no
 * other has it. */
static bool may_belong(
    const pshm_signature *signature, int place, uint8_t type) {
  if (place < 0 || place >= signature->nparameters ||
      !pshm_signature_is_block(signature->parameters[place].type))
    return false;
  for (int i = 0; i < signature->nparameters; i++)
    if (signature->parameters[i].type == type &&
        signature->parameters[i].other == place)
      return false;
  return true;
}

/* Find the block of each len and count: a neighbour. len and count may stand
 * behind one another, so the one behind a block may be two places away. */
static polyshm_status pair(pshm_signature *signature) {
  for (int i = 0; i < signature->nparameters; i++) {
    pshm_parameter *parameter = &signature->parameters[i];
    if (!pshm_signature_is_filled(parameter->type))
      continue;
    int before = i - 1, behind = i + 1;
    if (before > 0 &&
        pshm_signature_is_filled(signature->parameters[before].type) &&
        signature->parameters[before].type != parameter->type)
      before--;
    if (may_belong(signature, before, parameter->type))
      parameter->other = (uint8_t)before;
    else if (may_belong(signature, behind, parameter->type))
      parameter->other = (uint8_t)behind;
    else
      return pshm_error_set(
          POLYSHM_E_INVALID,
          "parameter %d of the signature is a %s, but no buf or [T] of its own "
          "stands beside it",
          i + 1, pshm_signature_name(parameter->type));
  }
  return POLYSHM_OK;
}

polyshm_status pshm_signature_parse(
    const char *text, pshm_signature *out_signature) {
  reader in;
  polyshm_status status = start(text, &in);
  if (status != POLYSHM_OK)
    return status;
  *out_signature = (pshm_signature){0};
  reader before = in;
  if (!read_type(&in, &out_signature->result))
    return refuse_type(&in, TYPE_EXPECTED "ptr, str or void");
  if (out_signature->result > POLYSHM_TYPE_STR)
    return refuse(&before, "a result is void, a number, ptr or str");
  status = read_list(&in, read_parameter, out_signature);
  if (status == POLYSHM_OK)
    status = finish(&in);
  return status == POLYSHM_OK ? pair(out_signature) : status;
}
