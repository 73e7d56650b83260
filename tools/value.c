/* SPDX-License-Identifier: MIT */
#include "value.h"

#include "arguments.h"
#include "output.h"
#include "text.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

const char *value_type(const polyshm_value *value) {
  switch (value->type) {
  case POLYSHM_NONE:
    return "none";
  case POLYSHM_BOOL:
    return "bool";
  case POLYSHM_INT:
    return "int";
  case POLYSHM_FLOAT:
    return "float";
  case POLYSHM_STRING:
    return "str";
  default:
    return "bytes";
  }
}

/* ---------------------------------------------------------------- writing */

static char *string_text(const polyshm_value *value, uint64_t limit) {
  uint64_t size = value->size < limit ? value->size : limit;
  const unsigned char *bytes = value->of.p;
  /* Not through the middle of a character. */
  for (int back = 0; size < value->size && size > 0 && back < 3; back++)
    if ((bytes[size] & 0xc0) == 0x80)
      size--;
  const char *mark = value->type == POLYSHM_BYTES ? "b" : "";
  char *inside = text_of(bytes, size, TEXT_QUOTED);
  char *text = size < value->size ? text_format(
                                        "%s\"%s\"... (%" PRIu64 " bytes)", mark,
                                        inside, value->size)
                                  : text_format("%s\"%s\"", mark, inside);
  free(inside);
  return text;
}

char *value_text(const polyshm_value *value, uint64_t limit) {
  char number[64];
  switch (value->type) {
  case POLYSHM_NONE:
    return text_format("none");
  case POLYSHM_BOOL:
    return text_format("%s", value->of.i ? "true" : "false");
  case POLYSHM_INT:
    return text_format("%" PRId64, value->of.i);
  case POLYSHM_FLOAT:
    text_float(number, sizeof number, value->of.f);
    return text_format("%s", number);
  default:
    return string_text(value, limit);
  }
}

void value_json(json_object *object, const polyshm_value *value) {
  node_put(object, "type", node_text(value_type(value)));
  switch (value->type) {
  case POLYSHM_NONE:
    node_put(object, "value", NULL);
    break;
  case POLYSHM_BOOL:
    node_put(object, "value", node_bool(value->of.i != 0));
    break;
  case POLYSHM_INT:
    node_put(object, "value", node_int(value->of.i));
    break;
  case POLYSHM_FLOAT:
    node_put(object, "value", node_float(value->of.f));
    break;
  case POLYSHM_STRING:
    node_put_bytes(object, "value", "hex", value->of.p, value->size);
    break;
  default:
    node_put(object, "value", node_hex(value->of.p, value->size));
  }
}

/* ---------------------------------------------------------------- reading */

static bool parse_float(const char *word, double *out_number) {
  char *end;
  if (word[0] == '\0' || isspace((unsigned char)word[0]))
    return false;
  *out_number = strtod(word, &end);
  return *end == '\0';
}

static bool parse_bool(const char *word, int64_t *out_truth) {
  bool is_true = strcmp(word, "true") == 0 || strcmp(word, "1") == 0;
  *out_truth = is_true;
  return is_true || strcmp(word, "false") == 0 || strcmp(word, "0") == 0;
}

static int digit_of(char c) {
  const char *digits = "0123456789abcdef";
  const char *found = strchr(digits, tolower((unsigned char)c));
  return c != '\0' && found != NULL ? (int)(found - digits) : -1;
}

static bool parse_hex(const char *word, polyshm_value *out_value) {
  size_t length = strlen(word);
  if (length % 2 != 0)
    return false;
  unsigned char *bytes = output_memory(NULL, length / 2);
  for (size_t i = 0; i < length / 2; i++) {
    int high = digit_of(word[2 * i]), low = digit_of(word[2 * i + 1]);
    if (high < 0 || low < 0) {
      free(bytes);
      return false;
    }
    bytes[i] = (unsigned char)(high << 4 | low);
  }
  out_value->of.p = bytes;
  out_value->size = length / 2;
  return true;
}

bool value_parse(const char *word, int type, polyshm_value *out_value) {
  *out_value = (polyshm_value){.type = type};
  switch (type) {
  case POLYSHM_NONE:
    return strcmp(word, "none") == 0;
  case POLYSHM_BOOL:
    return parse_bool(word, &out_value->of.i);
  case POLYSHM_INT:
    return arguments_integer(word, &out_value->of.i);
  case POLYSHM_FLOAT:
    return parse_float(word, &out_value->of.f);
  case POLYSHM_BYTES:
    return parse_hex(word, out_value);
  default:
    out_value->of.p = word;
    out_value->size = strlen(word);
    return true;
  }
}

/* strtod() knows more spellings of floats than people mean by one. */
static bool looks_like_float(const char *word) {
  const char *digits = word + (word[0] == '-' || word[0] == '+');
  return isdigit((unsigned char)digits[0]) ||
         (digits[0] == '.' && isdigit((unsigned char)digits[1])) ||
         strcmp(digits, "inf") == 0 || strcmp(digits, "nan") == 0;
}

void value_guess(const char *word, polyshm_value *out_value) {
  bool is_word = strcmp(word, "true") == 0 || strcmp(word, "false") == 0;
  if (value_parse(word, POLYSHM_NONE, out_value) ||
      (is_word && value_parse(word, POLYSHM_BOOL, out_value)) ||
      value_parse(word, POLYSHM_INT, out_value) ||
      (looks_like_float(word) && value_parse(word, POLYSHM_FLOAT, out_value)))
    return;
  value_parse(word, POLYSHM_STRING, out_value);
}
