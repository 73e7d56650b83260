/* SPDX-License-Identifier: MIT */
#include "manage/message.h"

#include "base/error.h"
#include "base/frame.h"
#include "base/pickle.h"
#include "base/name.h"
#include "base/utf8.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---------------------------------------------------------------- request */

bool pshm_request_read(
    pshm_pickle *pickle, const void *body, size_t size,
    pshm_request *out_request, const char **out_reason) {
  uint32_t root = pshm_unpickle_read(pickle, body, size, out_reason);
  if (root == 0)
    return false;
  *out_reason = "it is no (ident, method, args, kwds)";
  if (!pshm_unpickle_is(pickle, root, PSHM_PICKLE_TUPLE) ||
      pshm_unpickle_at(pickle, root)->count != 4)
    return false;
  uint32_t ident = pshm_unpickle_child(pickle, root, 0);
  uint32_t method = pshm_unpickle_child(pickle, root, 1);
  uint32_t args = pshm_unpickle_child(pickle, root, 2);
  uint32_t kwds = pshm_unpickle_child(pickle, root, 3);
  if (!pshm_unpickle_is(pickle, method, PSHM_PICKLE_TEXT) ||
      !(pshm_unpickle_is(pickle, args, PSHM_PICKLE_TUPLE) ||
        pshm_unpickle_is(pickle, args, PSHM_PICKLE_LIST)) ||
      !pshm_unpickle_is(pickle, kwds, PSHM_PICKLE_DICT))
    return false;
  const pshm_pickle_node *text = pshm_unpickle_at(pickle, method);
  *out_request = (pshm_request){
      .has_ident = !pshm_unpickle_is(pickle, ident, PSHM_PICKLE_NONE),
      .method = text->of.text,
      .nmethod = text->count,
      .args = args,
      .kwds = kwds,
  };
  return true;
}

bool pshm_request_is(const pshm_request *request, const char *method) {
  return request->nmethod == strlen(method) &&
         memcmp(request->method, method, strlen(method)) == 0;
}

static polyshm_status check_name(
    const pshm_pickle *pickle, uint32_t node, char name[POLYSHM_NAME_MAX + 1]) {
  if (!pshm_unpickle_is(pickle, node, PSHM_PICKLE_TEXT))
    return pshm_error_set_os(
        POLYSHM_E_INVALID, EINVAL, "a block's name must be a str");
  const pshm_pickle_node *text = pshm_unpickle_at(pickle, node);
  /* A slash in front is one that pshm_name_check drops. */
  char given[POLYSHM_NAME_MAX + 2];
  if (text->count >= sizeof given)
    return pshm_error_set_os(
        POLYSHM_E_INVALID, ENAMETOOLONG, "a block's name has at most %d bytes",
        POLYSHM_NAME_MAX);
  if (memchr(text->of.text, 0, (size_t)text->count) != NULL)
    return pshm_error_set_os(
        POLYSHM_E_INVALID, EINVAL, "a block's name must not hold a zero byte");
  if (!pshm_utf8_check((const char *)text->of.text, (size_t)text->count))
    return pshm_error_set_os(
        POLYSHM_E_INVALID, EINVAL, "a block's name must be UTF-8");
  memcpy(given, text->of.text, (size_t)text->count);
  given[text->count] = 0;
  const char *plain;
  polyshm_status status = pshm_name_check(given, &plain);
  if (status == POLYSHM_OK)
    strcpy(name, plain);
  return status;
}

polyshm_status pshm_request_take_name(
    const pshm_pickle *pickle, const pshm_request *request,
    char name[POLYSHM_NAME_MAX + 1]) {
  uint64_t nargs = pshm_unpickle_at(pickle, request->args)->count;
  uint64_t nkwds = pshm_unpickle_at(pickle, request->kwds)->count;
  uint32_t node = 0;
  if (nargs == 1 && nkwds == 0)
    node = pshm_unpickle_child(pickle, request->args, 0);
  else if (
      nargs == 0 && nkwds == 2 &&
      pshm_unpickle_says(
          pickle, pshm_unpickle_child(pickle, request->kwds, 0),
          "segment_name"))
    node = pshm_unpickle_child(pickle, request->kwds, 1);
  if (node == 0)
    return pshm_error_set(
        POLYSHM_E_TYPE, "this method takes one argument, segment_name");
  return check_name(pickle, node, name);
}

polyshm_status pshm_request_take(
    const pshm_pickle *pickle, const pshm_request *request,
    char name[POLYSHM_NAME_MAX + 1], int64_t *numbers, uint64_t count) {
  if (pshm_unpickle_at(pickle, request->args)->count != count + 1)
    return pshm_error_set(
        POLYSHM_E_TYPE, "this method takes a name and %llu numbers",
        (unsigned long long)count);
  for (uint64_t i = 0; i < count; i++) {
    uint32_t node = pshm_unpickle_child(pickle, request->args, i + 1);
    if (!pshm_unpickle_is(pickle, node, PSHM_PICKLE_INT))
      return pshm_error_set(POLYSHM_E_TYPE, "this is no number");
    numbers[i] = pshm_unpickle_at(pickle, node)->of.integer;
  }
  return check_name(
      pickle, pshm_unpickle_child(pickle, request->args, 0), name);
}

void pshm_request_put(
    pshm_buffer *buffer, const char *method, const char *name,
    const int64_t *numbers, uint64_t nnumbers) {
  size_t begun = pshm_frame_begin(buffer);
  pshm_pickle_begin(buffer);
  pshm_pickle_put_mark(buffer);
  pshm_pickle_put_none(buffer);
  pshm_pickle_put_text(buffer, method, strlen(method));
  pshm_pickle_put_mark(buffer);
  if (name != NULL)
    pshm_pickle_put_text(buffer, name, strlen(name));
  for (uint64_t i = 0; i < nnumbers; i++)
    pshm_pickle_put_int(buffer, numbers[i]);
  pshm_pickle_put_tuple(buffer);
  pshm_pickle_put_empty_dict(buffer);
  pshm_pickle_put_tuple(buffer);
  pshm_pickle_end(buffer);
  pshm_frame_end(buffer, begun);
}

/* ------------------------------------------------------------------ reply */

size_t pshm_reply_begin(pshm_buffer *buffer, const char *kind) {
  size_t begun = pshm_frame_begin(buffer);
  pshm_pickle_begin(buffer);
  pshm_pickle_put_mark(buffer);
  pshm_pickle_put_text(buffer, kind, strlen(kind));
  return begun;
}

void pshm_reply_end(pshm_buffer *buffer, size_t begun) {
  pshm_pickle_put_tuple(buffer);
  pshm_pickle_end(buffer);
  pshm_frame_end(buffer, begun);
}

void pshm_reply_put_none(pshm_buffer *buffer) {
  size_t begun = pshm_reply_begin(buffer, "#RETURN");
  pshm_pickle_put_none(buffer);
  pshm_reply_end(buffer, begun);
}

void pshm_reply_put_failure(
    pshm_buffer *buffer, const char *exception, const char *format, ...) {
  char text[1024];
  int size = snprintf(
      text, sizeof text,
      "Traceback (most recent call last):\n  in a polyshm manager\n%s: ",
      exception);
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text + size, sizeof text - (size_t)size - 1, format, arguments);
  va_end(arguments);
  strcat(text, "\n");
  size_t begun = pshm_reply_begin(buffer, "#TRACEBACK");
  pshm_pickle_put_text(buffer, text, strlen(text));
  pshm_reply_end(buffer, begun);
}

/* What a failed method means, by the exception at the end of its traceback. */
static polyshm_status status_of(const char *line, size_t size, int *out_code) {
  static const struct {
    const char *exception;
    polyshm_status status;
    int code;
  } known[] = {
      {"FileNotFoundError", POLYSHM_E_NOT_FOUND, ENOENT},
      {"PermissionError", POLYSHM_E_ACCESS, EPERM},
      {"ValueError", POLYSHM_E_NOT_FOUND, 0}, /* release_segment */
      {"MemoryError", POLYSHM_E_MEMORY, 0},
  };
  *out_code = 0;
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    size_t length = strlen(known[i].exception);
    if (size > length && line[length] == ':' &&
        memcmp(line, known[i].exception, length) == 0) {
      *out_code = known[i].code;
      return known[i].status;
    }
  }
  return POLYSHM_E_PROTOCOL;
}

static polyshm_status fail_remote(const char *text, size_t size) {
  while (size > 0 && (text[size - 1] == '\n' || text[size - 1] == ' '))
    size--;
  size_t begin = size;
  while (begin > 0 && text[begin - 1] != '\n')
    begin--;
  int code;
  polyshm_status status = status_of(text + begin, size - begin, &code);
  return pshm_error_set_os(
      status, code, "the manager answers: %.*s", (int)(size - begin),
      text + begin);
}

static polyshm_status fail_reply(const char *reason) {
  return pshm_error_set(
      POLYSHM_E_PROTOCOL, "the manager's reply was refused: %s", reason);
}

uint32_t pshm_reply_read(
    pshm_pickle *pickle, const void *body, size_t size,
    polyshm_status *out_status) {
  const char *reason = "";
  uint32_t root = pshm_unpickle_read(pickle, body, size, &reason);
  if (root == 0) {
    *out_status = fail_reply(reason);
    return 0;
  }
  uint32_t kind = pshm_unpickle_child(pickle, root, 0);
  uint32_t value = pshm_unpickle_child(pickle, root, 1);
  if (!pshm_unpickle_is(pickle, root, PSHM_PICKLE_TUPLE) ||
      pshm_unpickle_at(pickle, root)->count != 2)
    *out_status = fail_reply("it is no (kind, value)");
  else if (pshm_unpickle_says(pickle, kind, "#RETURN"))
    return value;
  else if (
      (pshm_unpickle_says(pickle, kind, "#TRACEBACK") ||
       pshm_unpickle_says(pickle, kind, "#UNSERIALIZABLE")) &&
      pshm_unpickle_is(pickle, value, PSHM_PICKLE_TEXT)) {
    const pshm_pickle_node *text = pshm_unpickle_at(pickle, value);
    size_t length = text->count < INT32_MAX ? (size_t)text->count : INT32_MAX;
    *out_status = fail_remote((const char *)text->of.text, length);
  } else
    *out_status = fail_reply("it is of an unknown kind");
  return 0;
}
