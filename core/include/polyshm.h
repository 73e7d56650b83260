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
 * Sizes, offsets and capacities are bytes.
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
  POLYSHM_E_INVALID = -1,   /* an argument no caller should pass */
  POLYSHM_E_MEMORY = -2,    /* this process is out of memory */
  POLYSHM_E_OS = -3,        /* see polyshm_error_os() */
  POLYSHM_E_NOT_FOUND = -4, /* no block has that name */
  POLYSHM_E_EXISTS = -5,    /* a block already has that name */
  POLYSHM_E_ACCESS = -6,    /* the system forbids it, or it is read-only */
  POLYSHM_E_CLOSED = -7,    /* the handle was closed */
  POLYSHM_E_BUSY = -8,      /* pins are held; unpin them first */
  POLYSHM_E_TIMEOUT = -9,
  POLYSHM_E_RANGE = -10,       /* index or offset outside the block */
  POLYSHM_E_TYPE = -11,        /* the slot holds a value of another type */
  POLYSHM_E_SPACE = -12,       /* the value, your buffer or the block does not
                                  fit; for a block, polyshm_error_os() is set */
  POLYSHM_E_CORRUPT = -13,     /* the shared bytes break the format */
  POLYSHM_E_VERSION = -14,     /* written by an incompatible library */
  POLYSHM_E_PROTOCOL = -15,    /* the manager and we disagree */
  POLYSHM_E_UNSUPPORTED = -16, /* not on this system, or not in this build */
  POLYSHM_E_END = -17          /* a scan has no more entries */
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
  POLYSHM_TEXT = 9
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
  POLYSHM_SPARSE = 1 << 4     /* do not reserve the memory now */
};

typedef struct polyshm_block_options {
  uint64_t struct_size;
  uint32_t mode; /* POSIX permissions of a new block, less the process's umask;
                    0 means 0600 */
  uint32_t reserved; /* 0 */
} polyshm_block_options;

/* Open the block called `name`, or with POLYSHM_CREATE make one of `size`
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
 * the handle but _name, _size, _flags and _free answers POLYSHM_E_CLOSED.
 * Closing twice is fine. */
polyshm_status polyshm_block_close(polyshm_block *block);

/* Drop the handle. If pins are left, the mapping stays until the last unpin:
 * a garbage collector may free in any order. */
void polyshm_block_free(polyshm_block *block);

/* Without leading slash. NULL for a NULL handle. */
const char *polyshm_block_name(const polyshm_block *block);

uint64_t polyshm_block_size(const polyshm_block *block);

/* POLYSHM_READ_ONLY if it is mapped so; POLYSHM_CREATE if this very handle
 * made the block. */
uint32_t polyshm_block_flags(const polyshm_block *block);

/* Hold the mapping in place and learn its address. The address is valid until
 * the matching unpin, whatever happens to the handle. Writing through a
 * read-only block's address faults. */
polyshm_status polyshm_block_pin(
    polyshm_block *block, void **out_address, uint64_t *out_size);
void polyshm_block_unpin(polyshm_block *block);

/* Bounds-checked copies, for languages that would rather not hold addresses.
 * They are not atomic. */
polyshm_status polyshm_block_read(
    const polyshm_block *block, uint64_t offset, void *buffer,
    uint64_t capacity);
polyshm_status polyshm_block_write(
    polyshm_block *block, uint64_t offset, const void *bytes, uint64_t nbytes);

/* Remove the name. Processes that have the block open keep it. */
polyshm_status polyshm_unlink(const char *name);

/* ------------------------------------------------------------------ lists */

/* A list is a fixed number of slots in a block, laid out as CPython's
 * multiprocessing.shared_memory.ShareableList (3.9 and later) lays them out. A
 * slot's capacity is set when the list is made; any value that fits may be
 * stored in it, of any type.
 *
 * Storing an int, float, bool or None over one of the same type is one atomic
 * store, and what was written before it is seen by whoever reads it. Changing a
 * slot's type, or writing strings, is not atomic: who reads that slot meanwhile
 * may get a mixture, or POLYSHM_E_CORRUPT. */
typedef struct polyshm_list polyshm_list;

typedef struct polyshm_list_options {
  uint64_t struct_size;
  uint64_t slot_capacity; /* least bytes reserved per slot; 0 fits the values */
  uint32_t mode;          /* as in polyshm_block_options */
  uint32_t reserved;      /* 0 */
} polyshm_list_options;

/* Make a list of these values. A NULL name picks a fresh one. A name that is
 * taken is POLYSHM_E_EXISTS, unless `flags` is POLYSHM_CREATE without
 * POLYSHM_EXCLUSIVE: then the list that is there is opened and the values are
 * ignored. The list appears under its name complete or not at all. */
polyshm_status polyshm_list_create(
    const char *name, const polyshm_value *values, uint64_t nvalues,
    uint32_t flags, const polyshm_list_options *options,
    polyshm_list **out_list);

/* Open an existing list; `flags` is 0 or POLYSHM_READ_ONLY. Its frame is
 * checked now, each slot when it is used, so that opening costs the same for
 * ten slots and for a million. POLYSHM_E_VERSION for the layout of CPython 3.8,
 * POLYSHM_E_CORRUPT for what is no list. */
polyshm_status polyshm_list_open(
    const char *name, uint32_t flags, polyshm_list **out_list);

/* As for blocks. */
polyshm_status polyshm_list_close(polyshm_list *list);
void polyshm_list_free(polyshm_list *list);

/* The block beneath, for its name, size and pins. Borrowed; closing it closes
 * the list. NULL for a NULL handle. */
polyshm_block *polyshm_list_block(const polyshm_list *list);

uint64_t polyshm_list_length(const polyshm_list *list);

/* Bytes a buffer needs so that _get can never answer POLYSHM_E_SPACE. */
polyshm_status polyshm_list_capacity(
    const polyshm_list *list, uint64_t index, uint64_t *out_capacity);

/* Copy a slot out. Strings and bytes land in `buffer`, where out_value->of.p
 * will point; numbers need no buffer. As with stock Python, zero bytes at the
 * end of a string are not kept by the format. Strings that stock Python cut in
 * the middle of a character come as they are: check them if it matters. */
polyshm_status polyshm_list_get(
    const polyshm_list *list, uint64_t index, void *buffer, uint64_t capacity,
    polyshm_value *out_value);

/* POLYSHM_E_SPACE if the value is longer than the slot, POLYSHM_E_INVALID if a
 * string is not UTF-8, POLYSHM_E_ACCESS if the list is read-only; the slot
 * keeps its old value then. */
polyshm_status polyshm_list_set(
    polyshm_list *list, uint64_t index, const polyshm_value *value);

/* Find the first slot at or after `start` that equals `value`, numbers
 * comparing by value across int, float and bool, as in Python;
 * POLYSHM_E_NOT_FOUND if none. */
polyshm_status polyshm_list_find(
    const polyshm_list *list, uint64_t start, const polyshm_value *value,
    uint64_t *out_index);

#ifdef __cplusplus
}
#endif

#endif /* POLYSHM_H */
