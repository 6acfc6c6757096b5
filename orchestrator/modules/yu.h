/* The interface of Yu for modules in C; docs/wasm.md says what each function does. Build with build.sh. */
#ifndef YU_H
#define YU_H

typedef unsigned char yu_u8;
typedef unsigned int yu_u32;
typedef long long yu_i64;
typedef unsigned long long yu_u64;

_Static_assert(sizeof(yu_u32) == 4 && sizeof(yu_i64) == 8 && sizeof(void *) == 4, "compile for wasm32");

#define YU(name) __attribute__((import_module("yu"), import_name(#name)))
/* the one function that a module gives: 0, or the code of its refusal, 1 to 255 */
#define YU_RUN __attribute__((export_name("yu_run")))

YU(table_rows) yu_u64 yu_table_rows(yu_u32 table);
YU(table_columns) yu_u32 yu_table_columns(yu_u32 table);
/* 0: in the Arrow stream only, 1: doubles, 2: integers */
YU(column_kind) yu_u32 yu_column_kind(yu_u32 table, yu_u32 column);
YU(column_name) yu_u32 yu_column_name(yu_u32 table, yu_u32 column, char *to, yu_u32 room);
YU(column_f64) yu_u32 yu_column_f64(yu_u32 table, yu_u32 column, yu_u64 row, double *to, yu_u32 rows);
YU(column_i64) yu_u32 yu_column_i64(yu_u32 table, yu_u32 column, yu_u64 row, yu_i64 *to, yu_u32 rows);
YU(column_valid) yu_u32 yu_column_valid(yu_u32 table, yu_u32 column, yu_u64 row, yu_u8 *to, yu_u32 rows);
YU(input_len) yu_u64 yu_input_len(yu_u32 table);
YU(input_read) yu_u32 yu_input_read(yu_u32 table, yu_u64 offset, void *to, yu_u32 room);
YU(params_len) yu_u32 yu_params_len(void);
YU(params_read) yu_u32 yu_params_read(yu_u32 offset, void *to, yu_u32 room);
YU(output_f64) void yu_output_f64(const char *name, yu_u32 name_len, const double *values, yu_u32 rows);
YU(output_i64) void yu_output_i64(const char *name, yu_u32 name_len, const yu_i64 *values, yu_u32 rows);
/* `lengths`: one for each row, and the texts behind the last of them */
YU(output_utf8) void yu_output_utf8(const char *name, yu_u32 name_len, const yu_u32 *lengths, yu_u32 rows);
YU(output_write) void yu_output_write(const void *bytes, yu_u32 len);
YU(fail) _Noreturn void yu_fail(yu_u32 code);

#endif
