/* SPDX-License-Identifier: MIT */
/* Values of lists: as text, as JSON, and from the words of a command line. */
#ifndef VALUE_H
#define VALUE_H

#include "node.h"
#include "polyshm.h"

#include <stdbool.h>

/* "int", "float", "str", "bytes", "bool", "none". */
const char *value_type(const polyshm_value *value);

/* Strings longer than `limit` bytes are cut, and said to be. */
char *value_text(const polyshm_value *value, uint64_t limit);

/* Add "type" and "value" to an object, and "hex" for a string that is no
 * UTF-8. */
void value_json(json_object *object, const polyshm_value *value);

/* What the word looks like: none, true, false, an int, a float, or else a
 * string. */
void value_guess(const char *word, polyshm_value *out_value);

/* The word as a value of this type; false if it is none. What bytes point to
 * is for free(). */
bool value_parse(const char *word, int type, polyshm_value *out_value);

#endif
