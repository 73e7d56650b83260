/* SPDX-License-Identifier: MIT */
/*
 * JSON by json-c, whose failures are all lack of memory, which ends the
 * program. Objects keep the order in which their members were put.
 */
#ifndef NODE_H
#define NODE_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

json_object *node_new(void);
json_object *node_array(void);
json_object *node_int(int64_t number);
json_object *node_uint(uint64_t number);
json_object *node_bool(bool truth);

/* A number; "nan", "inf" and "-inf" as strings, since JSON has none. */
json_object *node_float(double number);

/* `text` is UTF-8. */
json_object *node_text(const char *text);
json_object *node_hex(const void *bytes, size_t size);

/* NULL stands for null. The member belongs to the object. */
void node_put(json_object *object, const char *key, json_object *member);
void node_append(json_object *array, json_object *member);

/* Bytes of others: text in which U+FFFD stands for what is not UTF-8; if there
 * is such, a second member holds all bytes as hexadecimal digits. */
void node_put_bytes(
    json_object *object, const char *key, const char *hex_key,
    const void *bytes, size_t size);

/* Print it, and give it back. */
void node_print(json_object *object);

/* The same in one line. */
void node_line(json_object *object);

/* An object whose last member is an array of any length, which need not be in
 * memory at once: the head with its other members, the rows, the end. Without a
 * head, the array alone. */
void node_rows_begin(json_object *head, const char *key);
void node_row(json_object *row);
void node_rows_end(void);

#endif
