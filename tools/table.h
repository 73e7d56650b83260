/* SPDX-License-Identifier: MIT */
/* Rows of columns that are as wide as what is in them. */
#ifndef TABLE_H
#define TABLE_H

#include "output.h"

typedef struct table table;

/* Columns whose heading begins with '>' are aligned to the right. */
table *table_begin(const char *const *headings, int ncolumns);

/* The cells, each for free(), become the table's. */
void table_row(table *rows, output_style style, char **cells);

/* Print it, and give it back. */
void table_end(table *rows);

#endif
