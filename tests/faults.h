/* SPDX-License-Identifier: MIT */
/*
 * What the library asks of the system, made to fail, to be counted and to be
 * interrupted.
 *
 * The linker sends each of these calls here (--wrap, see CMakeLists.txt), so
 * the product needs no hooks. Without rules, all calls pass.
 */
#ifndef POLYSHM_TESTS_FAULTS_H
#define POLYSHM_TESTS_FAULTS_H

#include <stdbool.h>
#include <stddef.h>

typedef enum fault_call {
  FAULT_MALLOC,        /* calloc and realloc */
  FAULT_OPEN_NAMELESS, /* open with O_TMPFILE */
  FAULT_OPEN,          /* any other open */
  FAULT_FSTAT,         /* of files: of the folder or a socket it cannot fail */
  FAULT_FTRUNCATE,
  FAULT_FALLOCATE,
  FAULT_MMAP,
  FAULT_PREAD,
  FAULT_LINK_EMPTY, /* linkat with AT_EMPTY_PATH */
  FAULT_LINK,       /* any other linkat, and link */
  FAULT_RANDOM,     /* getentropy */
  FAULT_STATVFS,
  FAULT_LIMIT, /* getrlimit */
  FAULT_FCNTL, /* other than FAULT_CLAIM */
  FAULT_TALK,  /* socket, connect, bind, listen, accept4, send, recv, ... */
  FAULT_CLONE,
  FAULT_DUP,      /* dup3 */
  FAULT_CLAIM,    /* fcntl with F_OFD_SETLK, for writing */
  FAULT_ATFORK,   /* pthread_atfork */
  FAULT_LAST_ONE, /* those before can be made to fail */

  FAULT_UNLINK = FAULT_LAST_ONE,
  FAULT_SLEEP,  /* nanosleep */
  FAULT_ASK,    /* fcntl with F_OFD_GETLK */
  FAULT_LEASE,  /* fcntl with F_SETLEASE */
  FAULT_POLL,   /* epoll_create1, epoll_ctl, eventfd */
  FAULT_WAIT,   /* epoll_wait, ppoll */
  FAULT_LOOK,   /* stat, lstat, fstatat, openat, opendir, getcwd */
  FAULT_REMOVE, /* unlinkat */
  FAULT_FLOCK,
  FAULT_DLADDR,  /* which has no errno */
  FAULT_DLOPEN,  /* nor has this one, */
  FAULT_DLSYM,   /* nor this */
  FAULT_LOOK_UP, /* getaddrinfo, which has codes of its own */
  FAULT_PIDFD,   /* pidfd_open */
  FAULT_CALLS,

  FAULT_ANY = FAULT_CALLS /* all that can fail, as one sequence */
} fault_call;

enum { FOR_EVER = 1 << 30 };

/* Forget rules, counts and names. */
void faults_reset(void);

/* Fail the calls from the `first` one (1, 2, ...) on, `count` of them, with
 * this errno. One rule for each kind of call. */
void faults_fail(fault_call call, unsigned first, unsigned count, int code);

/* Before the `nth` call, or before each with 0, run this; what it calls passes,
 * uncounted. One such rule at a time. */
void faults_before(
    fault_call call, unsigned nth, void (*hook)(void *), void *argument);

/* Whether what this thread calls passes, uncounted: it is not under test. */
void faults_spare(bool this_thread);

/* What getentropy gives from here on, until the reset: the numbers in turn. */
void faults_random(const unsigned *numbers, size_t nnumbers);

/* Calls since the reset. */
unsigned faults_count(fault_call call);

/* Whether the rule for this kind has made a call fail. */
bool faults_hit(fault_call call);

/* Pieces of memory from these functions that were not freed. */
long faults_heap(void);

/* How many names that came to be since the reset are still there. Children's
 * count too. With `remove_them`, they are removed. */
size_t faults_names(bool remove_them);

/* The path of one of those names, there or not; NULL if there were not so many.
 */
const char *faults_name(size_t number);

#endif
