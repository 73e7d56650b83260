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

/* A mapped block. Zeroed, it stands for none. */
typedef struct os_map {
  void *address;
  uint64_t size;
  os_file_id id;
  int descriptor;     /* until it is settled; then -1 */
  uint32_t temporary; /* names the file of such a block where the system knows
                         no nameless ones; else 0 */
} os_map;

/* Make a block of `size` zeroed bytes, mapped for reading and writing, that
 * nobody can find yet. With `reserve`, its memory is there afterwards, whatever
 * others allocate, or the answer is POLYSHM_E_SPACE. `mode` are its POSIX
 * permissions, less the process's umask. */
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

/* Copy bytes of a block that is being opened. Touching them through the mapping
 * would map their page and its neighbours, which costs as much as all the rest
 * of opening. False if the file is shorter than that. */
bool os_map_peek(
    const os_map *map, uint64_t offset, void *bytes, size_t nbytes);

/* The making or opening is over: from here on the mapping alone keeps the
 * block. */
void os_map_settle(os_map *map);

/* Unmap; what was made and never published is gone. */
void os_map_drop(os_map *map);

polyshm_status os_map_unlink(const char *name);

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
