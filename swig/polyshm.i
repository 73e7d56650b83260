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
%ignore polyshm_manager_options;
%ignore polyshm_server_options;
%ignore polyshm_event_info;
%ignore polyshm_view;
%ignore polyshm_view_on;
%ignore polyshm_callback_fn;
%ignore polyshm_free_fn;

POLYSHM_BLOCK(polyshm_block)
POLYSHM_LIST(polyshm_list)
POLYSHM_MANAGER(polyshm_manager)
#if defined(SWIGPYTHON)
POLYSHM_SERVER(polyshm_server)
#endif

typedef struct polyshm_block {} polyshm_block;
typedef struct polyshm_list {} polyshm_list;
typedef struct polyshm_manager {} polyshm_manager;
#if defined(SWIGPYTHON)
typedef struct polyshm_server {} polyshm_server;
#endif

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

%extend polyshm_manager {
  ~polyshm_manager() {
    polyshm_manager_free($self);
  }
  polyshm_status track(const char *name);
  polyshm_status release(const char *name);
  polyshm_status shutdown();
  polyshm_status close();
}

#if defined(SWIGPYTHON)
%extend polyshm_server {
  ~polyshm_server() {
    polyshm_server_free($self);
  }
}

POLYSHM_LIST_READY(polyshm_list)
#endif

/* Constants and functions as the header has them, less their prefix. Of blocks
 * and lists only the making: the rest is methods and each language's own, and so
 * is what looks at blocks from outside. */
%rename("%(strip:[POLYSHM_])s", regextarget=1) "^POLYSHM_";
%rename("%(strip:[polyshm_])s", regextarget=1, %$isfunction) "^polyshm_";
%rename("$ignore", regextarget=1, %$isfunction, %$not %$ismember)
    "^polyshm_((block|list)_(?!(open|create)$)|manager_(?!path$)|server_|"
    "function_|callback_|scan_|inspect$|holders$)";
#if defined(SWIGPYTHON)
/* Python's classes have constructors instead. */
%rename("$ignore", regextarget=1, %$isfunction, %$not %$ismember)
    "^polyshm_(block|list)_";
#endif
%include "polyshm.h"
