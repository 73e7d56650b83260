/* SPDX-License-Identifier: MIT */
#include "node.h"

#include "output.h"
#include "text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
  SPACED = JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE,
  PRETTY = SPACED | JSON_C_TO_STRING_PRETTY
};

static json_object *checked(json_object *object) {
  if (object == NULL)
    output_no_memory();
  return object;
}

json_object *node_new(void) {
  return checked(json_object_new_object());
}

json_object *node_array(void) {
  return checked(json_object_new_array());
}

json_object *node_int(int64_t number) {
  return checked(json_object_new_int64(number));
}

json_object *node_uint(uint64_t number) {
  return checked(json_object_new_uint64(number));
}

json_object *node_bool(bool truth) {
  return checked(json_object_new_boolean(truth));
}

json_object *node_float(double number) {
  char text[64];
  text_float(text, sizeof text, number);
  return isfinite(number) ? checked(json_object_new_double_s(number, text))
                          : node_text(text);
}

json_object *node_text(const char *text) {
  return checked(json_object_new_string(text));
}

json_object *node_hex(const void *bytes, size_t size) {
  const unsigned char *source = bytes;
  char *text = output_memory(NULL, 2 * size + 1);
  for (size_t i = 0; i < size; i++)
    snprintf(text + 2 * i, 3, "%02x", source[i]);
  text[2 * size] = '\0';
  json_object *object = node_text(text);
  free(text);
  return object;
}

void node_put(json_object *object, const char *key, json_object *member) {
  if (json_object_object_add(object, key, member) != 0)
    output_no_memory();
}

void node_append(json_object *array, json_object *member) {
  if (json_object_array_add(array, member) != 0)
    output_no_memory();
}

void node_put_bytes(
    json_object *object, const char *key, const char *hex_key,
    const void *bytes, size_t size) {
  size_t length;
  char *text = text_repair(bytes, size, &length);
  node_put(object, key, checked(json_object_new_string_len(text, (int)length)));
  if (!text_is_utf8(bytes, size))
    node_put(object, hex_key, node_hex(bytes, size));
  free(text);
}

static const char *printed(json_object *object, int how) {
  const char *text = json_object_to_json_string_ext(object, how);
  if (text == NULL)
    output_no_memory();
  return text;
}

void node_print(json_object *object) {
  const char *text = printed(object, PRETTY);
  text_put(stdout, text, strlen(text), TEXT_JSON);
  fputc('\n', stdout);
  json_object_put(object);
}

void node_line(json_object *object) {
  const char *text = printed(object, SPACED);
  text_put(stdout, text, strlen(text), TEXT_JSON);
  fputc('\n', stdout);
  json_object_put(object);
}

/* ------------------------------------------------------------------- rows */

static bool has_head;
static uint64_t nrows;

void node_rows_begin(json_object *head, const char *key) {
  has_head = head != NULL;
  nrows = 0;
  if (!has_head) {
    fputs("[", stdout);
    return;
  }
  /* All of the head but its last brace. */
  const char *text = printed(head, PRETTY);
  size_t size = strlen(text);
  while (size > 0 && (text[size - 1] == '}' || text[size - 1] == '\n'))
    size--;
  text_put(stdout, text, size, TEXT_JSON);
  printf(",\n  \"%s\": [", key);
  json_object_put(head);
}

void node_row(json_object *row) {
  const char *text = printed(row, SPACED);
  fputs(nrows++ > 0 ? ",\n  " : "\n  ", stdout);
  fputs(has_head ? "  " : "", stdout);
  text_put(stdout, text, strlen(text), TEXT_JSON);
  json_object_put(row);
}

void node_rows_end(void) {
  if (nrows > 0)
    fputs(has_head ? "\n  " : "\n", stdout);
  puts(has_head ? "]\n}" : "]");
}
