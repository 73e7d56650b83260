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

enum { LISTENER = 3, FOLDER = 4, SWEEPS = 3, PAUSE = 2000000 };

int main(int argc, char **argv) {
  if (argc != 2 || !os_tree_is_token(argv[1]) || !os_folder_is(FOLDER)) {
    fprintf(
        stderr,
        "polyshm-helper: started by libpolyshm when a program makes its "
        "first tracked block, not by hand\n");
    return 2;
  }
  os_tree_serve(argv[1], LISTENER, FOLDER);
  /* What is in use for a moment, because somebody else is testing it, is not in
   * the next. */
  uint64_t count;
  for (int i = 0; i < SWEEPS; i++) {
    pshm_tree_sweep(false, &count);
    os_clock_sleep(PAUSE);
  }
  return 0;
}
