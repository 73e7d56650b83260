/* SPDX-License-Identifier: MIT */
/* Where an authkey comes from: never from the command line, which everybody can
 * read. */
#ifndef KEY_H
#define KEY_H

#include <stddef.h>

enum { KEY_MOST = 4096 };

typedef struct key {
  size_t size;
  unsigned char bytes[KEY_MOST];
} key;

/* From a file, which nobody else may read, without one newline at its end, or
 * with NULL from the environment, from which it is removed. The exit code; what
 * is wrong was told. */
int key_read(const char *path, key *out_key);

void key_forget(key *self);

#endif
