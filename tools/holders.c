/* SPDX-License-Identifier: MIT */
/*
 * Files are compared by device and inode: paths in /proc are those of a mount
 * that may not be ours, and a block that was made without a name keeps none.
 */
#include "holders.h"

#include "output.h"
#include "text.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

typedef struct file {
  dev_t device;
  ino_t inode;
  size_t block;
} file;

typedef struct process {
  uint64_t pid;
  char command[64];
} process;

typedef struct pair {
  size_t block, process;
} pair;

struct holders {
  file *files;
  size_t nfiles, nblocks;
  process *processes;
  size_t nprocesses;
  pair *pairs;
  size_t npairs;
};

/* Room for one more in an array that grows by doubling. */
static void *grown(void *array, size_t count, size_t size) {
  if (count != 0 && (count & (count - 1)) != 0)
    return array;
  return output_memory(array, (count == 0 ? 1 : 2 * count) * size);
}

static bool find_file(const char *name, struct stat *out_status) {
  char path[512];
  while (name[0] == '/')
    name++;
  snprintf(path, sizeof path, "/dev/shm/%s", name);
  return lstat(path, out_status) == 0 && S_ISREG(out_status->st_mode);
}

uint64_t holders_identity(const char *name) {
  struct stat status;
  return find_file(name, &status) ? status.st_ino : 0;
}

holders *holders_begin(void) {
  holders *all = output_memory(NULL, sizeof *all);
  *all = (holders){0};
  return all;
}

void holders_add(holders *all, const char *name) {
  struct stat status;
  size_t block = all->nblocks++;
  if (!find_file(name, &status))
    return;
  all->files = grown(all->files, all->nfiles, sizeof *all->files);
  all->files[all->nfiles++] = (file){status.st_dev, status.st_ino, block};
}

void holders_end(holders *all) {
  free(all->files);
  free(all->processes);
  free(all->pairs);
  free(all);
}

/* --------------------------------------------------------------- the pass */

static int compare_files(const void *left, const void *right) {
  const file *a = left, *b = right;
  if (a->inode != b->inode)
    return a->inode < b->inode ? -1 : 1;
  return a->device == b->device ? 0 : a->device < b->device ? -1 : 1;
}

static int compare_pairs(const void *left, const void *right) {
  const pair *a = left, *b = right;
  if (a->block != b->block)
    return a->block < b->block ? -1 : 1;
  return a->process == b->process ? 0 : a->process < b->process ? -1 : 1;
}

static void read_command(int folder, char *buffer, size_t capacity) {
  buffer[0] = '\0';
  int fd = openat(folder, "comm", O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return;
  ssize_t size = read(fd, buffer, capacity - 1);
  close(fd);
  size -= size > 0 && buffer[size - 1] == '\n';
  buffer[size > 0 ? size : 0] = '\0';
}

static void note_file(
    holders *all, int folder, uint64_t pid, dev_t device, ino_t inode) {
  file wanted = {device, inode, 0};
  const file *found =
      bsearch(&wanted, all->files, all->nfiles, sizeof wanted, compare_files);
  if (found == NULL)
    return;
  if (all->nprocesses == 0 || all->processes[all->nprocesses - 1].pid != pid) {
    all->processes =
        grown(all->processes, all->nprocesses, sizeof *all->processes);
    process *new = all->processes + all->nprocesses++;
    new->pid = pid;
    read_command(folder, new->command, sizeof new->command);
  }
  all->pairs = grown(all->pairs, all->npairs, sizeof *all->pairs);
  all->pairs[all->npairs++] = (pair){found->block, all->nprocesses - 1};
}

/* "address perms offset major:minor inode path" */
static bool parse_mapping(const char *line, dev_t *device, ino_t *inode) {
  for (int i = 0; i < 3; i++) {
    line = strchr(line, ' ');
    if (line == NULL)
      return false;
    line++;
  }
  char *end;
  unsigned long major = strtoul(line, &end, 16);
  if (*end != ':')
    return false;
  unsigned long minor = strtoul(end + 1, &end, 16);
  *device = makedev((unsigned)major, (unsigned)minor);
  *inode = strtoull(end, NULL, 10);
  return *inode != 0;
}

static void look_at_mappings(holders *all, int folder, uint64_t pid) {
  int fd = openat(folder, "maps", O_RDONLY | O_CLOEXEC);
  FILE *maps = fd < 0 ? NULL : fdopen(fd, "r");
  if (maps == NULL)
    return;
  char *line = NULL;
  size_t capacity = 0;
  dev_t device;
  ino_t inode;
  while (getline(&line, &capacity, maps) > 0)
    if (parse_mapping(line, &device, &inode))
      note_file(all, folder, pid, device, inode);
  free(line);
  fclose(maps);
}

/* Without asking a file server, which may not answer, where that is possible.
 */
static bool stat_open_file(
    int folder, const char *number, dev_t *device, ino_t *inode) {
#ifdef STATX_INO
  struct statx status;
  if (statx(folder, number, AT_STATX_DONT_SYNC, STATX_INO, &status) != 0)
    return false;
  *device = makedev(status.stx_dev_major, status.stx_dev_minor);
  *inode = status.stx_ino;
#else
  struct stat status;
  if (fstatat(folder, number, &status, 0) != 0)
    return false;
  *device = status.st_dev;
  *inode = status.st_ino;
#endif
  return true;
}

static void look_at_descriptors(holders *all, int folder, uint64_t pid) {
  int fd = openat(folder, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *descriptors = fd < 0 ? NULL : fdopendir(fd);
  if (descriptors == NULL)
    return;
  const struct dirent *entry;
  while ((entry = readdir(descriptors)) != NULL) {
    char target[2];
    dev_t device;
    ino_t inode;
    /* Only files have a path. */
    if (readlinkat(fd, entry->d_name, target, sizeof target) > 0 &&
        target[0] == '/' && stat_open_file(fd, entry->d_name, &device, &inode))
      note_file(all, folder, pid, device, inode);
  }
  closedir(descriptors);
}

static void look_at_process(holders *all, int proc, const char *number) {
  uint64_t pid = strtoull(number, NULL, 10);
  if (pid == (uint64_t)getpid())
    return;
  int folder = openat(proc, number, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0)
    return;
  look_at_mappings(all, folder, pid);
  look_at_descriptors(all, folder, pid);
  close(folder);
}

/* A process may have a block mapped, mapped again, and open. */
static void drop_doubles(holders *all) {
  qsort(all->pairs, all->npairs, sizeof *all->pairs, compare_pairs);
  size_t kept = 0;
  for (size_t i = 0; i < all->npairs; i++)
    if (kept == 0 || compare_pairs(all->pairs + kept - 1, all->pairs + i) != 0)
      all->pairs[kept++] = all->pairs[i];
  all->npairs = kept;
}

void holders_look(holders *all) {
  if (all->nfiles == 0)
    return;
  DIR *proc = opendir("/proc");
  if (proc == NULL)
    return;
  qsort(all->files, all->nfiles, sizeof *all->files, compare_files);
  const struct dirent *entry;
  while ((entry = readdir(proc)) != NULL)
    if (isdigit((unsigned char)entry->d_name[0]))
      look_at_process(all, dirfd(proc), entry->d_name);
  closedir(proc);
  if (all->npairs > 0)
    drop_doubles(all);
}

/* ------------------------------------------------------------ the answers */

static size_t first_of(const holders *all, size_t block) {
  size_t low = 0, high = all->npairs;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (all->pairs[middle].block < block)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

static bool is_of(const holders *all, size_t next, size_t block) {
  return next < all->npairs && all->pairs[next].block == block;
}

char *holders_text(const holders *all, size_t block) {
  char *text = NULL;
  size_t size;
  FILE *out = open_memstream(&text, &size);
  if (out == NULL)
    output_no_memory();
  size_t first = first_of(all, block);
  for (size_t next = first; is_of(all, next, block); next++) {
    const process *one = all->processes + all->pairs[next].process;
    fprintf(out, "%s%" PRIu64 " ", next > first ? ", " : "", one->pid);
    text_put(out, one->command, strlen(one->command), TEXT_NAME);
  }
  if (fclose(out) != 0)
    output_no_memory();
  return text;
}

json_object *holders_json(const holders *all, size_t block) {
  json_object *array = node_array();
  for (size_t next = first_of(all, block); is_of(all, next, block); next++) {
    const process *one = all->processes + all->pairs[next].process;
    json_object *object = node_new();
    node_put(object, "pid", node_uint(one->pid));
    node_put_bytes(
        object, "command", "command_hex", one->command, strlen(one->command));
    node_append(array, object);
  }
  return array;
}
