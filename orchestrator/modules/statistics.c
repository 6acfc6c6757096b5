/*
 * The question of statistics.wat in C, for authors who compare the two: the same input, output and refusals.
 *
 * Another way to the answer: one pass with running means (Welford 1962; for products Bennett et al. 2009, section III), where
 * the other module takes two passes. Values count from the first row's, so that large means cost no digits here either; both
 * agree to a few units in the last digits.
 */
#include "yu.h"

enum { VARIABLES = 256, CHUNK = 512, NAME = 126 };
enum { NO_COLUMNS = 1, MISSING = 2, ROWS_DIFFER = 3, FEW_ROWS = 4 };

static struct {
  yu_u32 table, column;
} variable[VARIABLES];
static yu_u32 variables;

static double values[VARIABLES][CHUNK];
static double sums[VARIABLES], first[VARIABLES], means[VARIABLES], before[VARIABLES], results[VARIABLES];
/* sums of products of differences from the mean; later correlations */
static double products[VARIABLES][VARIABLES];
static yu_i64 counts[VARIABLES];
/* lengths first, then names, as output_utf8 wants them */
static struct {
  yu_u32 words[VARIABLES + VARIABLES * NAME / 4 + 1];
} names;
static char correlation[2 + NAME] = {'r', '.'};

static yu_u32 name_of(yu_u32 v, char *to) { return yu_column_name(variable[v].table, variable[v].column, to, NAME); }

static void find(yu_u32 tables) {
  yu_u64 rows = tables ? yu_table_rows(0) : 0;
  for (yu_u32 t = 0; t < tables; t++) {
    if (yu_table_rows(t) != rows) yu_fail(ROWS_DIFFER);
    for (yu_u32 c = 0; c < yu_table_columns(t); c++) {
      if (!yu_column_kind(t, c)) continue;
      if (variables == VARIABLES) yu_fail(NO_COLUMNS);
      variable[variables].table = t;
      variable[variables].column = c;
      variables++;
    }
  }
  if (!variables) yu_fail(NO_COLUMNS);
  if (rows < 2) yu_fail(FEW_ROWS);
}

/* One row more: `count` with it. */
static void add(yu_u32 at, double count) {
  for (yu_u32 v = 0; v < variables; v++) {
    double x = values[v][at];
    if (x - x != 0) yu_fail(MISSING);
    if (count == 1) first[v] = x;
    sums[v] += x;
    values[v][at] = x -= first[v];
    before[v] = x - means[v];
    means[v] += before[v] / count;
  }
  for (yu_u32 a = 0; a < variables; a++)
    for (yu_u32 b = a; b < variables; b++) products[a][b] += before[a] * (values[b][at] - means[b]);
}

static void write_names(void) {
  char *at = (char *)&names.words[variables];
  for (yu_u32 v = 0; v < variables; v++) {
    yu_u32 len = name_of(v, at);
    if (len > NAME) yu_fail(NO_COLUMNS);
    names.words[v] = len;
    at += len;
  }
  yu_output_utf8("column", 6, names.words, variables);
}

static void write_correlations(void) {
  for (yu_u32 a = 0; a < variables; a++)
    for (yu_u32 b = a; b < variables; b++) {
      double r = products[a][b] / (results[a] * results[b]);
      if (r > 1 || (a == b && results[a] > 0)) r = 1;
      if (r < -1) r = -1;
      products[a][b] = products[b][a] = r;
    }
  for (yu_u32 a = 0; a < variables; a++) yu_output_f64(correlation, 2 + name_of(a, correlation + 2), products[a], variables);
}

YU_RUN yu_u32 run(yu_u32 tables) {
  find(tables);
  yu_u64 rows = yu_table_rows(0);
  for (yu_u64 row = 0; row < rows; row += CHUNK) {
    yu_u32 got = 0;
    for (yu_u32 v = 0; v < variables; v++) got = yu_column_f64(variable[v].table, variable[v].column, row, values[v], CHUNK);
    for (yu_u32 at = 0; at < got; at++) add(at, (double)(row + at + 1));
  }
  write_names();
  for (yu_u32 v = 0; v < variables; v++) counts[v] = (yu_i64)rows;
  yu_output_i64("count", 5, counts, variables);
  yu_output_f64("sum", 3, sums, variables);
  for (yu_u32 v = 0; v < variables; v++) means[v] += first[v];
  yu_output_f64("mean", 4, means, variables);
  for (yu_u32 v = 0; v < variables; v++) results[v] = products[v][v] / (double)(rows - 1);
  yu_output_f64("variance", 8, results, variables);
  for (yu_u32 v = 0; v < variables; v++) results[v] = __builtin_sqrt(products[v][v]);
  write_correlations();
  return 0;
}
