/* SPDX-License-Identifier: MIT */
#include "screen.h"

#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static bool is_drawn;

bool screen_is_possible(void) {
  const char *terminal = getenv("TERM");
  return output_is_terminal() && terminal != NULL &&
         strcmp(terminal, "dumb") != 0;
}

static struct winsize ask_size(void) {
  struct winsize size = {0};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0 ||
      size.ws_col == 0)
    size = (struct winsize){.ws_row = 24, .ws_col = 80};
  return size;
}

uint64_t screen_lines(void) {
  return ask_size().ws_row;
}

void screen_begin(void) {
  fputs(is_drawn ? "\033[H" : "\033[2J\033[H", stdout);
  is_drawn = true;
}

void screen_line(output_style style, char *text) {
  size_t size = text_fit(text, ask_size().ws_col);
  printf(
      "%s%.*s%s\033[K\n", output_on(style), (int)size, text, output_off(style));
  free(text);
}

void screen_end(void) {
  fputs("\033[J", stdout);
}
