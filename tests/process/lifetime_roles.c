/* SPDX-License-Identifier: MIT */
/*
 * What the processes of the lifetime stress do. Whoever has a block looks again
 * and again whether it still has its name.
 */
#include "lifetime.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { HELD = 4, PATH_SIZE = NAME_SIZE + 16 };

board *all;

static uint64_t sequence;

void random_seed(unsigned seed) {
  sequence = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
}

unsigned random_below(unsigned limit) {
  sequence = sequence * UINT64_C(6364136223846793005) + 1442695040888963407;
  return (unsigned)(sequence >> 33) % limit;
}

void pause_microseconds(unsigned most) {
  usleep(random_below(most + 1));
}

void add(count which) {
  atomic_fetch_add(&all->counts[which], 1);
}

void blame(count which, const char *format, ...) {
  if (atomic_fetch_add(&all->counts[which], 1) >= 20)
    return;
  char text[500];
  int size = snprintf(text, sizeof text, "%ld: ", (long)getpid());
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text + size, sizeof text - (size_t)size, format, arguments);
  va_end(arguments);
  fprintf(stderr, "%s\n", text);
}

/* ------------------------------------------------------------- one holding */

typedef struct holding {
  char name[NAME_SIZE];
  polyshm_block *block; /* NULL for a stock-like one */
  content *address;     /* NULL: nothing is held */
  int descriptor;       /* of a stock-like one, or -1 */
  uint64_t inode;
} holding;

static const char *path_to(const char *name) {
  static char path[PATH_SIZE];
  snprintf(path, sizeof path, "/dev/shm/%s", name);
  return path;
}

static uint64_t magic_of(const char *name) {
  uint64_t hash = 14695981039346656037u;
  for (; *name != 0; name++)
    hash = (hash ^ (unsigned char)*name) * 1099511628211u;
  return hash;
}

/* The mapping knows its file; its name may be another's by now. */
static uint64_t inode_at(const void *address) {
  FILE *maps = fopen("/proc/self/maps", "re");
  if (maps == NULL)
    return 0;
  char line[512];
  uint64_t inode = 0;
  while (inode == 0 && fgets(line, sizeof line, maps) != NULL) {
    uintptr_t from, to;
    uint64_t number;
    if (sscanf(
            line, "%" SCNxPTR "-%" SCNxPTR " %*s %*s %*s %" SCNu64, &from, &to,
            &number) == 3 &&
        from == (uintptr_t)address)
      inode = number;
  }
  fclose(maps);
  return inode;
}

static void look(const holding *it, const char *who) {
  if (it->address == NULL)
    return;
  struct stat file;
  if (lstat(path_to(it->name), &file) == 0 && file.st_ino == it->inode)
    return;
  if (!atomic_load(&it->address->by_hand))
    blame(
        REMOVED_WHILE_HELD, "%s has %s (%" PRIu64 "), which was removed", who,
        it->name, it->inode);
}

static void drop(holding *it, const char *who) {
  look(it, who);
  if (it->address == NULL)
    return;
  if (it->block != NULL) {
    polyshm_block_unpin(it->block);
    polyshm_block_free(it->block);
  } else {
    munmap(it->address, BLOCK);
    if (it->descriptor >= 0)
      close(it->descriptor);
  }
  memset(it, 0, sizeof *it);
}

static polyshm_status get(holding *it, const char *name, uint32_t flags) {
  polyshm_block *block;
  polyshm_status status = polyshm_block_open(name, BLOCK, flags, NULL, &block);
  if (status != POLYSHM_OK)
    return status;
  void *address;
  uint64_t size;
  polyshm_block_pin(block, &address, &size);
  *it = (holding){.block = block, .address = address, .descriptor = -1};
  it->inode = inode_at(address);
  snprintf(it->name, sizeof it->name, "%s", name);
  return POLYSHM_OK;
}

static void shared_name(char name[NAME_SIZE], unsigned number) {
  snprintf(name, NAME_SIZE, "%sshared-%u", all->prefix, number);
}

/* ----------------------------------------------------------------- workers */

static box *find_box(tree *at, int from, int to) {
  unsigned start = random_below(BOXES);
  for (unsigned i = 0; i < BOXES; i++) {
    box *it = &at->boxes[(start + i) % BOXES];
    int state = from;
    if (from == BOX_FULL && it->maker == getpid())
      continue;
    if (atomic_compare_exchange_strong(&it->state, &state, to))
      return it;
  }
  return NULL;
}

static void hand_over(tree *at) {
  box *it = find_box(at, BOX_EMPTY, BOX_FILLING);
  if (it == NULL)
    return;
  it->number = atomic_fetch_add(&all->number, 1);
  snprintf(it->name, NAME_SIZE, "%s%u", all->prefix, it->number);
  it->maker = getpid();
  it->helpers_killed = atomic_load(&at->helpers_killed);
  holding made;
  polyshm_status status =
      get(&made, it->name, POLYSHM_CREATE | POLYSHM_EXCLUSIVE);
  if (status != POLYSHM_OK) {
    blame(BROKEN, "cannot make %s: %s", it->name, polyshm_error_message());
    return;
  }
  atomic_store(&made.address->magic, magic_of(it->name));
  polyshm_tree_enter(it->token, sizeof it->token);
  drop(&made, "its maker");
  add(MADE);
  atomic_store(&it->state, BOX_FULL);
}

static bool is_dead(pid_t process) {
  char path[64], state = 0;
  snprintf(path, sizeof path, "/proc/%ld/stat", (long)process);
  FILE *file = fopen(path, "re");
  if (file == NULL)
    return true;
  bool found = fscanf(file, "%*d (%*[^)]) %c", &state) == 1;
  fclose(file);
  return found && (state == 'Z' || state == 'X');
}

/* The first block that was handed over when this process had entered its tree.
 */
static unsigned entered;

static void enter_tree(void) {
  char token[sizeof((box *)0)->token];
  if (polyshm_tree_enter(token, sizeof token) != POLYSHM_OK)
    blame(BROKEN, "no tree: %s", polyshm_error_message());
  entered = atomic_load(&all->number);
}

/* The holds that may be lost while processes of a tree live: that of a block
 * whose maker is dead, when the helper is killed as well; that of a maker, dead
 * again, who found neither root nor helper when it came, and so was no longer
 * of the tree; and that of a block whose maker and root were dead before we had
 * come so far as to enter. */
static bool is_excused(const tree *at, const box *it) {
  char own[sizeof it->token] = "";
  polyshm_tree_enter(own, sizeof own);
  return is_dead(it->maker) &&
         (atomic_load(&at->helpers_killed) != it->helpers_killed ||
          strcmp(it->token, own) != 0 ||
          (is_dead(at->members[0]) && it->number < entered));
}

static void remove_by_hand(const holding *it) {
  atomic_store(&it->address->by_hand, true);
  if (polyshm_unlink(it->name) != POLYSHM_OK)
    blame(BROKEN, "cannot unlink %s: %s", it->name, polyshm_error_message());
  add(BY_HAND);
}

static void take(tree *at, holding *into) {
  box *it = find_box(at, BOX_FULL, BOX_TAKING);
  if (it == NULL)
    return;
  polyshm_status status = get(into, it->name, 0);
  if (status == POLYSHM_OK) {
    if (atomic_load(&into->address->magic) != magic_of(it->name))
      blame(BROKEN, "%s is another block", it->name);
    add(TAKEN);
    if (random_below(4) != 0)
      remove_by_hand(into);
  } else if (is_excused(at, it))
    add(EXCUSED);
  else
    blame(
        LOST, "%s of %ld: %s (maker %s, root %s, helpers killed: %u, now %u)",
        it->name, (long)it->maker, polyshm_error_message(),
        is_dead(it->maker) ? "dead" : "alive",
        is_dead(at->members[0]) ? "dead" : "alive", it->helpers_killed,
        atomic_load(&at->helpers_killed));
  atomic_store(&it->state, BOX_EMPTY);
}

static void join_in(holding *into) {
  char name[NAME_SIZE];
  shared_name(name, random_below(SHARED));
  polyshm_status status = get(into, name, POLYSHM_CREATE);
  if (status == POLYSHM_OK)
    add(ATTACHED);
  else
    blame(BROKEN, "cannot have %s: %s", name, polyshm_error_message());
}

/* One at a time, so that it is this very block that loses its name. */
static void unlink_shared(void) {
  unsigned number = random_below(SHARED);
  char name[NAME_SIZE];
  shared_name(name, number);
  pthread_mutex_t *mutex = &all->by_hand[number];
  if (pthread_mutex_lock(mutex) == EOWNERDEAD)
    pthread_mutex_consistent(mutex);
  holding it;
  if (get(&it, name, 0) == POLYSHM_OK) {
    remove_by_hand(&it);
    drop(&it, "who unlinked it");
  }
  pthread_mutex_unlock(mutex);
}

/* A child has what its parent has, also when the parent has it no longer. */
static void fork_off(holding held[HELD]) {
  pid_t child = fork();
  if (child < 0)
    return;
  if (child == 0) {
    for (int i = 0; i < 5; i++) {
      pause_microseconds(500);
      for (int j = 0; j < HELD; j++)
        look(&held[j], "a fork child");
    }
    for (int j = 0; j < HELD; j++)
      drop(&held[j], "a fork child");
    _exit(0);
  }
  add(FORKED);
  for (int j = 0; j < HELD; j++)
    drop(&held[j], "a fork parent");
  int status;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR)
    continue;
  if (WIFSIGNALED(status) || WEXITSTATUS(status) != 0)
    blame(BROKEN, "a fork child ended with 0x%x", (unsigned)status);
}

void run_worker(unsigned tree_number) {
  tree *at = &all->trees[tree_number];
  enter_tree();
  holding held[HELD] = {{.address = NULL}};
  unsigned number = atomic_fetch_add(&at->nmembers, 1);
  if (number < MEMBERS)
    atomic_store(&at->members[number], getpid());
  for (bool goes_on = true; goes_on;) {
    goes_on = !atomic_load(&at->stop) && !atomic_load(&all->stop);
    holding *it = &held[random_below(HELD)];
    unsigned what = random_below(100);
    if (what < 40)
      hand_over(at);
    else if (what < 98) {
      drop(it, "a worker");
      if (what < 80)
        take(at, it);
      else if (what < 95)
        join_in(it);
      else
        unlink_shared();
    } else
      fork_off(held);
    for (int i = 0; i < HELD; i++)
      look(&held[i], "a worker");
    pause_microseconds(100);
  }
  for (int i = 0; i < HELD; i++)
    drop(&held[i], "a worker");
}

/* --------------------------------------------------------------- outsiders */

/* Some name, of a shared block or of one that is being handed over. */
static void some_name(char name[NAME_SIZE]) {
  unsigned number = random_below(SHARED + 2 * TREES);
  if (number < SHARED)
    shared_name(name, number);
  else {
    const box *it = &all->trees[number % TREES].boxes[random_below(BOXES)];
    memcpy(name, it->name, NAME_SIZE);
    name[NAME_SIZE - 1] = 0;
    if (name[0] == 0)
      shared_name(name, 0);
  }
}

static void hold_for_long(
    bool (*open_one)(holding *, const char *), unsigned most, const char *who) {
  holding held[HELD] = {{.address = NULL}};
  char name[NAME_SIZE];
  while (!atomic_load(&all->stop)) {
    holding *it = &held[random_below(HELD)];
    drop(it, who);
    some_name(name);
    open_one(it, name);
    for (int i = 0; i < HELD; i++)
      look(&held[i], who);
    pause_microseconds(most);
  }
  for (int i = 0; i < HELD; i++)
    drop(&held[i], who);
}

static bool open_outside(holding *it, const char *name) {
  polyshm_status status = get(it, name, random_below(2) * POLYSHM_READ_ONLY);
  if (status == POLYSHM_OK)
    add(OUTSIDE);
  else if (status != POLYSHM_E_NOT_FOUND)
    blame(BROKEN, "cannot open %s: %s", name, polyshm_error_message());
  return status == POLYSHM_OK;
}

/* Holds for longer than a tree lives, now and then. */
void run_outsider(void) {
  hold_for_long(open_outside, 100000, "an outsider");
}

/* As stock Python opens: no lock, no test, no tree. What was removed while it
 * was being opened has no name any more; that is told by its count of names. */
static bool open_stock(holding *it, const char *name) {
  int descriptor =
      open(path_to(name), O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_CLOEXEC);
  struct stat file;
  if (descriptor < 0)
    return false;
  void *address = MAP_FAILED;
  if (fstat(descriptor, &file) == 0 && file.st_nlink > 0 &&
      file.st_size == BLOCK)
    address =
        mmap(NULL, BLOCK, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
  if (address == MAP_FAILED) {
    close(descriptor);
    return false;
  }
  *it = (holding){
      .address = address, .descriptor = descriptor, .inode = file.st_ino};
  snprintf(it->name, sizeof it->name, "%s", name);
  if (random_below(2) == 0) {
    close(descriptor);
    it->descriptor = -1;
  }
  add(STOCK);
  return true;
}

void run_stock(void) {
  hold_for_long(open_stock, 2000, "a stock process");
}

/* ----------------------------------------------------------- sweepers, gc */

void run_sweeper(void) {
  while (!atomic_load(&all->stop)) {
    uint64_t removed;
    if (polyshm_gc(0, &removed) == POLYSHM_OK) {
      add(SWEPT);
      atomic_fetch_add(&all->counts[SWEPT_BLOCKS], removed);
    } else
      blame(BROKEN, "cannot sweep: %s", polyshm_error_message());
    pause_microseconds(500);
  }
}

/* Looks at blocks that come and go. */
void run_looker(void) {
  char name[NAME_SIZE];
  while (!atomic_load(&all->stop)) {
    polyshm_info info = {.struct_size = sizeof info};
    some_name(name);
    polyshm_status status = polyshm_inspect(name, &info);
    if (status == POLYSHM_OK)
      add(SEEN);
    else if (status != POLYSHM_E_NOT_FOUND)
      blame(BROKEN, "cannot inspect %s: %s", name, polyshm_error_message());
    pause_microseconds(500);
  }
}
