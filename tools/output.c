/* SPDX-License-Identifier: MIT */
#include "output.h"

#include "command.h"
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool is_coloured, is_reported;

/* A block must not get a number that is meant for standard output, or what is
 * printed lands in it. What stands in cannot be written to, so that closed
 * output still is an error. */
static void fill_standard(void) {
  for (int fd = 0; fd <= 2; fd++)
    if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
      open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY);
}

static bool wants_colours(void) {
  const char *refusal = getenv("NO_COLOR"), *terminal = getenv("TERM");
  return output_is_terminal() && (refusal == NULL || refusal[0] == '\0') &&
         terminal != NULL && strcmp(terminal, "dumb") != 0;
}

void output_begin(void) {
  fill_standard();
  signal(SIGPIPE, SIG_IGN); /* a broken pipe is an error like others */
  setlocale(LC_CTYPE, "");
  is_coloured = wants_colours();
}

static void report(void) {
  if (!is_reported)
    output_error("cannot write to standard output: %s", strerror(errno));
  is_reported = true;
}

bool output_flush(void) {
  if (fflush(stdout) == 0 && !ferror(stdout))
    return true;
  report();
  return false;
}

bool output_is_broken(void) {
  return ferror(stdout) && (report(), true);
}

int output_end(int code) {
  if (!output_flush())
    return CODE_FAILURE;
  /* Some file systems tell only now that a write has failed. */
  if (close(STDOUT_FILENO) != 0 && errno != EINTR) {
    report();
    return CODE_FAILURE;
  }
  return code;
}

bool output_is_terminal(void) {
  return isatty(STDOUT_FILENO) == 1;
}

const char *output_on(output_style style) {
  static const char *const codes[] = {
      [OUTPUT_PLAIN] = "",         [OUTPUT_HEADING] = "\033[1m",
      [OUTPUT_GOOD] = "\033[32m",  [OUTPUT_CARE] = "\033[33m",
      [OUTPUT_BAD] = "\033[31;1m", [OUTPUT_CHANGED] = "\033[7m"};
  return is_coloured ? codes[style] : "";
}

const char *output_off(output_style style) {
  return is_coloured && style != OUTPUT_PLAIN ? "\033[0m" : "";
}

void output_error(const char *format, ...) {
  char *words = NULL;
  va_list list;
  va_start(list, format);
  int size = vasprintf(&words, format, list);
  va_end(list);
  fflush(stdout); /* in the order in which it was said */
  fputs("polyshm: ", stderr);
  if (size >= 0)
    text_put(stderr, words, (size_t)size, TEXT_MESSAGE);
  fputc('\n', stderr);
  free(words);
}

void output_no_memory(void) {
  output_error("there is not enough memory");
  _exit(CODE_FAILURE);
}

void *output_memory(void *memory, size_t size) {
  void *larger = realloc(memory, size > 0 ? size : 1);
  if (larger == NULL)
    output_no_memory();
  return larger;
}
