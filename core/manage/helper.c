/* SPDX-License-Identifier: MIT */
/*
 * The helper of a process tree, started by the library with a listening socket
 * as descriptor 3 and the tree's folder as 4. It lives as long as the tree and
 * then removes what the tree held and nobody has any more.
 */
#include "polyshm.h"

#include "hold/tree.h"
#include "os/os.h"

#include <stdio.h>

enum {
  LISTENER = 3,
  FOLDER = 4,
  FIRST_PAUSE = 1000000, /* nanoseconds; they double up to the longest */
  LONGEST_PAUSE = 256000000
};

int main(int argc, char **argv) {
  if (argc != 2 || !os_tree_is_token(argv[1]) || !os_folder_is(FOLDER)) {
    fprintf(
        stderr,
        "polyshm-helper: started by libpolyshm when a program makes its "
        "first tracked block, not by hand\n");
    return 2;
  }
  os_tree_serve(argv[1], LISTENER, FOLDER);
  /* A process that dies gives up its connection before its mappings and its
   * copy of the folder: what somebody still has may be nobody's in a moment. */
  uint64_t count, left = 0;
  for (int64_t pause = FIRST_PAUSE; pause <= LONGEST_PAUSE; pause *= 2) {
    if (pshm_tree_sweep(false, &count, &left) != POLYSHM_OK || left == 0)
      break;
    os_clock_sleep(pause);
  }
  return 0;
}
