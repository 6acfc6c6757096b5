;; The joint statistics question: count, sum, mean and sample variance of every column of numbers, and Pearson's correlations.
;;
;; Input: tables whose rows belong together (joined already), or one table. Columns that are not of numbers are left out.
;; Output: one row for each column, in the order of tables and columns:
;;   `column` (Utf8), `count` (Int64), `sum`, `mean`, `variance` (Float64, divided by count - 1), and for each column one more,
;;   `r.NAME` (Float64): the correlation with NAME, NaN where a variance is 0.
;; Refuses with code
;;   1: no column of numbers, or more than 256, or a name above 126 bytes
;;   2: a value is missing or not finite
;;   3: tables differ in their number of rows
;;   4: fewer than 2 rows
;; Two passes over chunks of 512 rows: the mean first, then products of differences from it, so that large means cost no digits.
(module
  (import "yu" "table_rows" (func $table_rows (param i32) (result i64)))
  (import "yu" "table_columns" (func $table_columns (param i32) (result i32)))
  (import "yu" "column_kind" (func $column_kind (param i32 i32) (result i32)))
  (import "yu" "column_name" (func $column_name (param i32 i32 i32 i32) (result i32)))
  (import "yu" "column_f64" (func $column_f64 (param i32 i32 i64 i32 i32) (result i32)))
  (import "yu" "output_f64" (func $output_f64 (param i32 i32 i32 i32)))
  (import "yu" "output_i64" (func $output_i64 (param i32 i32 i32 i32)))
  (import "yu" "output_utf8" (func $output_utf8 (param i32 i32 i32 i32)))

  (memory (export "memory") 25 25)
  (data (i32.const 0) "column")
  (data (i32.const 8) "count")
  (data (i32.const 16) "sum")
  (data (i32.const 24) "mean")
  (data (i32.const 32) "variance")
  ;; the name of a correlation is made behind this: 126 bytes
  (data (i32.const 64) "r.")

  ;; arrays of 256: table and column of each variable, sums, means, roots of the sums of squares, one column of the result
  (global $table_of i32 (i32.const 1024))
  (global $column_of i32 (i32.const 2048))
  (global $sums i32 (i32.const 4096))
  (global $means i32 (i32.const 6144))
  (global $roots i32 (i32.const 8192))
  (global $result i32 (i32.const 10240))
  ;; lengths of names, then names
  (global $names i32 (i32.const 16384))
  ;; sums of products, 256 rows of 256; later correlations
  (global $products i32 (i32.const 65536))
  ;; a chunk: 256 columns of 512 values
  (global $values i32 (i32.const 589824))
  (global $chunk i64 (i64.const 512))

  (global $variables (mut i32) (i32.const 0))
  (global $rows (mut i64) (i64.const 0))

  ;; places
  (func $f64_of (param $array i32) (param $at i32) (result i32)
    (i32.add (local.get $array) (i32.shl (local.get $at) (i32.const 3))))
  (func $i32_of (param $array i32) (param $at i32) (result i32)
    (i32.add (local.get $array) (i32.shl (local.get $at) (i32.const 2))))
  (func $product_of (param $a i32) (param $b i32) (result i32)
    (call $f64_of (global.get $products) (i32.add (i32.shl (local.get $a) (i32.const 8)) (local.get $b))))
  (func $values_of (param $variable i32) (result i32)
    (i32.add (global.get $values) (i32.shl (local.get $variable) (i32.const 12))))

  ;; Finds the variables; 0 or the code of a refusal.
  (func $find (param $tables i32) (result i32)
    (local $table i32) (local $column i32)
    (block $all
      (loop $tables
        (br_if $all (i32.ge_u (local.get $table) (local.get $tables)))
        (if (i32.eqz (local.get $table))
          (then (global.set $rows (call $table_rows (i32.const 0)))))
        (if (i64.ne (call $table_rows (local.get $table)) (global.get $rows))
          (then (return (i32.const 3))))
        (local.set $column (i32.const 0))
        (block $table_done
          (loop $columns
            (br_if $table_done (i32.ge_u (local.get $column) (call $table_columns (local.get $table))))
            (if (call $column_kind (local.get $table) (local.get $column))
              (then
                (if (i32.eq (global.get $variables) (i32.const 256))
                  (then (return (i32.const 1))))
                (i32.store (call $i32_of (global.get $table_of) (global.get $variables)) (local.get $table))
                (i32.store (call $i32_of (global.get $column_of) (global.get $variables)) (local.get $column))
                (global.set $variables (i32.add (global.get $variables) (i32.const 1)))))
            (local.set $column (i32.add (local.get $column) (i32.const 1)))
            (br $columns)))
        (local.set $table (i32.add (local.get $table) (i32.const 1)))
        (br $tables)))
    (if (i32.eqz (global.get $variables))
      (then (return (i32.const 1))))
    (if (i64.lt_u (global.get $rows) (i64.const 2))
      (then (return (i32.const 4))))
    (i32.const 0))

  ;; Values of one variable from `row` on; answers the end of them in memory.
  (func $load (param $variable i32) (param $row i64) (result i32)
    (i32.add
      (call $values_of (local.get $variable))
      (i32.shl
        (call $column_f64
          (i32.load (call $i32_of (global.get $table_of) (local.get $variable)))
          (i32.load (call $i32_of (global.get $column_of) (local.get $variable)))
          (local.get $row)
          (call $values_of (local.get $variable))
          (i32.wrap_i64 (global.get $chunk)))
        (i32.const 3))))

  ;; Sums and means; 0, or 2 for a value that is missing or not finite.
  (func $first_pass (result i32)
    (local $variable i32) (local $row i64) (local $at i32) (local $end i32) (local $x f64) (local $sum f64)
    (loop $variables
      (local.set $row (i64.const 0))
      (loop $chunks
        (local.set $end (call $load (local.get $variable) (local.get $row)))
        (local.set $at (call $values_of (local.get $variable)))
        (local.set $sum (f64.const 0))
        (loop $next
          (local.set $x (f64.load (local.get $at)))
          ;; NaN for NaN and both infinities
          (if (f64.ne (f64.sub (local.get $x) (local.get $x)) (f64.const 0))
            (then (return (i32.const 2))))
          (local.set $sum (f64.add (local.get $sum) (local.get $x)))
          (br_if $next (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 8))) (local.get $end))))
        (f64.store (call $f64_of (global.get $sums) (local.get $variable))
          (f64.add (f64.load (call $f64_of (global.get $sums) (local.get $variable))) (local.get $sum)))
        (br_if $chunks (i64.lt_u (local.tee $row (i64.add (local.get $row) (global.get $chunk))) (global.get $rows))))
      (f64.store (call $f64_of (global.get $means) (local.get $variable))
        (f64.div (f64.load (call $f64_of (global.get $sums) (local.get $variable))) (f64.convert_i64_u (global.get $rows))))
      (br_if $variables (i32.lt_u (local.tee $variable (i32.add (local.get $variable) (i32.const 1))) (global.get $variables))))
    (i32.const 0))

  ;; Adds the products of a chunk, whose values are differences from the mean already, `length` bytes of each variable.
  (func $multiply (param $length i32)
    (local $a i32) (local $b i32) (local $at i32) (local $bt i32) (local $end i32) (local $sum f64)
    (loop $as
      (local.set $b (local.get $a))
      (loop $bs
        (local.set $at (call $values_of (local.get $a)))
        (local.set $bt (call $values_of (local.get $b)))
        (local.set $end (i32.add (local.get $at) (local.get $length)))
        (local.set $sum (f64.const 0))
        (loop $next
          (local.set $sum (f64.add (local.get $sum) (f64.mul (f64.load (local.get $at)) (f64.load (local.get $bt)))))
          (local.set $bt (i32.add (local.get $bt) (i32.const 8)))
          (br_if $next (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 8))) (local.get $end))))
        (f64.store (call $product_of (local.get $a) (local.get $b))
          (f64.add (f64.load (call $product_of (local.get $a) (local.get $b))) (local.get $sum)))
        (br_if $bs (i32.lt_u (local.tee $b (i32.add (local.get $b) (i32.const 1))) (global.get $variables))))
      (br_if $as (i32.lt_u (local.tee $a (i32.add (local.get $a) (i32.const 1))) (global.get $variables)))))

  (func $second_pass
    (local $variable i32) (local $row i64) (local $at i32) (local $end i32) (local $mean f64) (local $length i32)
    (loop $chunks
      (local.set $variable (i32.const 0))
      (loop $variables
        (local.set $end (call $load (local.get $variable) (local.get $row)))
        (local.set $at (call $values_of (local.get $variable)))
        (local.set $length (i32.sub (local.get $end) (local.get $at)))
        (local.set $mean (f64.load (call $f64_of (global.get $means) (local.get $variable))))
        (loop $next
          (f64.store (local.get $at) (f64.sub (f64.load (local.get $at)) (local.get $mean)))
          (br_if $next (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 8))) (local.get $end))))
        (br_if $variables (i32.lt_u (local.tee $variable (i32.add (local.get $variable) (i32.const 1))) (global.get $variables))))
      (call $multiply (local.get $length))
      (br_if $chunks (i64.lt_u (local.tee $row (i64.add (local.get $row) (global.get $chunk))) (global.get $rows)))))

  ;; Name of a variable to `at`; answers its length.
  (func $name (param $variable i32) (param $at i32) (result i32)
    (call $column_name
      (i32.load (call $i32_of (global.get $table_of) (local.get $variable)))
      (i32.load (call $i32_of (global.get $column_of) (local.get $variable)))
      (local.get $at)
      (i32.const 126)))

  ;; The names; 0, or 1 for one that is too long.
  (func $write_names (result i32)
    (local $variable i32) (local $at i32) (local $length i32)
    (local.set $at (call $i32_of (global.get $names) (global.get $variables)))
    (loop $next
      (local.set $length (call $name (local.get $variable) (local.get $at)))
      (if (i32.gt_u (local.get $length) (i32.const 126))
        (then (return (i32.const 1))))
      (i32.store (call $i32_of (global.get $names) (local.get $variable)) (local.get $length))
      (local.set $at (i32.add (local.get $at) (local.get $length)))
      (br_if $next (i32.lt_u (local.tee $variable (i32.add (local.get $variable) (i32.const 1))) (global.get $variables))))
    (call $output_utf8 (i32.const 0) (i32.const 6) (global.get $names) (global.get $variables))
    (i32.const 0))

  (func $write_moments
    (local $variable i32) (local $squares f64)
    (loop $next
      (i64.store (call $f64_of (global.get $result) (local.get $variable)) (global.get $rows))
      (br_if $next (i32.lt_u (local.tee $variable (i32.add (local.get $variable) (i32.const 1))) (global.get $variables))))
    (call $output_i64 (i32.const 8) (i32.const 5) (global.get $result) (global.get $variables))
    (call $output_f64 (i32.const 16) (i32.const 3) (global.get $sums) (global.get $variables))
    (call $output_f64 (i32.const 24) (i32.const 4) (global.get $means) (global.get $variables))
    (local.set $variable (i32.const 0))
    (loop $next
      (local.set $squares (f64.load (call $product_of (local.get $variable) (local.get $variable))))
      (f64.store (call $f64_of (global.get $roots) (local.get $variable)) (f64.sqrt (local.get $squares)))
      (f64.store (call $f64_of (global.get $result) (local.get $variable))
        (f64.div (local.get $squares) (f64.convert_i64_u (i64.sub (global.get $rows) (i64.const 1)))))
      (br_if $next (i32.lt_u (local.tee $variable (i32.add (local.get $variable) (i32.const 1))) (global.get $variables))))
    (call $output_f64 (i32.const 32) (i32.const 8) (global.get $result) (global.get $variables)))

  ;; One column of the result for each variable.
  (func $write_correlations
    (local $a i32) (local $b i32) (local $r f64)
    (loop $as
      (local.set $b (local.get $a))
      (loop $bs
        (local.set $r
          (f64.div
            (f64.load (call $product_of (local.get $a) (local.get $b)))
            (f64.mul
              (f64.load (call $f64_of (global.get $roots) (local.get $a)))
              (f64.load (call $f64_of (global.get $roots) (local.get $b))))))
        ;; rounding may leave [-1, 1]; NaN stays
        (local.set $r (f64.max (f64.const -1) (f64.min (f64.const 1) (local.get $r))))
        (if (i32.eq (local.get $a) (local.get $b))
          (then (if (f64.gt (f64.load (call $f64_of (global.get $roots) (local.get $a))) (f64.const 0))
            (then (local.set $r (f64.const 1))))))
        (f64.store (call $product_of (local.get $a) (local.get $b)) (local.get $r))
        (f64.store (call $product_of (local.get $b) (local.get $a)) (local.get $r))
        (br_if $bs (i32.lt_u (local.tee $b (i32.add (local.get $b) (i32.const 1))) (global.get $variables))))
      (br_if $as (i32.lt_u (local.tee $a (i32.add (local.get $a) (i32.const 1))) (global.get $variables))))
    (local.set $a (i32.const 0))
    (loop $write
      (call $output_f64
        (i32.const 64)
        (i32.add (i32.const 2) (call $name (local.get $a) (i32.const 66)))
        (call $product_of (local.get $a) (i32.const 0))
        (global.get $variables))
      (br_if $write (i32.lt_u (local.tee $a (i32.add (local.get $a) (i32.const 1))) (global.get $variables)))))

  (func (export "yu_run") (param $tables i32) (result i32)
    (local $code i32)
    (if (local.tee $code (call $find (local.get $tables)))
      (then (return (local.get $code))))
    (if (local.tee $code (call $first_pass))
      (then (return (local.get $code))))
    (call $second_pass)
    (if (local.tee $code (call $write_names))
      (then (return (local.get $code))))
    (call $write_moments)
    (call $write_correlations)
    (i32.const 0)))
