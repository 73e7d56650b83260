/* SPDX-License-Identifier: MIT */
/* What others do to blocks: logind when a user leaves, the kernel when a
 * container has used up its memory, processes that were killed. */
#include "checks.h"
#include "output.h"
#include "polyshm.h"
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/* Users below this number are the system's, and logind leaves them alone. */
enum { FIRST_USER = 1000 };

/* ----------------------------------------------------------------- logind */

static bool means_no(const char *value) {
  static const char *const words[] = {"no", "false", "off", "0", "n", "f"};
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
    if (strcasecmp(value, words[i]) == 0)
      return true;
  return false;
}

/* The last file that sets it decides. */
static void read_setting(const char *path, bool *is_removing) {
  FILE *file = fopen(path, "re");
  if (file == NULL)
    return;
  char *line = NULL, value[64];
  size_t capacity = 0;
  while (getline(&line, &capacity, file) > 0)
    if (sscanf(line, " RemoveIPC = %63s", value) == 1)
      *is_removing = !means_no(value);
  free(line);
  fclose(file);
}

static int compare_names(const void *left, const void *right) {
  const char *a = *(char *const *)left, *b = *(char *const *)right;
  return strcmp(strrchr(a, '/'), strrchr(b, '/'));
}

static bool logind_removes(void) {
  static const char *const files[] = {
      "/usr/lib/systemd/logind.conf", "/run/systemd/logind.conf",
      "/etc/systemd/logind.conf"};
  bool is_removing = true; /* unless somebody says no */
  for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
    read_setting(files[i], &is_removing);
  glob_t found = {0};
  glob("/usr/lib/systemd/logind.conf.d/*.conf", 0, NULL, &found);
  glob("/run/systemd/logind.conf.d/*.conf", GLOB_APPEND, NULL, &found);
  glob("/etc/systemd/logind.conf.d/*.conf", GLOB_APPEND, NULL, &found);
  if (found.gl_pathc > 0)
    qsort(
        found.gl_pathv, found.gl_pathc, sizeof *found.gl_pathv, compare_names);
  for (size_t i = 0; i < found.gl_pathc; i++)
    read_setting(found.gl_pathv[i], &is_removing);
  globfree(&found);
  return is_removing;
}

static void check_logind(void) {
  if (access("/run/systemd/seats", F_OK) != 0)
    checks_add("logind", CHECKS_GOOD, NULL, "logind does not run");
  else if (!logind_removes())
    checks_add("logind", CHECKS_GOOD, NULL, "RemoveIPC is off");
  else if (getuid() < FIRST_USER)
    checks_add(
        "logind", CHECKS_GOOD, NULL,
        "RemoveIPC is on, but not for user %u, who is the system's",
        (unsigned)getuid());
  else
    checks_add(
        "logind", CHECKS_CARE,
        "loginctl enable-linger, or RemoveIPC=no in /etc/systemd/logind.conf",
        "RemoveIPC is on: your blocks are removed when you log out");
}

/* ----------------------------------------------------------------- memory */

static bool read_number(const char *path, uint64_t *out_number) {
  FILE *file = fopen(path, "re");
  bool is_read = file != NULL && fscanf(file, "%" SCNu64, out_number) == 1;
  if (file != NULL)
    fclose(file);
  return is_read;
}

/* Of this process's control group, in version 2 or 1; false if none. */
static bool memory_limit(uint64_t *out_limit) {
  FILE *file = fopen("/proc/self/cgroup", "re");
  if (file == NULL)
    return false;
  char *line = NULL, path[4096];
  size_t capacity = 0;
  bool is_found = false;
  while (!is_found && getline(&line, &capacity, file) > 0) {
    line[strcspn(line, "\n")] = '\0';
    const char *group = strrchr(line, ':');
    if (strncmp(line, "0::", 3) == 0)
      snprintf(path, sizeof path, "/sys/fs/cgroup%s/memory.max", line + 3);
    else if (group != NULL && strstr(line, ":memory:") != NULL)
      snprintf(
          path, sizeof path, "/sys/fs/cgroup/memory%s/memory.limit_in_bytes",
          group + 1);
    else
      continue;
    is_found = read_number(path, out_limit);
  }
  free(line);
  fclose(file);
  /* Version 1 says "none" by a number that no machine has. */
  return is_found && *out_limit < UINT64_C(1) << 60;
}

static void check_memory(void) {
  uint64_t limit;
  if (!memory_limit(&limit)) {
    checks_add("memory", CHECKS_GOOD, NULL, "there is no limit for this group");
    return;
  }
  char *size = text_size(limit);
  checks_add(
      "memory", CHECKS_CARE,
      "blocks count as memory: past the limit the kernel kills, not refuses",
      "this group of processes may use %s bytes", size);
  free(size);
}

void checks_session(void) {
  check_logind();
  check_memory();
}

/* ---------------------------------------------------------------- library */

static void check_making(void) {
  polyshm_block *block;
  uint32_t flags = POLYSHM_CREATE | POLYSHM_EXCLUSIVE | POLYSHM_UNTRACKED;
  polyshm_status status = polyshm_block_open(NULL, 4096, flags, NULL, &block);
  if (status == POLYSHM_OK)
    status = polyshm_unlink(polyshm_block_name(block));
  if (status == POLYSHM_OK)
    checks_add("making", CHECKS_GOOD, NULL, "blocks can be made and removed");
  else
    checks_add(
        "making", CHECKS_BAD, "see the other lines", "%s",
        polyshm_error_message());
  if (status == POLYSHM_OK)
    polyshm_block_free(block);
}

static void check_helper(void) {
  char path[4096];
  if (polyshm_helper_path(path, sizeof path) == POLYSHM_OK)
    checks_add("helper", CHECKS_GOOD, NULL, "%s", path);
  else
    checks_add(
        "helper", CHECKS_CARE,
        "set POLYSHM_HELPER to its path; until then, what killed processes "
        "leave stays until the next one runs",
        "%s", polyshm_error_message());
}

static void check_manager(void) {
  char path[4096];
  polyshm_status status = polyshm_manager_path(path, sizeof path);
  if (status == POLYSHM_OK)
    checks_add("manager", CHECKS_GOOD, NULL, "%s", path);
  else
    checks_add(
        "manager", CHECKS_CARE,
        status == POLYSHM_E_UNSUPPORTED
            ? "install libnettle, if managers are wanted"
            : "set POLYSHM_MANAGER to its path, if managers are wanted",
        "%s", polyshm_error_message());
}

static void check_orphans(void) {
  uint64_t count;
  polyshm_status status = polyshm_gc(POLYSHM_GC_DRY_RUN, &count);
  if (status != POLYSHM_OK)
    checks_add("orphans", CHECKS_CARE, NULL, "%s", polyshm_error_message());
  else if (count > 0)
    checks_add(
        "orphans", CHECKS_CARE, "polyshm gc",
        "%" PRIu64 " left by processes that are gone", count);
  else
    checks_add("orphans", CHECKS_GOOD, NULL, "none");
}

static void check_versions(void) {
  uint32_t program = POLYSHM_VERSION_MAJOR << 16 | POLYSHM_VERSION_MINOR << 8 |
                     POLYSHM_VERSION_PATCH;
  if (polyshm_version() == program)
    checks_add("version", CHECKS_GOOD, NULL, "program and library agree");
  else
    checks_add(
        "version", CHECKS_CARE, "see 'polyshm version'",
        "program and library are of different versions");
}

void checks_library(void) {
  check_making();
  check_helper();
  check_manager();
  check_orphans();
  check_versions();
}
