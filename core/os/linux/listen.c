/* SPDX-License-Identifier: MIT */
/*
 * A socket in the file system is this user's alone (mode 0600). One that is
 * left of a dead listener is removed; who does so holds a lock on its folder,
 * so that of two who start at once, one is refused, and neither loses its
 * socket to the other.
 */
#include "os/os.h"

#include "os/net.h"
#include "os/linux/address.h"
#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
  BACKLOG = 4096,
  LOCK_TRIES = 100,
  LOCK_PAUSE = 10000000 /* nanoseconds */
};

static polyshm_status fail(const char *address, int code) {
  polyshm_status status = POLYSHM_E_OS;
  if (code == EADDRINUSE)
    status = POLYSHM_E_EXISTS;
  else if (code == ENOENT)
    status = POLYSHM_E_NOT_FOUND;
  else if (code == EACCES || code == EPERM || code == EROFS)
    status = POLYSHM_E_ACCESS;
  else if (code == ENOSPC || code == EDQUOT)
    status = POLYSHM_E_SPACE;
  return pshm_error_set_os(
      status, code, "cannot listen at '%.200s': %s", address, strerror(code));
}

/* ---------------------------------------------------------------- folders */

static polyshm_status make_folder(os_listener *listener) {
  const char *base = secure_getenv("TMPDIR");
  const size_t rest = sizeof "/polyshm-XXXXXX/manager";
  if (base == NULL || base[0] != '/' ||
      strlen(base) + rest > sizeof listener->folder)
    base = "/tmp";
  snprintf(
      listener->folder, sizeof listener->folder, "%.80s/polyshm-XXXXXX", base);
  if (mkdtemp(listener->folder) == NULL) { /* of mode 0700 */
    int code = errno;
    listener->folder[0] = 0;
    return fail(base, code);
  }
  snprintf(
      listener->address, sizeof listener->address, "unix:%s/manager",
      listener->folder);
  return POLYSHM_OK;
}

/* -1 if there is none, or somebody has had it for long. */
static int lock_folder(const char *path) {
  char copy[OS_NET_PATH_SIZE];
  snprintf(copy, sizeof copy, "%s", path);
  int folder = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0)
    return -1;
  for (int i = 0; i < LOCK_TRIES; i++) {
    if (flock(folder, LOCK_EX | LOCK_NB) == 0)
      return folder;
    os_clock_sleep(LOCK_PAUSE);
  }
  close(folder);
  return -1;
}

/* ---------------------------------------------------------------- binding */

/* A socket that nobody listens on: its listener is dead. */
static bool is_stale(const os_address *at) {
  struct stat found;
  if (lstat(os_address_path(at), &found) != 0 || !S_ISSOCK(found.st_mode))
    return false;
  int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  bool is_refused = probe >= 0 && connect(probe, &at->of.any, at->size) != 0 &&
                    errno == ECONNREFUSED;
  os_net_close(probe);
  return is_refused;
}

static int bind_file(int descriptor, const os_address *at) {
  /* The mode of the file that bind makes, whatever the umask allows. */
  fchmod(descriptor, 0600);
  int lock = lock_folder(os_address_path(at));
  int code = bind(descriptor, &at->of.any, at->size) == 0 ? 0 : errno;
  if (code == EADDRINUSE && lock >= 0 && is_stale(at) &&
      unlink(os_address_path(at)) == 0)
    code = bind(descriptor, &at->of.any, at->size) == 0 ? 0 : errno;
  os_net_close(lock);
  return code;
}

static int bind_tcp(int descriptor, os_address *at) {
  int yes = 1;
  setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (bind(descriptor, &at->of.any, at->size) != 0 ||
      getsockname(descriptor, &at->of.any, &at->size) != 0)
    return errno;
  return 0;
}

static int bind_any(os_listener *listener, os_address *at) {
  const char *path = os_address_path(at);
  if (path != NULL) {
    int code = bind_file(listener->descriptor, at);
    struct stat made;
    if (code == 0 && lstat(path, &made) == 0) {
      listener->id = (os_file_id){made.st_dev, made.st_ino};
      snprintf(listener->path, sizeof listener->path, "%s", path);
    }
    return code;
  }
  if (at->of.any.sa_family != AF_UNIX) {
    int code = bind_tcp(listener->descriptor, at);
    os_address_write(at, listener->address);
    return code;
  }
  return bind(listener->descriptor, &at->of.any, at->size) == 0 ? 0 : errno;
}

static polyshm_status open_at(os_listener *listener, bool remote) {
  os_address at;
  polyshm_status status = os_address_read(listener->address, true, &at);
  if (status != POLYSHM_OK)
    return status;
  if (!at.is_loopback && !remote)
    return pshm_error_set_os(
        POLYSHM_E_ACCESS, EPERM,
        "other machines could connect to '%.200s'; POLYSHM_SERVER_REMOTE "
        "allows that",
        listener->address);
  int family = at.of.any.sa_family;
  listener->is_local = family == AF_UNIX;
  listener->descriptor =
      socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  int code = listener->descriptor < 0 ? errno : bind_any(listener, &at);
  if (code == 0 && listen(listener->descriptor, BACKLOG) != 0)
    code = errno;
  return code == 0 ? POLYSHM_OK : fail(listener->address, code);
}

polyshm_status os_net_listen(
    const char *address, bool remote, os_listener *out_listener) {
  os_listener listener = {.descriptor = -1};
  polyshm_status status = address == NULL
                              ? make_folder(&listener)
                              : os_net_settle(address, listener.address);
  if (status == POLYSHM_OK)
    status = open_at(&listener, remote);
  if (status != POLYSHM_OK) {
    pshm_error failure;
    pshm_error_save(&failure);
    os_net_unlisten(&listener);
    pshm_error_restore(&failure);
    return status;
  }
  *out_listener = listener;
  return POLYSHM_OK;
}

/* The file only if it still is ours. It goes before the listener is closed, so
 * that nobody takes it for a dead one's. */
void os_net_unlisten(os_listener *listener) {
  struct stat found;
  if (listener->path[0] != 0 && lstat(listener->path, &found) == 0 &&
      found.st_dev == listener->id.device && found.st_ino == listener->id.inode)
    unlink(listener->path);
  if (listener->folder[0] != 0)
    rmdir(listener->folder);
  os_net_close(listener->descriptor);
  listener->descriptor = -1;
  listener->path[0] = listener->folder[0] = 0;
}
