/* SPDX-License-Identifier: MIT */
#include "block.h"

#include "output.h"
#include "text.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

const char *block_kind(const polyshm_info *info) {
  return info->kind == POLYSHM_KIND_LIST ? "list" : "block";
}

const char *block_state(const polyshm_info *info) {
  if (info->state & POLYSHM_STATE_ORPHAN)
    return "orphan";
  if (info->state & POLYSHM_STATE_HELD)
    return "held";
  if (info->state & POLYSHM_STATE_TREE)
    return "kept";
  return info->state & POLYSHM_STATE_UNKNOWN ? "unknown" : "free";
}

bool block_is_in_use(const polyshm_info *info) {
  uint32_t signs =
      POLYSHM_STATE_HELD | POLYSHM_STATE_TREE | POLYSHM_STATE_UNKNOWN;
  return (info->state & signs) != 0;
}

bool block_is_left_open(const polyshm_info *info, const void *handle) {
  static const void *left_open; /* and is not lost */
  bool is_orphan = (info->state & POLYSHM_STATE_ORPHAN) != 0;
  if (is_orphan)
    left_open = handle;
  return is_orphan && left_open != NULL;
}

/* Most blocks belong to one user, and asking reads files. */
static const char *user_of(uint32_t uid) {
  static struct {
    bool is_known;
    uint32_t uid;
    char name[256];
  } last;
  if (!last.is_known || last.uid != uid) {
    const struct passwd *user = getpwuid(uid);
    snprintf(
        last.name, sizeof last.name, "%s", user != NULL ? user->pw_name : "");
    last.uid = uid;
    last.is_known = true;
  }
  return last.name;
}

char *block_owner(const polyshm_info *info) {
  const char *name = user_of(info->uid);
  return name[0] != '\0' ? text_name(name) : text_format("%u", info->uid);
}

char *block_age(const polyshm_info *info) {
  struct timespec now;
  if (info->created_at == 0 || clock_gettime(CLOCK_REALTIME, &now) != 0)
    return text_format("-");
  int64_t nanoseconds = now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
  return text_age(nanoseconds - info->created_at);
}

static void put_flag(
    json_object *object, const char *key, const polyshm_info *info,
    uint32_t flag) {
  node_put(object, key, node_bool((info->state & flag) != 0));
}

json_object *block_json(
    const polyshm_info *info, const holders *all, size_t number) {
  bool is_list = info->kind == POLYSHM_KIND_LIST;
  const char *user = user_of(info->uid);
  char mode[16];
  snprintf(mode, sizeof mode, "%04o", info->mode);
  json_object *object = node_new();
  node_put_bytes(object, "name", "name_hex", info->name, strlen(info->name));
  node_put(object, "kind", node_text(block_kind(info)));
  node_put(object, "size", node_uint(info->size));
  node_put(object, "length", is_list ? node_uint(info->length) : NULL);
  node_put(object, "uid", node_uint(info->uid));
  node_put(object, "user", user[0] != '\0' ? node_text(user) : NULL);
  node_put(object, "mode", node_text(mode));
  node_put(
      object, "created_ns",
      info->created_at != 0 ? node_int(info->created_at) : NULL);
  node_put(object, "state", node_text(block_state(info)));
  put_flag(object, "tracked", info, POLYSHM_STATE_TRACKED);
  put_flag(object, "held", info, POLYSHM_STATE_HELD);
  put_flag(object, "kept", info, POLYSHM_STATE_TREE);
  put_flag(object, "orphan", info, POLYSHM_STATE_ORPHAN);
  put_flag(object, "unknown", info, POLYSHM_STATE_UNKNOWN);
  node_put(object, "holders", holders_json(all, number));
  return object;
}
