/* SPDX-License-Identifier: MIT */
#include "text.h"

#include "output.h"

#include <inttypes.h>
#include <langinfo.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

/* ------------------------------------------------------------------ UTF-8 */

/* Length of the character at the front, or 0 if there is none, as Python's
 * strict decoder means it: no surrogates, nothing longer than needed. */
static size_t decode(
    const unsigned char *bytes, size_t size, uint32_t *out_character) {
  static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  unsigned char first = bytes[0];
  size_t length = first < 0x80             ? 1
                  : (first & 0xe0) == 0xc0 ? 2
                  : (first & 0xf0) == 0xe0 ? 3
                  : (first & 0xf8) == 0xf0 ? 4
                                           : 0;
  if (length == 0 || length > size)
    return 0;
  uint32_t character = length == 1 ? first : first & (0x7fu >> length);
  for (size_t i = 1; i < length; i++) {
    if ((bytes[i] & 0xc0) != 0x80)
      return 0;
    character = character << 6 | (bytes[i] & 0x3f);
  }
  if (character < least[length] || character > 0x10ffff ||
      (character >= 0xd800 && character <= 0xdfff))
    return 0;
  *out_character = character;
  return length;
}

bool text_is_utf8(const void *bytes, size_t size) {
  const unsigned char *next = bytes;
  uint32_t character;
  for (size_t length; size > 0; next += length, size -= length) {
    length = decode(next, size, &character);
    if (length == 0)
      return false;
  }
  return true;
}

/* --------------------------------------------------------------- escaping */

static bool locale_is_utf8(void) {
  return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

/* Marks that turn the direction of writing make one text look like another. */
static bool turns_direction(uint32_t character) {
  return (character >= 0x202a && character <= 0x202e) ||
         (character >= 0x2066 && character <= 0x2069) || character == 0x200e ||
         character == 0x200f;
}

static bool is_printable(uint32_t character) {
  if (character < 0x80)
    return character >= 0x20 && character != 0x7f;
  return locale_is_utf8() && iswprint((wint_t)character) &&
         !turns_direction(character);
}

static void put_escape(FILE *out, unsigned char byte) {
  switch (byte) {
  case '\n':
    fputs("\\n", out);
    break;
  case '\r':
    fputs("\\r", out);
    break;
  case '\t':
    fputs("\\t", out);
    break;
  default:
    fprintf(out, "\\x%02x", byte);
  }
}

static void put_json_escape(FILE *out, uint32_t character) {
  if (character == '\n') /* between members: json-c escapes those inside */
    fputc('\n', out);
  else if (character < 0x10000)
    fprintf(out, "\\u%04x", character);
  else
    fprintf(
        out, "\\u%04x\\u%04x", 0xd7c0 + (character >> 10),
        0xdc00 + (character & 0x3ff));
}

static void put_plain(
    FILE *out, const unsigned char *bytes, size_t length,
    text_purpose purpose) {
  bool is_escaping = purpose == TEXT_NAME || purpose == TEXT_QUOTED;
  if ((bytes[0] == '\\' && is_escaping) ||
      (bytes[0] == '"' && purpose == TEXT_QUOTED))
    fputc('\\', out);
  fwrite(bytes, 1, length, out);
}

void text_put(FILE *out, const void *bytes, size_t size, text_purpose purpose) {
  const unsigned char *next = bytes;
  while (size > 0) {
    uint32_t character;
    size_t length = decode(next, size, &character);
    if (length > 0 && is_printable(character))
      put_plain(out, next, length, purpose);
    else if (length > 0 && purpose == TEXT_JSON)
      put_json_escape(out, character);
    else
      for (size_t i = 0; i < length + (length == 0); i++)
        put_escape(out, next[i]);
    length += length == 0;
    next += length;
    size -= length;
  }
}

char *text_of(const void *bytes, size_t size, text_purpose purpose) {
  char *text = NULL;
  size_t length;
  FILE *out = open_memstream(&text, &length);
  if (out == NULL)
    output_no_memory();
  text_put(out, bytes, size, purpose);
  if (fclose(out) != 0)
    output_no_memory();
  return text;
}

char *text_name(const char *name) {
  return text_of(name, strlen(name), TEXT_NAME);
}

char *text_repair(const void *bytes, size_t size, size_t *out_size) {
  const unsigned char *next = bytes;
  char *text = output_memory(NULL, 3 * size + 1);
  size_t used = 0;
  while (size > 0) {
    uint32_t character;
    size_t length = decode(next, size, &character);
    memcpy(
        text + used, length > 0 ? (const char *)next : "\xef\xbf\xbd",
        length > 0 ? length : 3);
    used += length > 0 ? length : 3;
    length += length == 0;
    next += length;
    size -= length;
  }
  text[used] = '\0';
  *out_size = used;
  return text;
}

char *text_format(const char *format, ...) {
  char *text = NULL;
  va_list list;
  va_start(list, format);
  int size = vasprintf(&text, format, list);
  va_end(list);
  if (size < 0)
    output_no_memory();
  return text;
}

/* ---------------------------------------------------------------- columns */

static size_t measure(const char *text, int columns, int *out_width) {
  const unsigned char *bytes = (const unsigned char *)text;
  size_t size = strlen(text), used = 0;
  int width = 0;
  while (used < size) {
    uint32_t character = 0;
    size_t length = decode(bytes + used, size - used, &character);
    int wide = length > 1 ? wcwidth((wchar_t)character) : 1;
    wide = wide < 0 ? 1 : wide;
    if (width + wide > columns)
      break;
    width += wide;
    used += length > 0 ? length : 1;
  }
  *out_width = width;
  return used;
}

int text_width(const char *text) {
  int width;
  measure(text, INT32_MAX, &width);
  return width;
}

size_t text_fit(const char *text, int columns) {
  int width;
  return measure(text, columns, &width);
}

/* ---------------------------------------------------------------- numbers */

char *text_size(uint64_t bytes) {
  static const char units[] = "KMGTPE";
  if (bytes < 10000)
    return text_format("%" PRIu64, bytes);
  double size = (double)bytes / 1024;
  int unit = 0;
  for (; size >= 1000; unit++)
    size /= 1024;
  return text_format("%.*f%c", size < 10 ? 1 : 0, size, units[unit]);
}

char *text_age(int64_t nanoseconds) {
  int64_t seconds = nanoseconds < 0 ? 0 : nanoseconds / 1000000000;
  if (seconds < 120)
    return text_format("%" PRId64 "s", seconds);
  if (seconds < 2 * 3600)
    return text_format("%" PRId64 "m", seconds / 60);
  if (seconds < 2 * 86400)
    return text_format("%" PRId64 "h", seconds / 3600);
  return text_format("%" PRId64 "d", seconds / 86400);
}

void text_float(char *buffer, size_t capacity, double number) {
  if (isnan(number)) { /* whose sign means nothing */
    snprintf(buffer, capacity, "nan");
    return;
  }
  for (int digits = 15; digits <= 17; digits++) {
    snprintf(buffer, capacity, "%.*g", digits, number);
    if (strtod(buffer, NULL) == number)
      break;
  }
  size_t size = strlen(buffer);
  if (isfinite(number) && strpbrk(buffer, ".e") == NULL && size + 3 <= capacity)
    memcpy(buffer + size, ".0", 3);
}
