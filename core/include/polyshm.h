/* SPDX-License-Identifier: MIT */
/*
 * polyshm.h - named shared memory blocks and typed lists for every language.
 *
 * This header is the whole ABI. What is not declared here is private.
 *
 * FIVE LAWS hold for every function below, so each comment states only what
 * is particular to its function.
 *
 *   Order      The handle comes first, then inputs, then outputs (out_*).
 *   Errors     A polyshm_status below zero is a failure; nothing above zero is
 *              ever returned. A failed call changed nothing and wrote no out_
 *              parameter; polyshm_error_message() explains it, to this thread.
 *              A NULL handle or out_ pointer is POLYSHM_E_INVALID.
 *   Ownership  What arrives through an out_ handle parameter is yours: give it
 *              back to the _free function of its type. What is returned by
 *              value (a name, a list's block) is borrowed: it lives as long as
 *              the handle it was asked from. _free accepts NULL, never fails,
 *              and may be called in any order.
 *   Threads    A handle may be used from any thread; close and free must not
 *              run beside another call on the same handle. Nothing is ever
 *              called back from a thread you did not bring.
 *   Growth     Options structs begin with struct_size = sizeof *it. Zeroed
 *              members mean "default"; a NULL options pointer means all
 *              defaults. Structs only ever grow at the end.
 *
 * Names are UTF-8 and at most POLYSHM_NAME_MAX bytes. Leading slashes are
 * dropped, as the C library's shm_open does: "x", "/x" and "//x" are one block,
 * which every peer, stock Python too, finds as /dev/shm/x. A name that is
 * empty, not UTF-8, or has a slash inside is POLYSHM_E_INVALID; a longer one is
 * too, with ENAMETOOLONG as the system's reason.
 *
 * Sizes, offsets and capacities are bytes. Timeouts are nanoseconds: 0 does not
 * sleep, POLYSHM_FOREVER (or any other negative number) has no end.
 */
#ifndef POLYSHM_H
#define POLYSHM_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---------------------------------------------------------------- library */

enum {
  POLYSHM_VERSION_MAJOR = 0,
  POLYSHM_VERSION_MINOR = 1,
  POLYSHM_VERSION_PATCH = 0
};

enum {
  POLYSHM_NAME_MAX = 255,
  POLYSHM_FOREVER = -1,

  /* The longest string a list can hold, in bytes: CPython writes a slot's width
   * as seven digits. */
  POLYSHM_TEXT_MAX = 9999992
};

/* Version of the loaded library: major << 16 | minor << 8 | patch. */
uint32_t polyshm_version(void);

/* ----------------------------------------------------------------- errors */

typedef int32_t polyshm_status;

enum {
  POLYSHM_OK = 0,
  POLYSHM_E_INVALID = -1,      /* an argument no caller should pass */
  POLYSHM_E_MEMORY = -2,       /* this process is out of memory */
  POLYSHM_E_OS = -3,           /* see polyshm_error_os() */
  POLYSHM_E_NOT_FOUND = -4,    /* nothing has that name */
  POLYSHM_E_EXISTS = -5,       /* a block already has that name */
  POLYSHM_E_ACCESS = -6,       /* the system forbids it, or it is read-only */
  POLYSHM_E_CLOSED = -7,       /* the handle was closed */
  POLYSHM_E_BUSY = -8,         /* pinned, locked, or leased: release it first */
  POLYSHM_E_TIMEOUT = -9,      /* it did not happen in time */
  POLYSHM_E_RANGE = -10,       /* index or offset outside the block */
  POLYSHM_E_TYPE = -11,        /* the slot holds a value of another type */
  POLYSHM_E_SPACE = -12,       /* the value, your buffer or the block does not
                                  fit; for a block, polyshm_error_os() is set */
  POLYSHM_E_CORRUPT = -13,     /* the shared bytes break the format */
  POLYSHM_E_VERSION = -14,     /* written by an incompatible library */
  POLYSHM_E_PROTOCOL = -15,    /* the manager and we disagree */
  POLYSHM_E_UNSUPPORTED = -16, /* not on this system, or not in this build */
  POLYSHM_E_END = -17,         /* a scan has no more entries */
  POLYSHM_E_INTERRUPTED = -18  /* a signal arrived while waiting */
};

/* The constant's own spelling, "POLYSHM_E_RANGE"; never NULL. */
const char *polyshm_status_name(polyshm_status status);

/* One sentence about this thread's last failure; never NULL, valid until this
 * thread fails again. A success leaves it as it was: ask after a failure. */
const char *polyshm_error_message(void);

/* errno behind this thread's last failure; 0 when the system was not the
 * cause. */
int32_t polyshm_error_os(void);

/* ----------------------------------------------------------------- values */

enum {
  POLYSHM_NONE = 0,
  POLYSHM_BOOL = 1,   /* of.i is 0 or 1 */
  POLYSHM_INT = 2,    /* of.i */
  POLYSHM_FLOAT = 3,  /* of.f */
  POLYSHM_STRING = 4, /* of.p, UTF-8, size bytes, no terminator counted */
  POLYSHM_BYTES = 5,  /* of.p, size bytes */

  /* An input only, for languages in which one string type serves for both:
   * stored as POLYSHM_STRING if it is UTF-8, else as POLYSHM_BYTES; equal to
   * either. */
  POLYSHM_TEXT = 9,

  /* In native calls only: lists refuse them. */
  POLYSHM_POINTER = 6,  /* of.p */
  POLYSHM_VIEW = 7,     /* of.p, a polyshm_view */
  POLYSHM_CALLBACK = 8, /* of.p, a polyshm_callback or NULL */
  POLYSHM_UINT = 10     /* of.i has the bits of a uint64_t */
};

/* One value as lists store it. This struct is frozen: 24 bytes, never
 * extended. `size` counts for strings and bytes only and is 0 otherwise. */
typedef struct polyshm_value {
  int32_t type;
  uint32_t reserved; /* 0 */
  union {
    int64_t i;
    double f;
    const void *p;
  } of;
  uint64_t size;
} polyshm_value;

/* ----------------------------------------------------------------- blocks */

typedef struct polyshm_block polyshm_block;

enum {
  POLYSHM_CREATE = 1 << 0,    /* make it if it is missing */
  POLYSHM_EXCLUSIVE = 1 << 1, /* with CREATE: fail if it is there */
  POLYSHM_READ_ONLY = 1 << 2, /* map it so that writing is impossible */
  POLYSHM_UNTRACKED = 1 << 3, /* with CREATE: it stays until it is unlinked */
  POLYSHM_SPARSE = 1 << 4,    /* do not reserve the memory now */
  POLYSHM_FOREIGN = 1 << 5    /* open what another user made, too */
};

typedef struct polyshm_block_options {
  uint64_t struct_size;
  uint32_t mode; /* POSIX permissions of a new block, less the process's umask;
                    0 means 0600 */
  uint32_t reserved; /* 0 */
} polyshm_block_options;

/* A new block is tracked, unless POLYSHM_UNTRACKED is given: it goes away when
 * nobody has it open, by whatever program, and the process tree that made it
 * has ended, however its processes went. The tree is the first process that
 * used polyshm and every process started from it that uses polyshm. Opening a
 * block makes nobody responsible for it.
 *
 * Open the block called `name`, or with POLYSHM_CREATE make one of `size`
 * zeroed bytes. A NULL name with POLYSHM_CREATE picks a fresh one, "psm_" and
 * eight hexadecimal digits. `size` is ignored when an existing block is opened.
 *
 * A new block appears under its name complete or not at all. Its memory is
 * reserved, so that touching it later cannot kill the process with SIGBUS;
 * POLYSHM_E_SPACE tells when it cannot be. POLYSHM_SPARSE leaves that out.
 *
 * A block that is there but empty is one that stock Python is just making: it
 * is waited for, a tenth of a second at most, then POLYSHM_E_CORRUPT. */
polyshm_status polyshm_block_open(
    const char *name, uint64_t size, uint32_t flags,
    const polyshm_block_options *options, polyshm_block **out_block);

/* Unmap now. Fails with POLYSHM_E_BUSY while pinned. Afterwards every call on
 * the handle but _name, _size, _flags, _id and _free answers POLYSHM_E_CLOSED.
 * Closing twice is fine. */
polyshm_status polyshm_block_close(polyshm_block *block);

/* Drop the handle. If pins are left, the mapping stays until the last unpin:
 * a garbage collector may free in any order. */
void polyshm_block_free(polyshm_block *block);

/* Without leading slash. NULL for a NULL handle. */
const char *polyshm_block_name(const polyshm_block *block);

/* In bytes; 0 for a NULL handle. */
uint64_t polyshm_block_size(const polyshm_block *block);

/* POLYSHM_READ_ONLY if it is mapped so; POLYSHM_CREATE if this very handle
 * made the block. */
uint32_t polyshm_block_flags(const polyshm_block *block);

/* Which block it is: handles that are open have one number if and only if they
 * are on one block, whatever its name is by now. It stays when the handle is
 * closed; once nobody has the block, another one may get its number. 0 for a
 * NULL handle. */
uint64_t polyshm_block_id(const polyshm_block *block);

/* Hold the mapping in place and learn its address. The address is valid until
 * the matching unpin, whatever happens to the handle. Writing through a
 * read-only block's address faults. */
polyshm_status polyshm_block_pin(
    polyshm_block *block, void **out_address, uint64_t *out_size);
void polyshm_block_unpin(polyshm_block *block);

/* Learn the address without holding anything: it is valid until this handle is
 * closed or freed. For those who ask anew for each access, and so learn of a
 * close from POLYSHM_E_CLOSED. */
polyshm_status polyshm_block_address(
    const polyshm_block *block, void **out_address, uint64_t *out_size);

/* Bounds-checked copies, for languages that would rather not hold addresses.
 * They are not atomic. */
polyshm_status polyshm_block_read(
    const polyshm_block *block, uint64_t offset, void *buffer,
    uint64_t capacity);
polyshm_status polyshm_block_write(
    polyshm_block *block, uint64_t offset, const void *bytes, uint64_t nbytes);

/* Remove the name. Processes that have the block open keep it. */
polyshm_status polyshm_unlink(const char *name);

/* ------------------------------------------------------- scan and inspect */

enum {
  POLYSHM_KIND_BLOCK = 1, /* bytes */
  POLYSHM_KIND_LIST = 2   /* what polyshm_list_open() opens */
};

enum {
  POLYSHM_STATE_HELD = 1 << 0,    /* some process has it open or mapped */
  POLYSHM_STATE_TRACKED = 1 << 1, /* it goes away with its last holder */
  POLYSHM_STATE_ORPHAN = 1 << 2,  /* it is tracked, and nobody is left */
  POLYSHM_STATE_TREE = 1 << 3,    /* a living process tree keeps it */
  POLYSHM_STATE_UNKNOWN = 1 << 4  /* this user may not know who has it */
};

typedef struct polyshm_info {
  uint64_t struct_size; /* the caller sets it */
  char name[256];
  uint64_t size;
  uint64_t length;    /* slots, for a list */
  int64_t created_at; /* nanoseconds since 1970; 0 if unknown */
  uint32_t kind;      /* POLYSHM_KIND_ */
  uint32_t state;     /* POLYSHM_STATE_ */
  uint32_t mode;      /* POSIX permissions */
  uint32_t uid;       /* of its owner */
} polyshm_info;

/* Look at one block. */
polyshm_status polyshm_inspect(const char *name, polyshm_info *out_info);

typedef struct polyshm_scan polyshm_scan;

/* Walk all blocks, in the order of their names, as they were when the walk
 * began; what is gone when its turn comes is left out. POLYSHM_E_END ends the
 * walk. */
polyshm_status polyshm_scan_open(polyshm_scan **out_scan);
polyshm_status polyshm_scan_next(polyshm_scan *scan, polyshm_info *out_info);
void polyshm_scan_free(polyshm_scan *scan);

/* The ids of the processes that have a block open or mapped, as far as this
 * user may see them. *out_count is how many there are, also if that is more
 * than `capacity`, of which the array has room. */
polyshm_status polyshm_holders(
    const char *name, uint64_t *pids, uint64_t capacity, uint64_t *out_count);

enum {
  POLYSHM_GC_DRY_RUN = 1 << 0 /* count only */
};

/* Remove this user's orphans, or everybody's if this is root, and count them.
 * They are what processes leave behind that were all killed at once, the tree's
 * helper too. */
polyshm_status polyshm_gc(uint32_t flags, uint64_t *out_removed);

/* Take part in a process tree now, before anything is made: the one that the
 * environment variable POLYSHM_TREE names, or a new one, which it names from
 * now on. All other calls do so by themselves; a language that keeps a copy of
 * the environment needs to know. `buffer` gets the variable's value, a string;
 * POLYSHM_E_SPACE if that is longer than `capacity`, 64 is enough. */
polyshm_status polyshm_tree_enter(char *buffer, uint64_t capacity);

/* The path of the helper program that watches over the tree, beside the library
 * or in the environment variable POLYSHM_HELPER, a string; POLYSHM_E_NOT_FOUND
 * if there is none. Without it a tree holds its blocks only as long as the
 * processes that made them and their fork children live, and orphans are
 * removed by the next process that makes a tracked block, or by polyshm_gc().
 */
polyshm_status polyshm_helper_path(char *buffer, uint64_t capacity);

/* ------------------------------------------------------------------ lists */

/* A list is a fixed number of slots in a block, laid out as CPython's
 * multiprocessing.shared_memory.ShareableList (3.9 and later) lays them out. A
 * slot's capacity is set when the list is made; any value that fits may be
 * stored in it, of any type.
 *
 * Lists that polyshm makes carry a trailer behind CPython's bytes, which makes
 * their slots whole: whoever reads a slot gets the old value or the new one,
 * never a mixture, whatever other polyshm processes do to it at that moment,
 * dying included. Who reads a value sees what its writer wrote before it, here
 * and elsewhere. Reading takes no lock and waits for nobody.
 *
 * A call that changes a slot waits while another process is in the middle of
 * changing the same one, which takes nanoseconds; one that died there is
 * repaired; one that was stopped there (SIGSTOP, a debugger) is waited for at
 * most as long as polyshm_list_timeout() allows, 1 s if nobody asked for
 * another time. Then the answer is POLYSHM_E_TIMEOUT and nothing has changed.
 *
 * Lists made by stock Python have no trailer. They can be read and set, with
 * stock Python's promises: a number over one of the same type is one atomic
 * store; who reads while a slot's type or string changes may get a mixture or
 * POLYSHM_E_CORRUPT. What needs the trailer is POLYSHM_E_UNSUPPORTED there. A
 * stock process that writes to a list with a trailer stores plain bytes, too:
 * polyshm reads them, but they come with no such promises and wake nobody. */
typedef struct polyshm_list polyshm_list;

typedef struct polyshm_list_options {
  uint64_t struct_size;
  uint64_t slot_capacity; /* least bytes reserved per slot; 0 fits the values */
  uint32_t mode;          /* as in polyshm_block_options */
  uint32_t reserved;      /* 0 */
  int64_t timeout;        /* as polyshm_list_timeout sets it; 0 means 1 s */
} polyshm_list_options;

/* Make a list of these values. It is tracked as blocks are, unless `flags` has
 * POLYSHM_UNTRACKED. A NULL name picks a fresh one. A name that is
 * taken is POLYSHM_E_EXISTS, unless `flags` has POLYSHM_CREATE without
 * POLYSHM_EXCLUSIVE: then the list that is there is opened and the values are
 * ignored. The list appears under its name complete or not at all. */
polyshm_status polyshm_list_create(
    const char *name, const polyshm_value *values, uint64_t nvalues,
    uint32_t flags, const polyshm_list_options *options,
    polyshm_list **out_list);

/* Open an existing list; `flags` may be POLYSHM_READ_ONLY and POLYSHM_FOREIGN.
 * Its frame is checked now, each slot when it is used, so that opening costs
 * the same for ten slots and for a million. POLYSHM_E_VERSION for the layout of
 * CPython 3.8 and for a trailer that this library cannot use, POLYSHM_E_CORRUPT
 * for what is no list. */
polyshm_status polyshm_list_open(
    const char *name, uint32_t flags, polyshm_list **out_list);

/* As for blocks. Closing is POLYSHM_E_BUSY while this handle holds the list's
 * lock; freeing gives such a lock up, and the next holder is told that the last
 * one died with it. */
polyshm_status polyshm_list_close(polyshm_list *list);
void polyshm_list_free(polyshm_list *list);

/* The block beneath, for its name, size and pins. Borrowed; closing it closes
 * the list. NULL for a NULL handle. */
polyshm_block *polyshm_list_block(const polyshm_list *list);

/* How many slots it has; 0 for a NULL handle. */
uint64_t polyshm_list_length(const polyshm_list *list);

/* Bytes a buffer needs so that _get can never answer POLYSHM_E_SPACE. */
polyshm_status polyshm_list_capacity(
    const polyshm_list *list, uint64_t index, uint64_t *out_capacity);

/* How long calls through this handle other than lock and wait may sleep until
 * they get at a slot that a live process holds: nanoseconds, 1 s at first. */
polyshm_status polyshm_list_timeout(polyshm_list *list, int64_t timeout);

/* Copy a slot out. Strings and bytes land in `buffer`, where out_value->of.p
 * will point; numbers need no buffer. The copy is whole. Zero bytes at the end
 * of a string are kept if polyshm stored it; of what stock Python stored, they
 * are not, as in stock Python. Strings that stock Python cut in the middle of a
 * character come as they are: check them if it matters. POLYSHM_E_TIMEOUT only
 * if others overwrite the slot faster than it can be copied all that time. */
polyshm_status polyshm_list_get(
    const polyshm_list *list, uint64_t index, void *buffer, uint64_t capacity,
    polyshm_value *out_value);

/* POLYSHM_E_SPACE if the value is longer than the slot, POLYSHM_E_INVALID if a
 * string is not UTF-8, POLYSHM_E_ACCESS if the list is read-only; the slot
 * keeps its old value then. */
polyshm_status polyshm_list_set(
    polyshm_list *list, uint64_t index, const polyshm_value *value);

/* Add to an integer slot in one step; *out_after is the sum. POLYSHM_E_TYPE if
 * the slot holds no int (a bool is none), POLYSHM_E_SPACE if the sum is no
 * int64_t; the slot keeps its value then. */
polyshm_status polyshm_list_add(
    polyshm_list *list, uint64_t index, int64_t delta, int64_t *out_after);

/* Replace an integer slot's value in one step if it still is `expected`.
 * *out_before == expected tells that it was and has been replaced; otherwise it
 * is what the slot holds. POLYSHM_E_TYPE if the slot holds no int. */
polyshm_status polyshm_list_swap(
    polyshm_list *list, uint64_t index, int64_t expected, int64_t desired,
    int64_t *out_before);

/* Find the first slot at or after `start` that equals `value`, numbers
 * comparing by value across int, float and bool, as in Python;
 * POLYSHM_E_NOT_FOUND if none, POLYSHM_E_TIMEOUT as for _get. */
polyshm_status polyshm_list_find(
    const polyshm_list *list, uint64_t start, const polyshm_value *value,
    uint64_t *out_index);

/* Exclude other holders of the list's lock: other processes, other threads of
 * this one, other handles. It excludes nobody from reading and setting. Each
 * thread that waits gets its turn. *out_recovered is 1 if the last holder died
 * with the lock: its change may be half done. POLYSHM_E_BUSY if this thread
 * holds it through this handle already, POLYSHM_E_TIMEOUT,
 * POLYSHM_E_INTERRUPTED, POLYSHM_E_ACCESS for a read-only list.
 *
 * The lock belongs to the thread that took it. A thread that ends without
 * unlocking leaves it locked until its process ends or frees the handle. */
polyshm_status polyshm_list_lock(
    polyshm_list *list, int64_t timeout, uint32_t *out_recovered);

/* POLYSHM_E_INVALID if this thread does not hold the lock through this handle.
 */
polyshm_status polyshm_list_unlock(polyshm_list *list);

/* Copy `count` slots from `first` on as they all stood at one moment, exactly:
 * sets, adds and swaps of other processes are before it or after it, and the
 * moment is none at which anybody alive held the list's lock but this thread
 * through this handle. What was changed under the lock is therefore seen as a
 * whole or not at all. Strings
 * and bytes land in `buffer`, one behind the other; the sum of the slots'
 * capacities is always enough. POLYSHM_E_TIMEOUT if there was no such moment in
 * the time that polyshm_list_timeout() set. Where there is none by itself, a
 * list that may be written gets one in its turn, among those who wait for the
 * lock; one that is read-only must be lucky. */
polyshm_status polyshm_list_snapshot(
    const polyshm_list *list, uint64_t first, uint64_t count, void *buffer,
    uint64_t capacity, polyshm_value *out_values);

/* A number that changes whenever a polyshm process changes the list. Taking it
 * looks at every slot, so it costs the more, the longer the list is. */
polyshm_status polyshm_list_version(
    const polyshm_list *list, uint64_t *out_version);

/* Sleep until that version is no longer `seen`; *out_version is what it is
 * then. POLYSHM_E_TIMEOUT, or POLYSHM_E_INTERRUPTED when a signal handler ran.
 * A change between the look at a value and the wait is not lost if `seen` was
 * taken before the value. On a read-only list, waiting looks every 10 ms. */
polyshm_status polyshm_list_wait(
    const polyshm_list *list, uint64_t seen, int64_t timeout,
    uint64_t *out_version);

/* The same two for one slot, at a cost that depends on nothing. */
polyshm_status polyshm_list_slot_version(
    const polyshm_list *list, uint64_t index, uint64_t *out_version);
polyshm_status polyshm_list_slot_wait(
    const polyshm_list *list, uint64_t index, uint64_t seen, int64_t timeout,
    uint64_t *out_version);

/* --------------------------------------------------------------- managers */

/* A manager is a process that owns blocks: what is made or tracked through it
 * stays until it shuts down, whoever ends before. It speaks the protocol of
 * CPython's multiprocessing.managers.SharedMemoryManager: these functions work
 * with a manager that stock Python started, and stock Python works with ours.
 * core/doc/protocol.md has the protocol and who can do what.
 *
 * An address is "unix:/path" (at most 107 bytes of path; a relative one counts
 * from the current folder), "unix:@name" in Linux's abstract namespace,
 * "tcp:host:port" or "tcp:[::1]:port". An authkey is 0 to 4096 bytes. Who knows
 * it may have any block of the manager's user removed; with a stock Python on
 * one side, it may also run code there.
 *
 * All of this needs libnettle or libcrypto, which is loaded by the first call;
 * POLYSHM_E_UNSUPPORTED without.
 *
 * A call that talks to a manager ends within the handle's timeout, else
 * POLYSHM_E_TIMEOUT, and when a signal handler ran, POLYSHM_E_INTERRUPTED, in
 * which case it may be made again; a request that was sent already is given a
 * tenth of a second to be answered first. After either, and after a lost
 * connection (POLYSHM_E_OS), a request may have been carried out.
 * POLYSHM_E_PROTOCOL is for answers that make no sense here, POLYSHM_E_ACCESS
 * without an OS code for a wrong authkey.
 *
 * A handle may be used by several threads at once, one of which may close it or
 * shut the manager down; and in fork children, which get connections of their
 * own. */
typedef struct polyshm_manager polyshm_manager;

enum {
  POLYSHM_MANAGER_DETACHED = 1 << 0, /* outlives the process that started it */
  POLYSHM_MANAGER_NO_MD5 = 1 << 1    /* refuse Pythons before 3.12 */
};

typedef struct polyshm_manager_options {
  uint64_t struct_size;
  int64_t timeout;   /* of each call; 0 means 10 s, below 0 no end */
  uint32_t flags;    /* POLYSHM_MANAGER_ */
  uint32_t reserved; /* 0 */
} polyshm_manager_options;

/* Start a manager, a process of its own, which is not this one's child, and
 * connect to it. A NULL address makes a fresh socket in a fresh folder, which
 * only this user may enter, in TMPDIR or /tmp; a NULL authkey draws 32 random
 * bytes. It ignores SIGINT, and shuts down at SIGTERM and when this process
 * ends, unless POLYSHM_MANAGER_DETACHED was given. POLYSHM_E_EXISTS if somebody
 * listens at that address; POLYSHM_E_NOT_FOUND if the program is missing (see
 * polyshm_manager_path) or the address's folder is. */
polyshm_status polyshm_manager_start(
    const char *address, const void *authkey, uint64_t nauthkey,
    const polyshm_manager_options *options, polyshm_manager **out_manager);

/* Connect to a manager that somebody started, in whatever language.
 * POLYSHM_E_NOT_FOUND if its socket is not there, POLYSHM_E_OS with
 * ECONNREFUSED if nobody listens there any more. */
polyshm_status polyshm_manager_connect(
    const char *address, const void *authkey, uint64_t nauthkey,
    const polyshm_manager_options *options, polyshm_manager **out_manager);

/* As others can connect to it. NULL for a NULL handle. */
const char *polyshm_manager_address(const polyshm_manager *manager);

/* The authkey; *out_size is its size, also if that is more than `capacity`, in
 * which case nothing is written to the buffer. */
polyshm_status polyshm_manager_authkey(
    const polyshm_manager *manager, void *buffer, uint64_t capacity,
    uint64_t *out_size);

/* The id of the process that polyshm_manager_start() started; 0 if the handle
 * was connected. */
uint64_t polyshm_manager_pid(const polyshm_manager *manager);

/* Make a block that belongs to the manager, as polyshm_block_open() with
 * POLYSHM_CREATE and POLYSHM_EXCLUSIVE makes it; `flags` may be POLYSHM_SPARSE.
 * This process and its tree are not responsible for it. It goes away when the
 * manager releases it or shuts down, and if the manager is killed, when nobody
 * has it open any more; a stock manager that is killed leaves it. A NULL name
 * picks a fresh one. POLYSHM_E_ACCESS if the manager has another /dev/shm. */
polyshm_status polyshm_manager_block(
    polyshm_manager *manager, const char *name, uint64_t size, uint32_t flags,
    const polyshm_block_options *options, polyshm_block **out_block);

/* The same for a list. */
polyshm_status polyshm_manager_list(
    polyshm_manager *manager, const char *name, const polyshm_value *values,
    uint64_t nvalues, uint32_t flags, const polyshm_list_options *options,
    polyshm_list **out_list);

/* Let the manager own a block that is there: it unlinks it when it shuts down.
 * The block's tree, if it has one, goes on holding it. */
polyshm_status polyshm_manager_track(
    polyshm_manager *manager, const char *name);

/* Let the manager unlink a block that it owns. POLYSHM_E_NOT_FOUND if it does
 * not own it, and, with ENOENT, if somebody else has unlinked it; the manager
 * does not own it any more then. */
polyshm_status polyshm_manager_release(
    polyshm_manager *manager, const char *name);

/* The names that the manager owns, in the order in which it got them, each with
 * a zero byte behind it. *out_size is the size of all, also if that is more
 * than `capacity`: then as many whole names as fit are in the buffer. */
polyshm_status polyshm_manager_segments(
    polyshm_manager *manager, void *buffer, uint64_t capacity,
    uint64_t *out_size);

/* Let the manager unlink all its blocks and end, whoever started it; it has
 * when this returns. The handle is closed then. A second time is fine. */
polyshm_status polyshm_manager_shutdown(polyshm_manager *manager);

/* Disconnect. The manager goes on. Afterwards every call on the handle but
 * _address, _authkey, _pid and _free answers POLYSHM_E_CLOSED, and _shutdown
 * does nothing. Closing twice is fine. */
polyshm_status polyshm_manager_close(polyshm_manager *manager);
void polyshm_manager_free(polyshm_manager *manager);

/* The path of the program that polyshm_manager_start() starts, beside the
 * library or in the environment variable POLYSHM_MANAGER, a string;
 * POLYSHM_E_NOT_FOUND if there is none, POLYSHM_E_UNSUPPORTED if managers are.
 */
polyshm_status polyshm_manager_path(char *buffer, uint64_t capacity);

/* ---------------------------------------------------------------- servers */

/* To be the manager, in this process. */
typedef struct polyshm_server polyshm_server;

enum {
  POLYSHM_SERVER_REMOTE = 1 << 0, /* listen to other machines, too */
  POLYSHM_SERVER_NO_MD5 = 1 << 1  /* refuse Pythons before 3.12 */
};

enum {
  POLYSHM_LEVEL_NONE = 0,
  POLYSHM_LEVEL_ERROR = 1,   /* the server cannot do its work */
  POLYSHM_LEVEL_WARNING = 2, /* a client was refused */
  POLYSHM_LEVEL_INFO = 3,    /* it begins and ends */
  POLYSHM_LEVEL_DEBUG = 4    /* clients come and go, blocks too */
};

typedef struct polyshm_server_options {
  uint64_t struct_size;
  uint32_t flags;            /* POLYSHM_SERVER_ */
  uint32_t level;            /* of the events that _next tells */
  uint64_t parent;           /* shut down when this process ends; 0 is none */
  int64_t handshake_timeout; /* nanoseconds; 0 means 10 s, below 0 no end */
  int64_t request_timeout;   /* from its first byte to the answer's last;
                                0 means 30 s, below 0 no end */
  int64_t idle_timeout;      /* between requests; 0 means 300 s, below 0 no end;
                                polyshm's clients connect again by themselves */
  uint64_t message_limit;    /* bytes of a request; 0 means 1 MiB, and at most
                                256 MiB */
  uint64_t block_limit;      /* blocks that it owns; 0 means 1,000,000 */
} polyshm_server_options;

/* Listen at an address; clients can connect then, and are served by
 * polyshm_server_next(). A NULL address makes a fresh socket, as
 * polyshm_manager_start() does. A socket in the file system is its user's alone
 * (mode 0600), other users than this and root are refused at any local socket,
 * and TCP is for this machine only (POLYSHM_E_ACCESS), unless
 * POLYSHM_SERVER_REMOTE was given: nothing is encrypted. POLYSHM_E_EXISTS if
 * somebody listens there; a socket that a dead one left behind is replaced. */
polyshm_status polyshm_server_open(
    const char *address, const void *authkey, uint64_t nauthkey,
    const polyshm_server_options *options, polyshm_server **out_server);

/* With the port that the system chose for port 0. NULL for a NULL handle. */
const char *polyshm_server_address(const polyshm_server *server);

typedef struct polyshm_event_info {
  uint64_t struct_size; /* the caller sets it */
  char text[360];
  uint32_t level;    /* POLYSHM_LEVEL_ */
  uint32_t reserved; /* 0 */
} polyshm_event_info;

/* Serve, on this thread, until there is an event to tell, one at most as severe
 * as the options' level. Nothing is served between two calls. POLYSHM_E_END
 * once the server has shut down: a client asked, or polyshm_server_stop() was
 * called, or the parent has ended; all its blocks are unlinked and its socket
 * is gone then. POLYSHM_E_TIMEOUT; POLYSHM_E_INTERRUPTED when a signal handler
 * ran: call it again. */
polyshm_status polyshm_server_next(
    polyshm_server *server, int64_t timeout, polyshm_event_info *out_event);

/* Let the server shut down, in the next moment of polyshm_server_next(). This
 * may be called from a signal handler, and from any thread. */
polyshm_status polyshm_server_stop(polyshm_server *server);

/* A server that has not ended shuts down: its blocks are unlinked. In a fork
 * child, only the child's copy of the handle goes. */
void polyshm_server_free(polyshm_server *server);

/* All of this in one: be the manager until a client asks to shut down, or
 * SIGTERM or SIGINT arrives (SIGINT unless it is ignored). Their handlers are
 * replaced during the call, so it is for one thread of a program at a time
 * (POLYSHM_E_BUSY). Other signals do not end it. */
polyshm_status polyshm_manager_serve(
    const char *address, const void *authkey, uint64_t nauthkey,
    const polyshm_server_options *options);

/* ----------------------------------------------------------- native calls */

/* Functions of any shared library, called with values and with blocks, by a
 * signature such as
 *
 *   f64(i32, const [f64], i32, const [f64], i32)
 *   void([i64], count, u64, fn i32(*i64, *i64))
 *
 * that is a result and the parameters. It has at most 1023 characters and 32
 * parameters. The types are
 *
 *   void               as a result only
 *   i8 i16 i32 i64     integers
 *   u8 u16 u32 u64
 *   f32 f64            floats
 *   ptr                an address; POLYSHM_NONE is NULL
 *   str                a C string, UTF-8 or not, NULL only as a result
 *   buf                a parameter only: the address of some bytes in a block
 *   [T]                of some numbers in a block; T is i8 to f64
 *   len                how many bytes, count: how many elements the buf or [T]
 *   count              has that stands before or else behind it: a size_t that
 *                      the call fills in
 *   fn R(T, ...)       a function: R is void, a number or ptr, T is a number,
 *                      ptr or str, and *T such a thing's address, which is read
 *                      and handed on as a value; at most 4 of these, with at
 *                      most 16 parameters each
 *
 * A buf or [T] that the function does not write to is `const buf` or
 * `const [T]`. What a signature promises is believed: one that is not the
 * function's may crash the program. Structs by value and variable arguments
 * cannot be passed. Without libffi at build time, all of these functions answer
 * POLYSHM_E_UNSUPPORTED, and POLYSHM_FEATURE_CALL is missing. */
typedef struct polyshm_function polyshm_function;
typedef struct polyshm_callback polyshm_callback;

enum {
  POLYSHM_FEATURE_CALL = 1 << 0,     /* native calls */
  POLYSHM_FEATURE_CALLBACKS = 1 << 1 /* native functions can call back; some
                                        hardened systems forbid the memory that
                                        this needs */
};

/* What this library can do on this system: POLYSHM_FEATURE_. */
uint32_t polyshm_features(void);

/* Types of parameters, and of the elements of views. */
enum {
  POLYSHM_TYPE_VOID = 0,
  POLYSHM_TYPE_I8 = 1,
  POLYSHM_TYPE_I16 = 2,
  POLYSHM_TYPE_I32 = 3,
  POLYSHM_TYPE_I64 = 4,
  POLYSHM_TYPE_U8 = 5,
  POLYSHM_TYPE_U16 = 6,
  POLYSHM_TYPE_U32 = 7,
  POLYSHM_TYPE_U64 = 8,
  POLYSHM_TYPE_F32 = 9,
  POLYSHM_TYPE_F64 = 10,
  POLYSHM_TYPE_PTR = 11,
  POLYSHM_TYPE_STR = 12,
  POLYSHM_TYPE_BUF = 13,
  POLYSHM_TYPE_ARRAY = 14,
  POLYSHM_TYPE_LEN = 15,
  POLYSHM_TYPE_COUNT = 16,
  POLYSHM_TYPE_FN = 17
};

/* A part of a block, as a value of type POLYSHM_VIEW points to one. */
typedef struct polyshm_view {
  uint64_t struct_size;
  union {
    polyshm_block *block;
    uint64_t width; /* so that the struct has one size on all machines */
  } on;
  uint64_t offset;
  uint64_t nbytes;
  uint32_t element; /* POLYSHM_TYPE_ of its numbers, I8 to F64; U8 and VOID mean
                       bytes, which may be numbers of any type */
  uint32_t flags;   /* POLYSHM_READ_ONLY: for const parameters only */
} polyshm_view;

/* What native functions are given to call back, with what they passed. A value
 * that is wanted comes with its type in `out_value`, zeroed; the answer goes
 * into `of`. An integer that does not fit the result is POLYSHM_E_RANGE.
 * `parameter` is the place, among the values of the call, of the one that asked
 * for this, or UINT64_MAX for a polyshm_callback. Strings are borrowed for the
 * call.
 *
 * Any answer but POLYSHM_OK ends it: the native function gets zero now and each
 * time it calls back until it returns, without us being asked, and then
 * polyshm_function_call() answers that status. It must return: no longjmp. */
typedef polyshm_status (*polyshm_callback_fn)(
    uint64_t parameter, const polyshm_value *values, uint64_t nvalues,
    polyshm_value *out_value, void *userdata);

typedef void (*polyshm_free_fn)(void *userdata);

/* Learn the address of a function or variable `symbol` in the shared library at
 * `path`, which is found as dlopen() finds it and stays loaded; NULL is the
 * program with the libraries that it was started with. A NULL symbol only loads
 * the library, *out_address is NULL then. POLYSHM_E_NOT_FOUND comes with the
 * loader's own words. */
polyshm_status polyshm_function_find(
    const char *path, const char *symbol, void **out_address);

/* Find it, and prepare it to be called. */
polyshm_status polyshm_function_open(
    const char *path, const char *symbol, const char *signature,
    polyshm_function **out_function);

/* The same for a function whose address you already have. */
polyshm_status polyshm_function_at(
    const void *address, const char *signature,
    polyshm_function **out_function);

/* In a native call, from a callback, it goes when that ends. */
void polyshm_function_free(polyshm_function *native);

/* How many values a call takes: one per parameter other than len and count. */
uint64_t polyshm_function_length(const polyshm_function *native);

/* POLYSHM_TYPE_ of the parameter that takes this value; POLYSHM_E_RANGE behind
 * the last. */
polyshm_status polyshm_function_parameter(
    const polyshm_function *native, uint64_t index, uint32_t *out_type);

/* Hold the lock of `list` during each call from now on; NULL ends that. The
 * list must live as long as calls are made. A call is POLYSHM_E_TIMEOUT, or
 * POLYSHM_E_INTERRUPTED, if it did not get the lock, and POLYSHM_E_BUSY if the
 * last holder died with it: then polyshm_list_lock() has to be called, and what
 * the dead one left has to be put in order. A thread that holds the lock
 * through this handle keeps it. */
polyshm_status polyshm_function_guard(
    polyshm_function *native, polyshm_list *list, int64_t timeout);

/* Call it. It takes
 *
 *   an integer   POLYSHM_INT or _UINT, which must fit (POLYSHM_E_RANGE)
 *   a float      POLYSHM_FLOAT, or an integer that is exactly one. What is no
 *                f32 is rounded to one; POLYSHM_E_RANGE if only infinity is
 *                near
 *   ptr          POLYSHM_POINTER, or POLYSHM_NONE
 *   str          POLYSHM_STRING, _BYTES or _TEXT, with a zero byte behind its
 *                last and none before (POLYSHM_E_INVALID)
 *   buf, [T]     POLYSHM_VIEW. The block is pinned during the call; if it is
 *                closed, that is POLYSHM_E_CLOSED. Also POLYSHM_E_RANGE: the
 *                block ends before the view; _TYPE: its elements are others;
 *                _INVALID: they are not aligned; _ACCESS: it is read-only and
 *                the parameter is not const. A const buf, [i8] or [u8] takes
 *                POLYSHM_STRING, _BYTES and _TEXT, too
 *   fn           POLYSHM_CALLBACK: of.p is a polyshm_callback of that
 *                signature, or NULL to have `fn` called, with `userdata`; or
 *                POLYSHM_POINTER to a function
 *
 * and else the answer is POLYSHM_E_TYPE, and nothing has been called. `fn` may
 * be NULL if it is not needed. It is called on this thread only, and not any
 * more when this returns: at any other time native code gets zero. If native
 * code calls it from inside another native call, that is POLYSHM_E_UNSUPPORTED.
 *
 * *out_value, which may be NULL, is the result: POLYSHM_NONE of void and for a
 * NULL ptr or str, POLYSHM_INT of i8 to i64, _UINT of u8 to u64, _FLOAT,
 * _POINTER, or _STRING, which is the function's own. */
polyshm_status polyshm_function_call(
    const polyshm_function *native, const polyshm_value *values,
    uint64_t nvalues, polyshm_callback_fn fn, void *userdata,
    polyshm_value *out_value);

/* The userdata of the innermost native call that this thread is in and that was
 * given this fn: for a polyshm_callback, which has a userdata of its own.
 * POLYSHM_E_NOT_FOUND if there is none. */
polyshm_status polyshm_function_userdata(
    polyshm_callback_fn fn, void **out_userdata);

/* errno as this thread's last native call left it; it was 0 before. */
int32_t polyshm_function_errno(void);

/* An address that native code can call again and again: `signature` reads like
 * "i32(*i64, *i64)", with what fn takes. It calls `fn` if its thread is in a
 * polyshm_function_call(), and else gets zero. What is freed inside a native
 * call, which may still use it, gets zero from then on, and goes when that call
 * ends; then `free_userdata`, unless NULL, is called. POLYSHM_E_UNSUPPORTED
 * where POLYSHM_FEATURE_CALLBACKS is missing. */
polyshm_status polyshm_callback_open(
    const char *signature, polyshm_callback_fn fn, void *userdata,
    polyshm_free_fn free_userdata, polyshm_callback **out_callback);

/* For native code, as a ptr or in memory. Whoever calls it once the callback
 * was freed may crash. */
polyshm_status polyshm_callback_address(
    const polyshm_callback *callback, void **out_address);

/* In a native call, from a callback, it goes when that ends. */
void polyshm_callback_free(polyshm_callback *callback);

#ifdef __cplusplus
}
#endif

#endif /* POLYSHM_H */
