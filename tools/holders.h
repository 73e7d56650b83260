/* SPDX-License-Identifier: MIT */
/*
 * Which processes have which blocks open or mapped: one pass over /proc for
 * any number of blocks. Processes of others cannot be looked into, and are
 * missing.
 */
#ifndef HOLDERS_H
#define HOLDERS_H

#include "node.h"

#include <stddef.h>
#include <stdint.h>

typedef struct holders holders;

holders *holders_begin(void);

/* Blocks are known by the order in which they were added, from 0. */
void holders_add(holders *all, const char *name);
void holders_look(holders *all);
void holders_end(holders *all);

/* "1234 python3, 99 lua"; "" if there are none. */
char *holders_text(const holders *all, size_t block);

/* An array of {"pid", "command"}. */
json_object *holders_json(const holders *all, size_t block);

/* A number that another block of that name does not have; 0: it is gone. */
uint64_t holders_identity(const char *name);

#endif
