//! The result, out of the module, and its refusal.

use arrow::array::ArrayRef;
use wasmtime::{Caller, Linker};
use zeroize::Zeroizing;

use super::{Call, State};
use crate::wasm::WasmError;
use crate::wasm::output::{Lengths, f64s, i64s, texts};

type Answer = wasmtime::Result<()>;

pub(super) fn link(linker: &mut Linker<State>) -> Answer {
    linker.func_wrap("yu", "output_f64", |mut caller: Caller<'_, State>, name: u32, name_len: u32, at: u32, rows: u32| -> Answer {
        let call = Call::begin(&mut caller, "output_f64")?;
        column(call, (name, name_len), (at, u64::from(rows) * 8), |bytes| Ok(f64s(bytes)))
    })?;
    linker.func_wrap("yu", "output_i64", |mut caller: Caller<'_, State>, name: u32, name_len: u32, at: u32, rows: u32| -> Answer {
        let call = Call::begin(&mut caller, "output_i64")?;
        column(call, (name, name_len), (at, u64::from(rows) * 8), |bytes| Ok(i64s(bytes)))
    })?;
    linker.func_wrap("yu", "output_utf8", |mut caller: Caller<'_, State>, name: u32, name_len: u32, at: u32, rows: u32| -> Answer {
        let mut call = Call::begin(&mut caller, "output_utf8")?;
        let lengths = Lengths::of(&taken(&mut call, at, u64::from(rows) * 4)?);
        let start = at.checked_add(rows.checked_mul(4).ok_or(call.error(OUTSIDE))?).ok_or(call.error(OUTSIDE))?;
        column(call, (name, name_len), (start, lengths.total()), |bytes| texts(&lengths, bytes))
    })?;
    linker.func_wrap("yu", "output_write", |mut caller: Caller<'_, State>, at: u32, len: u32| -> Answer {
        let mut call = Call::begin(&mut caller, "output_write")?;
        let bytes = taken(&mut call, at, len.into())?;
        Ok(call.caller.data_mut().collected.write(&bytes)?)
    })?;
    linker.func_wrap("yu", "fail", |mut caller: Caller<'_, State>, code: u32| -> Answer {
        let call = Call::begin(&mut caller, "fail")?;
        let code = u8::try_from(code).map_err(|_| call.error("a code above 255"))?;
        Err(WasmError::Refused { code }.into())
    })?;
    Ok(())
}

const OUTSIDE: &str = "a range outside of memory";

/// Bytes of the module, counted against the limit of output before they are copied.
fn taken(call: &mut Call<'_, '_>, at: u32, len: u64) -> Result<Zeroizing<Vec<u8>>, WasmError> {
    call.caller.data_mut().collected.count(len)?;
    call.moves(len)?;
    Ok(Zeroizing::new(call.memory(at, len)?.0.to_vec()))
}

/// Takes one column: its name, and `len` bytes at `at`.
fn column(
    mut call: Call<'_, '_>,
    (name, name_len): (u32, u32),
    (at, len): (u32, u64),
    values: impl FnOnce(&[u8]) -> Result<ArrayRef, WasmError>,
) -> Answer {
    let name = taken(&mut call, name, name_len.into())?;
    let bytes = taken(&mut call, at, len)?;
    Ok(call.caller.data_mut().collected.column(&name, values(&bytes)?)?)
}
