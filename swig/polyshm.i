/* SPDX-License-Identifier: MIT */
/*
 * One interface for every language: the language's own file first, then the
 * classes, then the header.
 *
 * The language file brings the typemaps, which bind to the header's types and
 * parameter names and never to single functions, and POLYSHM_BLOCK and
 * POLYSHM_LIST, which put the hot paths straight into the language's slots or
 * metatables. A method without a body is the header's function of that name.
 */
%module(package="polyshm") core

%{
#include <polyshm.h>
%}
%include <stdint.i>

#if defined(SWIGPYTHON)
%include "python.i"
#elif defined(SWIGLUA)
%include "lua.i"
#endif

%nodefaultctor;
%nodefaultdtor;
%ignore polyshm_value;
%ignore polyshm_value_of;
%ignore polyshm_block_options;
%ignore polyshm_list_options;
%ignore polyshm_info;

POLYSHM_BLOCK(polyshm_block)
POLYSHM_LIST(polyshm_list)

typedef struct polyshm_block {} polyshm_block;
typedef struct polyshm_list {} polyshm_list;

%extend polyshm_block {
  ~polyshm_block() {
    polyshm_block_free($self);
  }
  polyshm_status close();
}

%extend polyshm_list {
  ~polyshm_list() {
    polyshm_list_free($self);
  }
  polyshm_status close();
  polyshm_status capacity(uint64_t index, uint64_t *out_capacity);
}

#if defined(SWIGPYTHON)
POLYSHM_LIST_READY(polyshm_list)
#endif

/* Constants and functions as the header has them, less their prefix. Of blocks
 * and lists only the making: the rest is methods and each language's own, and so
 * is what looks at blocks from outside. */
%rename("%(strip:[POLYSHM_])s", regextarget=1) "^POLYSHM_";
%rename("%(strip:[polyshm_])s", regextarget=1, %$isfunction) "^polyshm_";
%rename("$ignore", regextarget=1, %$isfunction, %$not %$ismember)
    "^polyshm_((block|list)_(?!(open|create)$)|scan_|inspect$|holders$)";
/* Managers have no face yet. */
%rename("$ignore", regextarget=1) "^polyshm_(manager|server|event)(_|$)";
#if defined(SWIGPYTHON)
/* Python's classes have constructors instead. */
%rename("$ignore", regextarget=1, %$isfunction, %$not %$ismember)
    "^polyshm_(block|list)_";
#endif
%include "polyshm.h"
