;; Count, sum and mean of one column. The smallest useful module: start here.
;;
;; Input: one table; parameters: the number of the column, 4 bytes, little-endian. Missing values are left out.
;; Output: one row with `count` (Int64), `sum` and `mean` (Float64; NaN without values).
;; Refuses with code 1: parameters are not 4 bytes; 2: the column is not of numbers.
(module
  (import "yu" "table_rows" (func $table_rows (param i32) (result i64)))
  (import "yu" "column_kind" (func $column_kind (param i32 i32) (result i32)))
  (import "yu" "column_f64" (func $column_f64 (param i32 i32 i64 i32 i32) (result i32)))
  (import "yu" "params_read" (func $params_read (param i32 i32 i32) (result i32)))
  (import "yu" "output_f64" (func $output_f64 (param i32 i32 i32 i32)))
  (import "yu" "output_i64" (func $output_i64 (param i32 i32 i32 i32)))

  (memory (export "memory") 1 1)
  (data (i32.const 0) "count")
  (data (i32.const 8) "sum")
  (data (i32.const 16) "mean")
  (global $parameter i32 (i32.const 32))
  (global $result i32 (i32.const 48))
  ;; 4096 values at once
  (global $values i32 (i32.const 1024))
  (global $chunk i32 (i32.const 4096))

  (func (export "yu_run") (param $tables i32) (result i32)
    (local $column i32) (local $row i64) (local $got i32) (local $at i32) (local $end i32)
    (local $count i64) (local $sum f64) (local $x f64)
    ;; one byte more than wanted shows a parameter that is too long
    (if (i32.ne (call $params_read (i32.const 0) (global.get $parameter) (i32.const 5)) (i32.const 4))
      (then (return (i32.const 1))))
    (local.set $column (i32.load (global.get $parameter)))
    (if (i32.eqz (call $column_kind (i32.const 0) (local.get $column)))
      (then (return (i32.const 2))))
    (block $done
      (loop $more
        (local.set $got (call $column_f64 (i32.const 0) (local.get $column) (local.get $row) (global.get $values) (global.get $chunk)))
        (br_if $done (i32.eqz (local.get $got)))
        (local.set $row (i64.add (local.get $row) (i64.extend_i32_u (local.get $got))))
        (local.set $at (global.get $values))
        (local.set $end (i32.add (local.get $at) (i32.shl (local.get $got) (i32.const 3))))
        (loop $next
          (local.set $x (f64.load (local.get $at)))
          ;; only NaN differs from itself
          (if (f64.eq (local.get $x) (local.get $x))
            (then
              (local.set $count (i64.add (local.get $count) (i64.const 1)))
              (local.set $sum (f64.add (local.get $sum) (local.get $x)))))
          (br_if $next (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 8))) (local.get $end))))
        (br $more)))
    (i64.store (global.get $result) (local.get $count))
    (call $output_i64 (i32.const 0) (i32.const 5) (global.get $result) (i32.const 1))
    (f64.store (global.get $result) (local.get $sum))
    (call $output_f64 (i32.const 8) (i32.const 3) (global.get $result) (i32.const 1))
    (f64.store (global.get $result) (f64.div (local.get $sum) (f64.convert_i64_u (local.get $count))))
    (call $output_f64 (i32.const 16) (i32.const 4) (global.get $result) (i32.const 1))
    (i32.const 0)))
