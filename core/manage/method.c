/* SPDX-License-Identifier: MIT */
#include "manage/method.h"

#include "manage/message.h"
#include "os/os.h"
#include "base/error.h"
#include "base/frame.h"
#include "base/pickle.h"

#include <stdio.h>
#include <string.h>

enum {
  BATCH = 1000, /* items that stock Python appends at once */
  NAMED = 80    /* bytes of a method that we do not know, in what we tell */
};

typedef struct call {
  pshm_session *session;
  pshm_household *household;
  pshm_request request;
} call;

/* --------------------------------------------------------------- failures */

/* Under the names that stock servers use. */
static void put_status(pshm_buffer *out, polyshm_status status) {
  const char *exception = "OSError", *message = polyshm_error_message();
  switch (status) {
  case POLYSHM_E_INVALID:
    exception = "ValueError";
    break;
  case POLYSHM_E_TYPE:
    exception = "TypeError";
    break;
  case POLYSHM_E_NOT_FOUND: /* a name that is not owned is list.remove's */
    exception = polyshm_error_os() != 0 ? "FileNotFoundError" : "ValueError";
    break;
  case POLYSHM_E_ACCESS:
    exception = "PermissionError";
    break;
  case POLYSHM_E_MEMORY:
  case POLYSHM_E_SPACE:
    exception = "MemoryError";
    break;
  default:
    break;
  }
  pshm_reply_put_failure(out, exception, "%s", message);
}

static void put_outcome(pshm_buffer *out, polyshm_status status) {
  if (status == POLYSHM_OK)
    pshm_reply_put_none(out);
  else
    put_status(out, status);
}

void pshm_method_put_refusal(pshm_buffer *buffer) {
  pshm_reply_put_failure(
      buffer, "multiprocessing.context.AuthenticationError",
      "digest received was wrong");
}

/* ---------------------------------------------------------------- methods */

static void serve_nothing(call *self) {
  pshm_reply_put_none(&self->session->out);
}

static void serve_track(call *self) {
  char name[POLYSHM_NAME_MAX + 1];
  polyshm_status status =
      pshm_request_take_name(&self->household->pickle, &self->request, name);
  if (status == POLYSHM_OK)
    status = pshm_registry_add(&self->household->registry, name, 0);
  if (status == POLYSHM_OK)
    pshm_journal_note(
        &self->household->journal, POLYSHM_LEVEL_DEBUG, "tracks '%s'", name);
  put_outcome(&self->session->out, status);
}

static void serve_release(call *self) {
  char name[POLYSHM_NAME_MAX + 1];
  polyshm_status status =
      pshm_request_take_name(&self->household->pickle, &self->request, name);
  if (status == POLYSHM_OK)
    status = pshm_registry_release(&self->household->registry, name);
  if (status == POLYSHM_OK)
    pshm_journal_note(
        &self->household->journal, POLYSHM_LEVEL_DEBUG, "releases '%s'", name);
  put_outcome(&self->session->out, status);
}

/* A client that is about to name a block knows its inode. */
static void serve_announce(call *self) {
  char name[POLYSHM_NAME_MAX + 1];
  int64_t numbers[2];
  os_file_id folder;
  polyshm_status status = pshm_request_take(
      &self->household->pickle, &self->request, name, numbers, 2);
  if (status == POLYSHM_OK)
    status = os_folder_identify(self->household->registry.folder, &folder);
  if (status == POLYSHM_OK && folder.device != (uint64_t)numbers[1])
    status = pshm_error_set(
        POLYSHM_E_ACCESS,
        "client and manager do not share one /dev/shm: they are on different "
        "machines, or in different containers");
  if (status == POLYSHM_OK && numbers[0] == 0)
    status = pshm_error_set(POLYSHM_E_INVALID, "0 is no inode");
  if (status == POLYSHM_OK)
    status = pshm_registry_add(
        &self->household->registry, name, (uint64_t)numbers[0]);
  if (status == POLYSHM_OK)
    pshm_journal_note(
        &self->household->journal, POLYSHM_LEVEL_DEBUG, "tracks '%s'", name);
  put_outcome(&self->session->out, status);
}

static void serve_retract(call *self) {
  char name[POLYSHM_NAME_MAX + 1];
  int64_t inode;
  polyshm_status status = pshm_request_take(
      &self->household->pickle, &self->request, name, &inode, 1);
  if (status == POLYSHM_OK && inode == 0)
    status = pshm_error_set(POLYSHM_E_INVALID, "0 is no inode");
  if (status == POLYSHM_OK)
    status =
        pshm_registry_drop(&self->household->registry, name, (uint64_t)inode);
  put_outcome(&self->session->out, status);
}

static void serve_list(call *self) {
  pshm_buffer *out = &self->session->out;
  size_t begun = pshm_reply_begin(out, "#RETURN");
  pshm_pickle_put_empty_list(out);
  uint64_t count = 0;
  const pshm_registry *registry = &self->household->registry;
  for (const pshm_segment *i = registry->first; i != NULL; i = i->later) {
    if (count % BATCH == 0)
      pshm_pickle_put_mark(out);
    pshm_pickle_put_text(out, i->name, strlen(i->name));
    if (++count % BATCH == 0 || i->later == NULL)
      pshm_pickle_put_appends(out);
  }
  pshm_reply_end(out, begun);
}

/* There are no objects. */
static void serve_number(call *self) {
  size_t begun = pshm_reply_begin(&self->session->out, "#RETURN");
  pshm_pickle_put_int(&self->session->out, 0);
  pshm_reply_end(&self->session->out, begun);
}

static void serve_debug_info(call *self) {
  size_t begun = pshm_reply_begin(&self->session->out, "#RETURN");
  pshm_pickle_put_text(&self->session->out, "", 0);
  pshm_reply_end(&self->session->out, begun);
}

static void serve_object(call *self) {
  pshm_reply_put_failure(
      &self->session->out, "KeyError",
      "this manager has shared memory, and no objects");
}

void pshm_method_shut_down(pshm_household *household) {
  uint64_t owned = household->registry.count;
  uint64_t removed = pshm_registry_clear(&household->registry);
  household->is_over = true;
  pshm_journal_note(
      &household->journal, POLYSHM_LEVEL_INFO,
      "shut down; of %llu blocks, %llu were there and were removed",
      (unsigned long long)owned, (unsigned long long)removed);
}

/* One reply, where a stock server sends two. */
static void serve_shutdown(call *self) {
  pshm_method_shut_down(self->household);
  pshm_reply_put_none(&self->session->out);
}

static void serve_accept(call *self) {
  self->session->is_kept = true;
  pshm_reply_put_none(&self->session->out);
}

static const struct {
  const char *name;
  void (*serve)(call *self);
} methods[] = {
    {PSHM_MESSAGE_ANNOUNCE, serve_announce},
    {PSHM_MESSAGE_RETRACT, serve_retract},
    {"track_segment", serve_track},
    {"release_segment", serve_release},
    {"list_segments", serve_list},
    {"dummy", serve_nothing},
    {"shutdown", serve_shutdown},
    {"number_of_objects", serve_number},
    {"debug_info", serve_debug_info},
    {"accept_connection", serve_accept},
    {"create", serve_object},
    {"incref", serve_object},
    {"decref", serve_object},
    {"get_methods", serve_object},
};

static void serve_unknown(call *self) {
  int size = self->request.nmethod < NAMED ? (int)self->request.nmethod : NAMED;
  char name[NAMED + 1];
  memcpy(name, self->request.method, (size_t)size);
  name[size] = 0;
  for (int i = 0; i < size; i++)
    if (name[i] < ' ' || name[i] > '~')
      name[i] = '?'; /* it is put into a text, which is to be UTF-8 */
  pshm_reply_put_failure(
      &self->session->out, "AssertionError", "%s unrecognized", name);
}

void pshm_method_serve(
    pshm_session *session, pshm_household *household, const void *body,
    size_t size) {
  call self = {.session = session, .household = household};
  const char *reason;
  if (!pshm_request_read(
          &household->pickle, body, size, &self.request, &reason)) {
    pshm_journal_note(
        &household->journal, POLYSHM_LEVEL_WARNING, "a request was refused: %s",
        reason);
    pshm_reply_put_failure(
        &session->out, "ValueError", "the request was refused: %s", reason);
    session->is_kept = false;
    return;
  }
  if (self.request.has_ident) {
    serve_object(&self);
    return;
  }
  for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
    if (pshm_request_is(&self.request, methods[i].name)) {
      methods[i].serve(&self);
      return;
    }
  serve_unknown(&self);
}
