//! Tables and parameters, into the module.

use wasmtime::{Caller, Linker};

use super::{Call, State};
use crate::wasm::WasmError;
use crate::wasm::limits::wide;
use crate::wasm::table::Table;

type Answer<T> = wasmtime::Result<T>;

pub(super) fn link(linker: &mut Linker<State>) -> Answer<()> {
    linker.func_wrap("yu", "table_rows", |mut caller: Caller<'_, State>, table: u32| -> Answer<u64> {
        let call = Call::begin(&mut caller, "table_rows")?;
        Ok(call.table(table)?.rows())
    })?;
    linker.func_wrap("yu", "table_columns", |mut caller: Caller<'_, State>, table: u32| -> Answer<u32> {
        let call = Call::begin(&mut caller, "table_columns")?;
        let columns = call.table(table)?.columns();
        Ok(u32::try_from(columns).map_err(|_| call.error("too many columns"))?)
    })?;
    linker.func_wrap("yu", "column_kind", |mut caller: Caller<'_, State>, table: u32, column: u32| -> Answer<u32> {
        let call = Call::begin(&mut caller, "column_kind")?;
        let kind = call.table(table)?.kind(column).ok_or(call.error(NO_COLUMN))?;
        Ok(kind as u32)
    })?;
    linker.func_wrap("yu", "column_name", column_name)?;
    linker.func_wrap("yu", "column_f64", |mut caller: Caller<'_, State>, table: u32, column: u32, row: u64, at: u32, rows: u32| {
        let call = Call::begin(&mut caller, "column_f64")?;
        numbers(call, 8, Asked { table, column, row, at, rows }, Table::f64s)
    })?;
    linker.func_wrap("yu", "column_i64", |mut caller: Caller<'_, State>, table: u32, column: u32, row: u64, at: u32, rows: u32| {
        let call = Call::begin(&mut caller, "column_i64")?;
        numbers(call, 8, Asked { table, column, row, at, rows }, Table::i64s)
    })?;
    linker.func_wrap("yu", "column_valid", |mut caller: Caller<'_, State>, table: u32, column: u32, row: u64, at: u32, rows: u32| {
        let call = Call::begin(&mut caller, "column_valid")?;
        numbers(call, 1, Asked { table, column, row, at, rows }, Table::valid)
    })?;
    linker.func_wrap("yu", "input_len", |mut caller: Caller<'_, State>, table: u32| -> Answer<u64> {
        let mut call = Call::begin(&mut caller, "input_len")?;
        let len = wide(stream(&call, table)?.len());
        // it was written for this call, or an earlier one: charged each time, so that the price does not depend on history
        call.moves(len)?;
        Ok(len)
    })?;
    linker.func_wrap("yu", "input_read", input_read)?;
    linker.func_wrap("yu", "params_len", |mut caller: Caller<'_, State>| -> Answer<u32> {
        let call = Call::begin(&mut caller, "params_len")?;
        Ok(u32::try_from(call.caller.data().params.len()).map_err(|_| call.error("too many parameters"))?)
    })?;
    linker.func_wrap("yu", "params_read", params_read)?;
    Ok(())
}

const NO_COLUMN: &str = "no such column";

/// Rows `row .. row + rows` of a column, to be written at `at`.
struct Asked {
    table: u32,
    column: u32,
    row: u64,
    at: u32,
    rows: u32,
}

impl Call<'_, '_> {
    fn table(&self, table: u32) -> Result<&Table, WasmError> {
        self.caller.data().table(self.function, table)
    }
}

/// Writes as many values of `width` bytes as the table has from that row on; answers how many.
fn numbers(mut call: Call<'_, '_>, width: u64, asked: Asked, fill: impl Fn(&Table, u32, u64, &mut [u8]) -> Option<()>) -> Answer<u32> {
    let table = call.table(asked.table)?;
    if table.kind(asked.column).is_none() {
        return Err(call.error(NO_COLUMN).into());
    }
    let count = table.rows().saturating_sub(asked.row).min(asked.rows.into());
    let len = count.saturating_mul(width);
    call.moves(len)?;
    let wrong = call.error("not a column of such numbers");
    let (target, state) = call.memory(asked.at, len)?;
    let table = state.tables.get(asked.table as usize);
    table.and_then(|table| fill(table, asked.column, asked.row, target)).ok_or(wrong)?;
    state.bytes_in = state.bytes_in.saturating_add(len);
    // at most `rows`, which has 32 bits
    Ok(u32::try_from(count).unwrap_or(asked.rows))
}

/// Writes the name as UTF-8, cut at `room` bytes; answers how long it is.
fn column_name(mut caller: Caller<'_, State>, table: u32, column: u32, at: u32, room: u32) -> Answer<u32> {
    let mut call = Call::begin(&mut caller, "column_name")?;
    let name = call.table(table)?.name(column).ok_or(call.error(NO_COLUMN))?.to_owned();
    let len = u32::try_from(name.len()).map_err(|_| call.error("a name without end"))?;
    call.moves(len.into())?;
    let shown = name.as_bytes().get(..len.min(room) as usize).unwrap_or_default();
    call.give(at, shown)?;
    Ok(len)
}

fn stream<'s>(call: &'s Call<'_, '_>, table: u32) -> Result<&'s [u8], WasmError> {
    call.table(table)?.stream().ok_or(call.error("a table of types that Arrow IPC cannot write"))
}

/// Writes bytes of the stream from `offset` on, at most `room`; answers how many.
fn input_read(mut caller: Caller<'_, State>, table: u32, offset: u64, at: u32, room: u32) -> Answer<u32> {
    let mut call = Call::begin(&mut caller, "input_read")?;
    let len = wide(stream(&call, table)?.len()).saturating_sub(offset).min(room.into());
    call.moves(len)?;
    let wrong = call.error("a range outside of the table");
    let (target, state) = call.memory(at, len)?;
    let bytes = state.tables.get(table as usize).and_then(Table::stream);
    copy(target, bytes, offset).ok_or(wrong)?;
    state.bytes_in = state.bytes_in.saturating_add(len);
    Ok(u32::try_from(len).unwrap_or(room))
}

/// Writes bytes of the parameters from `offset` on, at most `room`; answers how many.
fn params_read(mut caller: Caller<'_, State>, offset: u32, at: u32, room: u32) -> Answer<u32> {
    let mut call = Call::begin(&mut caller, "params_read")?;
    let len = wide(call.caller.data().params.len()).saturating_sub(offset.into()).min(room.into());
    call.moves(len)?;
    let wrong = call.error("a range outside of the parameters");
    let (target, state) = call.memory(at, len)?;
    copy(target, Some(&state.params), offset.into()).ok_or(wrong)?;
    state.bytes_in = state.bytes_in.saturating_add(len);
    Ok(u32::try_from(len).unwrap_or(room))
}

/// Fills the target from `offset` on. Nothing at or beyond the end is nothing to copy.
fn copy(target: &mut [u8], from: Option<&[u8]>, offset: u64) -> Option<()> {
    if target.is_empty() {
        return Some(());
    }
    let start = usize::try_from(offset).ok()?;
    target.copy_from_slice(from?.get(start..start.checked_add(target.len())?)?);
    Some(())
}
