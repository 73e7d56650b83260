/* SPDX-License-Identifier: MIT */
#include "support.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define FOLDER "/dev/shm"

/* ------------------------------------------------------------------ names */

enum { TEXTS = 64, TEXT_SIZE = 320 };

/* All names of a process begin alike, so that what it leaves can be told from
 * what others make at the same time. A child's names count as its parent's. */
static const char *prefix(void) {
  static char text[64];
  if (text[0] == 0)
    snprintf(text, sizeof text, "polyshm-test-%ld-", (long)getpid());
  return text;
}

const char *fresh_name(void) {
  static char names[TEXTS][TEXT_SIZE];
  static unsigned number;
  char *name = names[number % TEXTS];
  snprintf(name, TEXT_SIZE, "%s%u", prefix(), number++);
  return name;
}

unsigned own_number(void) {
  return 0x7e000000 + 2 * ((unsigned)getpid() & 0x7fffff);
}

const char *path_of(const char *name) {
  static _Thread_local char paths[2][TEXT_SIZE];
  static _Thread_local unsigned next;
  char *path = paths[next++ % 2];
  snprintf(path, TEXT_SIZE, FOLDER "/%s", name);
  return path;
}

bool is_there(const char *name) {
  struct stat file;
  return lstat(path_of(name), &file) == 0;
}

bool is_in_valgrind(void) {
  const char *preloaded = getenv("LD_PRELOAD");
  return preloaded != NULL && strstr(preloaded, "vgpreload") != NULL;
}

void make_file(const char *name, const void *bytes, size_t nbytes) {
  int descriptor = open(path_of(name), O_CREAT | O_EXCL | O_RDWR, 0600);
  assert_true(descriptor >= 0);
  assert_int_equal(write(descriptor, bytes, nbytes), nbytes);
  close(descriptor);
}

/* --------------------------------------------------------------- statuses */

void check_status(
    polyshm_status status, polyshm_status expected, const char *call,
    const char *file, int line) {
  if (status == expected) {
    if (status == POLYSHM_OK || polyshm_error_message()[0] != 0)
      return;
    print_error("%s failed without a message\n", call);
  } else
    print_error(
        "%s\nanswered %s instead of %s; the last message is \"%s\" (%d)\n",
        call, polyshm_status_name(status), polyshm_status_name(expected),
        polyshm_error_message(), (int)polyshm_error_os());
  _fail(file, line);
}

void check_message(const char *part, const char *file, int line) {
  if (strstr(polyshm_error_message(), part) != NULL)
    return;
  print_error(
      "the message is \"%s\", without \"%s\"\n", polyshm_error_message(), part);
  _fail(file, line);
}

/* ----------------------------------------------------------------- values */

polyshm_value none_value(void) {
  return (polyshm_value){.type = POLYSHM_NONE};
}

polyshm_value bool_value(bool content) {
  return (polyshm_value){.type = POLYSHM_BOOL, .of.i = content};
}

polyshm_value int_value(int64_t content) {
  return (polyshm_value){.type = POLYSHM_INT, .of.i = content};
}

polyshm_value float_value(double content) {
  return (polyshm_value){.type = POLYSHM_FLOAT, .of.f = content};
}

polyshm_value string_value(const char *content) {
  return (polyshm_value){
      .type = POLYSHM_STRING, .of.p = content, .size = strlen(content)};
}

polyshm_value bytes_value(const void *content, uint64_t size) {
  return (polyshm_value){.type = POLYSHM_BYTES, .of.p = content, .size = size};
}

polyshm_value text_value(const void *content, uint64_t size) {
  return (polyshm_value){.type = POLYSHM_TEXT, .of.p = content, .size = size};
}

bool same_value(const polyshm_value *one, const polyshm_value *other) {
  if (one->type != other->type || one->size != other->size)
    return false;
  switch (one->type) {
  case POLYSHM_NONE:
    return true;
  case POLYSHM_BOOL:
  case POLYSHM_INT:
  case POLYSHM_FLOAT:
    return memcmp(&one->of, &other->of, sizeof one->of) == 0;
  default:
    return one->size == 0 ||
           memcmp(one->of.p, other->of.p, (size_t)one->size) == 0;
  }
}

static void print_value(const char *title, const polyshm_value *value) {
  print_error(
      "%s: type %d, content %" PRIx64 ", size %" PRIu64 "\n", title,
      (int)value->type, (uint64_t)value->of.i, value->size);
}

void check_slot(
    const polyshm_list *list, uint64_t index, polyshm_value value,
    const char *file, int line) {
  uint64_t capacity = 0;
  check_status(
      polyshm_list_capacity(list, index, &capacity), POLYSHM_OK,
      "polyshm_list_capacity", file, line);
  /* Exactly as large as promised, for the sanitizer to see what is beyond. */
  void *buffer = test_malloc((size_t)capacity);
  polyshm_value found = {.type = -1, .reserved = 1, .size = UINT64_MAX};
  check_status(
      polyshm_list_get(list, index, buffer, capacity, &found), POLYSHM_OK,
      "polyshm_list_get", file, line);
  if (!same_value(&value, &found) || found.reserved != 0) {
    print_error("slot %" PRIu64 "\n", index);
    print_value("expected", &value);
    print_value("found", &found);
    _fail(file, line);
  }
  test_free(buffer);
}

/* ------------------------------------------------------------- leftovers */

/* Entries of a folder whose names begin like this, or all; with `remove_them`,
 * they go. */
static size_t count_entries(
    const char *folder, const char *beginning, bool remove_them) {
  DIR *open_folder = opendir(folder);
  if (open_folder == NULL)
    return 0;
  size_t count = 0;
  for (struct dirent *entry; (entry = readdir(open_folder)) != NULL;) {
    if (strncmp(entry->d_name, beginning, strlen(beginning)) != 0)
      continue;
    count++;
    if (remove_them) {
      print_error("left behind: %s/%s\n", folder, entry->d_name);
      if (unlinkat(dirfd(open_folder), entry->d_name, 0) != 0)
        unlinkat(dirfd(open_folder), entry->d_name, AT_REMOVEDIR);
    }
  }
  closedir(open_folder);
  return count;
}

static size_t count_mappings(void) {
  FILE *maps = fopen("/proc/self/maps", "re");
  if (maps == NULL)
    return 0;
  size_t count = 0;
  char line[1024];
  while (fgets(line, sizeof line, maps) != NULL)
    count += strstr(line, " " FOLDER "/") != NULL;
  fclose(maps);
  return count;
}

/* Descriptors, but for those that a process has for its tree from its first
 * tracked block on: two openings of the folder, and a connection. */
static size_t count_descriptors(void) {
  DIR *stream = opendir("/proc/self/fd");
  if (stream == NULL)
    return 0;
  size_t count = 0, folders = 0, sockets = 0;
  for (struct dirent *entry; (entry = readdir(stream)) != NULL;) {
    char target[64];
    ssize_t size =
        readlinkat(dirfd(stream), entry->d_name, target, sizeof target - 1);
    target[size < 0 ? 0 : size] = 0;
    if (strcmp(target, FOLDER) == 0 && folders < 2)
      folders++;
    else if (strncmp(target, "socket:", 7) == 0 && sockets < 1)
      sockets++;
    else
      count++;
  }
  closedir(stream);
  return count;
}

holdings count_holdings(void) {
  return (holdings){
      .mappings = count_mappings(), .descriptors = count_descriptors()};
}

static holdings at_first;

int note_holdings(void **state) {
  (void)state;
  at_first = count_holdings();
  return 0;
}

int refuse_leftovers(void **state) {
  (void)state;
  holdings now = count_holdings();
  if (count_entries(FOLDER, prefix(), true) == 0 &&
      now.mappings == at_first.mappings &&
      now.descriptors == at_first.descriptors)
    return 0;
  print_error(
      "left behind: %zu mappings of %zu, %zu descriptors of %zu\n",
      now.mappings, at_first.mappings, now.descriptors, at_first.descriptors);
  return 1;
}

int in_child(void (*body)(void *), void *argument) {
  fflush(NULL);
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    body(argument);
    _exit(0);
  }
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  return status;
}

void child_fail(const char *condition, const char *file, int line) {
  fprintf(
      stderr, "%s:%d: in the child: %s; the last message is \"%s\"\n", file,
      line, condition, polyshm_error_message());
  _exit(1);
}

/* ------------------------------------------------------------------ peers */

void peer_start(peer *self) {
  int to[2], from[2], fork_is_over[2];
  assert_int_equal(pipe2(to, O_CLOEXEC), 0);
  assert_int_equal(pipe2(from, O_CLOEXEC), 0);
  assert_int_equal(pipe2(fork_is_over, O_CLOEXEC), 0);
  /* A dead peer is an empty reply, not the end of the test. */
  signal(SIGPIPE, SIG_IGN);
  self->process = fork();
  assert_true(self->process >= 0);
  if (self->process == 0) {
    signal(SIGPIPE, SIG_DFL);
    dup2(to[0], STDIN_FILENO);
    dup2(from[1], STDOUT_FILENO);
    execl(POLYSHM_PEER, POLYSHM_PEER, (char *)NULL);
    _exit(127);
  }
  close(to[0]);
  close(from[1]);
  /* Until it is executed, it has all that this process has open. */
  close(fork_is_over[1]);
  char nothing;
  assert_int_equal(read(fork_is_over[0], &nothing, 1), 0);
  close(fork_is_over[0]);
  self->to = fdopen(to[1], "w");
  self->from = fdopen(from[0], "r");
}

static void tell(peer *self, const char *command, va_list arguments) {
  vfprintf(self->to, command, arguments);
  putc('\n', self->to);
  fflush(self->to);
}

void peer_tell(peer *self, const char *command, ...) {
  va_list arguments;
  va_start(arguments, command);
  tell(self, command, arguments);
  va_end(arguments);
}

const char *peer_hear(peer *self) {
  if (fgets(self->reply, sizeof self->reply, self->from) == NULL)
    self->reply[0] = 0;
  self->reply[strcspn(self->reply, "\n")] = 0;
  return self->reply;
}

const char *peer_ask(peer *self, const char *command, ...) {
  va_list arguments;
  va_start(arguments, command);
  tell(self, command, arguments);
  va_end(arguments);
  return peer_hear(self);
}

static int finish(peer *self) {
  fclose(self->to);
  int status;
  assert_int_equal(waitpid(self->process, &status, 0), self->process);
  fclose(self->from);
  return status;
}

void peer_stop(peer *self) {
  assert_int_equal(finish(self), 0);
}

void peer_kill(peer *self) {
  assert_int_equal(kill(self->process, SIGKILL), 0);
  assert_true(WIFSIGNALED(finish(self)));
}
