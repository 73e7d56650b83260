/* SPDX-License-Identifier: MIT */
/*
 * What a platform must provide. System headers are included below this line of
 * the house and nowhere above it.
 *
 * Every function that can fail answers a polyshm_status and has noted the
 * reason, so that callers only pass it on.
 */
#ifndef POLYSHM_OS_OS_H
#define POLYSHM_OS_OS_H

#include "polyshm.h"

#include <stdbool.h>
#include <stddef.h>

/* -------------------------------------------------------------------- map */

/* Which file a descriptor is on. */
typedef struct os_file_id {
  uint64_t device, inode;
} os_file_id;

/* The sticky bit, which means nothing else for a file: it costs nothing to set,
 * and attaching sees it in what it looks at anyway. */
enum { OS_MAP_MARKED = 01000 };

/* A mapped block. Zeroed, it stands for none. */
typedef struct os_map {
  void *address;
  uint64_t size;
  os_file_id id;
  int descriptor;     /* until it is settled; then -1 */
  uint32_t temporary; /* names the file of such a block where the system knows
                         no nameless ones; else 0 */
  uint32_t owner;     /* the user who made it */
  bool is_marked;     /* OS_MAP_MARKED */
} os_map;

/* Make a block of `size` zeroed bytes, mapped for reading and writing, that
 * nobody can find yet. With `reserve`, its memory is there afterwards, whatever
 * others allocate, or the answer is POLYSHM_E_SPACE. `mode` are its POSIX
 * permissions, less the process's umask, and OS_MAP_MARKED if it may be removed
 * when nobody has it any more. */
polyshm_status os_map_make(
    uint64_t size, uint32_t mode, bool reserve, os_map *out_map);

/* Give a made block its name, in one step: whoever finds the name finds the
 * whole block. It is settled next. POLYSHM_E_EXISTS leaves the map as it was,
 * for another try under another name. */
polyshm_status os_map_publish(os_map *map, const char *name);

/* Map the block that has this name. Links, directories and everything else
 * that is no plain block are refused, without being waited for. A block of no
 * bytes is waited for a little while: stock Python names its blocks before it
 * sizes them. */
polyshm_status os_map_open(const char *name, bool read_only, os_map *out_map);

/* The same, only if it can be done at once. */
polyshm_status os_map_try(const char *name, bool read_only, os_map *out_map);

/* Whether another user made the block, other than root. */
bool os_map_is_foreign(const os_map *map);

/* Copy bytes of a block that is being opened. Touching them through the mapping
 * would map their page and its neighbours, which costs as much as all the rest
 * of opening. False if the file is shorter than that. */
bool os_map_peek(
    const os_map *map, uint64_t offset, void *bytes, size_t nbytes);

/* Take the mark from a block that is not settled yet. */
void os_map_unmark(os_map *map);

/* The making or opening is over: from here on the mapping alone keeps the
 * block. */
void os_map_settle(os_map *map);

/* Unmap; what was made and never published is gone. */
void os_map_drop(os_map *map);

/* *out_inode, unless NULL, is the block's, or 0. */
polyshm_status os_map_unlink(const char *name, uint64_t *out_inode);

/* ----------------------------------------------------------------- folder */

/* The folder that blocks are in, opened: what a process tree holds its blocks
 * by. A hold is on a block's inode; all copies of a descriptor, in whatever
 * process, hold together, and the kernel ends the hold with the last copy. */

/* A new opening, or -1 with the reason noted. */
int os_folder_open(void);

/* Whether a descriptor still is an opening of that folder. Programs close
 * descriptors that they did not open, and get their numbers again for files. */
bool os_folder_is(int folder);

polyshm_status os_folder_identify(int folder, os_file_id *out_id);

polyshm_status os_folder_hold(int folder, uint64_t inode);
void os_folder_release(int folder, uint64_t inode);

/* Whether a hold was made through another opening than this. True if the system
 * does not tell. */
bool os_folder_is_held(int folder, uint64_t inode);

/* Call `visit` with the name of each block in the folder. */
polyshm_status os_folder_list(
    void (*visit)(const char *name, void *context), void *context);

/* What a file in the folder is. */
typedef struct os_file {
  uint64_t size, inode, device;
  int64_t created_at; /* nanoseconds since 1970; 0 if unknown */
  int64_t changed_at; /* likewise; testers change it, too (os_removal_try) */
  uint32_t mode;      /* permissions, without the mark */
  uint32_t owner;
  bool is_marked;
} os_file;

polyshm_status os_folder_look(const char *name, os_file *out_file);

/* Mark a file (OS_MAP_MARKED), if it still is this one and this user's. */
void os_folder_mark(int folder, const char *name, uint64_t inode);

/* Remove the name if it still is this file's; 0 stands for any plain file. */
polyshm_status os_folder_remove(int folder, const char *name, uint64_t inode);

/* Whether this user's test of a file of that owner would be answered. */
bool os_folder_may_test(const os_file *file);

/* Call `visit` with the id of each process that has this file open or mapped,
 * as far as this user may see. */
polyshm_status os_folder_find_users(
    const os_file *file, void (*visit)(uint64_t pid, void *context),
    void *context);

/* --------------------------------------------------------------- removing */

/* Removing what nobody has: a file that is marked (os_map_make), this user's,
 * and neither held nor open nor mapped anywhere, by whatever program. */

typedef enum os_removal {
  OS_REMOVAL_DONE,
  OS_REMOVAL_GONE,     /* there is no such file any more */
  OS_REMOVAL_IN_USE,   /* somebody has it open or mapped */
  OS_REMOVAL_HELD,     /* a process tree holds it */
  OS_REMOVAL_UNMARKED, /* it is not to be removed, or not by us */
  OS_REMOVAL_UNKNOWN   /* the system does not tell */
} os_removal;

/* Test, and remove unless `dry`. `inode` is the file's if it is known, else 0:
 * another one of that name is left alone. `folder` is an opening that nothing
 * is held by. Nobody who tests at the same time is taken for somebody who has
 * it: of several that leave, the last one removes it. */
os_removal os_removal_try(
    int folder, const char *name, uint64_t inode, bool dry);

/* The test alone, for any file of this user's: OS_REMOVAL_DONE if nobody has it
 * open or mapped. Who closes a marked file meanwhile may take us for a holder,
 * and then changes its time (os_file.changed_at). */
os_removal os_removal_test(int folder, const char *name);

/* Whether the system can tell who has a file open at all. */
bool os_removal_is_possible(void);

/* ------------------------------------------------------------------- tree */

/* A process tree has a token, "pid:start:random" of its first process, and a
 * helper that can be reached by it. */

enum { OS_TREE_TOKEN_SIZE = 64 };

/* Make a token with this process as the root. */
polyshm_status os_tree_make_token(char token[OS_TREE_TOKEN_SIZE]);

/* Whether a token looks like one, and its root is alive. */
bool os_tree_is_token(const char *token);
bool os_tree_is_alive(const char *token);

/* Where descendants find the token. */
const char *os_tree_get_token(void);
void os_tree_set_token(const char *token);

/* Connect to the helper of a tree: a descriptor; -1 if there is none; -2 if
 * whoever answers is another user. */
int os_tree_connect(const char *token);

/* Whether a connection still is one. */
bool os_tree_is_connected(int connection, uint64_t identity);
uint64_t os_tree_identify(int connection);

/* Ask the helper for the folder that it holds the tree's blocks by; or give it
 * another one, to hold too. */
int os_tree_fetch(int connection);
bool os_tree_share(int connection, int folder);

/* Become the one who starts the helper: a listening descriptor, or -1 if
 * somebody else is faster. */
int os_tree_listen(const char *token);

/* Start the helper on a listening descriptor, with a folder to hold. It is no
 * child of this process and inherits nothing else. */
polyshm_status os_tree_start(
    const char *helper, const char *token, int listener, int folder);

/* Where the helper is: `buffer` gets its path. */
polyshm_status os_tree_find_helper(char *buffer, size_t capacity);

/* The helper's part: serve until the tree has ended. `serve` returns then; all
 * folders are closed. */
void os_tree_serve(const char *token, int listener, int folder);

void os_tree_close(int descriptor);

/* ------------------------------------------------------------------ claim */

/* A claim is a number that a process holds in a block's file, and that the
 * kernel takes from it when it dies, however it dies. Others can ask whether a
 * number is held. Only one claimer at a time has a number. */

/* Make the descriptor another opening of its file, under the same number.
 * Claims must be made through one that is neither mapped nor shared with a fork
 * parent, since mappings and copies would keep them when the claimer is dead.
 * `name` is the block's, for systems that find the file no other way. Fails if
 * the number is another file's by now: programs close what they did not open.
 */
polyshm_status os_claim_separate(
    int descriptor, const os_file_id *id, const char *name);

/* False if somebody has this number. */
bool os_claim_take(int descriptor, uint32_t number);

/* Whether anybody but claims made through this very descriptor holds it. True
 * if the system does not tell. Any descriptor on the file will do, also a
 * read-only one. */
bool os_claim_is_held(int descriptor, uint32_t number);

/* Give up what was claimed through this descriptor, with it, if it still is on
 * this file. */
void os_claim_close(int descriptor, const os_file_id *id);

/* ------------------------------------------------------------------- fork */

/* Between these two no other thread comes in, and nobody forks. */
void os_fork_hold(void);
void os_fork_release(void);

/* Call this function in the child of every fork from now on, held. At most one
 * is called, the first; call this while holding. */
polyshm_status os_fork_watch(void (*in_child)(void));

/* ----------------------------------------------------------------- thread */

/* A number that no other living thread of this process has; never 0. */
uint32_t os_thread_id(void);

/* In a fork child: this thread is another one now. */
void os_thread_forget(void);

/* A moment of no work, for loops that wait for another processor. */
static inline void os_thread_relax(void) {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("isb");
#endif
}

/* ------------------------------------------------------------------ futex */

/* Sleeping on four bytes of shared memory, which any process may have mapped
 * anywhere, also read-only. */

typedef enum os_wake {
  OS_WAKE_MAYBE,      /* woken, or the content was another one, or no reason */
  OS_WAKE_TIMEOUT,    /* the time is over */
  OS_WAKE_INTERRUPTED /* a signal handler ran */
} os_wake;

/* Sleep for at most `timeout` nanoseconds while the word has this content. */
os_wake os_futex_wait(const void *word, uint32_t content, int64_t timeout);

/* Wake at most `count` of those who sleep on the word; how many there were, or
 * -1 if the system does not tell. */
int os_futex_wake(const void *word, int count);

/* ---------------------------------------------------------------- library */

/* Find a symbol in the shared library at `path`, which stays loaded, or for
 * NULL in what this process has loaded. A NULL symbol is not looked for. */
polyshm_status os_library_find(
    const char *path, const char *symbol, void **out_address);

/* ----------------------------------------------------------------- random */

/* Fill with bytes that nobody can guess. */
polyshm_status os_random_fill(void *bytes, size_t nbytes);

/* ------------------------------------------------------------------ clock */

/* Sleep about this many nanoseconds; signals may cut it short. */
void os_clock_sleep(int64_t nanoseconds);

/* Nanoseconds since some moment, never set back. */
int64_t os_clock_now(void);

/* When a timeout that begins now is over. */
static inline int64_t os_clock_deadline(int64_t timeout) {
  if (timeout < 0)
    return INT64_MAX;
  int64_t now = os_clock_now();
  return timeout > INT64_MAX - now ? INT64_MAX : now + timeout;
}

/* Nanoseconds until then, but at most `slice`; none left is 0 or less. */
static inline int64_t os_clock_left(int64_t deadline, int64_t slice) {
  if (deadline == INT64_MAX)
    return slice;
  int64_t left = deadline - os_clock_now();
  return left < slice ? left : slice;
}

#endif
