/* SPDX-License-Identifier: MIT */
#include "table.h"

#include "text.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_COLUMNS = 16, GAP = 2 };

struct table {
  int ncolumns;
  bool is_right[MOST_COLUMNS];
  int widths[MOST_COLUMNS];
  char **cells; /* the headings are the first row */
  output_style *styles;
  size_t nrows, capacity;
};

static void add(table *rows, output_style style, char **cells) {
  size_t width = (size_t)rows->ncolumns;
  if (rows->nrows == rows->capacity) {
    rows->capacity = rows->capacity == 0 ? 64 : 2 * rows->capacity;
    rows->cells = output_memory(
        rows->cells, rows->capacity * width * sizeof *rows->cells);
    rows->styles =
        output_memory(rows->styles, rows->capacity * sizeof *rows->styles);
  }
  for (size_t i = 0; i < width; i++) {
    int columns = text_width(cells[i]);
    if (columns > rows->widths[i])
      rows->widths[i] = columns;
  }
  memcpy(rows->cells + rows->nrows * width, cells, width * sizeof *cells);
  rows->styles[rows->nrows++] = style;
}

table *table_begin(const char *const *headings, int ncolumns) {
  table *rows = output_memory(NULL, sizeof *rows);
  *rows = (table){.ncolumns = ncolumns};
  char *cells[MOST_COLUMNS];
  for (int i = 0; i < ncolumns; i++) {
    rows->is_right[i] = headings[i][0] == '>';
    cells[i] = text_format("%s", headings[i] + rows->is_right[i]);
  }
  add(rows, OUTPUT_HEADING, cells);
  return rows;
}

void table_row(table *rows, output_style style, char **cells) {
  add(rows, style, cells);
}

static void put_row(const table *rows, size_t number) {
  char **cells = rows->cells + number * (size_t)rows->ncolumns;
  int last = rows->ncolumns - 1;
  while (last > 0 && cells[last][0] == '\0')
    last--; /* no blanks at the end */
  fputs(output_on(rows->styles[number]), stdout);
  for (int i = 0; i <= last; i++) {
    int blanks = rows->widths[i] - text_width(cells[i]);
    if (rows->is_right[i])
      printf("%*s%s", blanks, "", cells[i]);
    else
      printf("%s%*s", cells[i], i < last ? blanks : 0, "");
    if (i < last)
      printf("%*s", GAP, "");
  }
  fputs(output_off(rows->styles[number]), stdout);
  fputc('\n', stdout);
}

void table_end(table *rows) {
  for (size_t i = 0; i < rows->nrows && !output_is_broken(); i++)
    put_row(rows, i);
  for (size_t i = 0; i < rows->nrows * (size_t)rows->ncolumns; i++)
    free(rows->cells[i]);
  free(rows->cells);
  free(rows->styles);
  free(rows);
}
