//! What a module may look like. Judged from its bytes alone, before a compiler sees them.

use wasmparser::types::TypesRef;
use wasmparser::{
    BinaryReaderError, CompositeInnerType, ExternalKind, FuncType, FuncValidatorAllocations, FunctionBody, Operator, Parser, Payload,
    TypeRef, ValType, ValidPayload, Validator,
};

use super::engine::FEATURES;
use super::host::INTERFACE;
use super::limits::wide;
use super::{MAX_MODULE_BYTES, WasmError};

/// One function, bytes: compilers take more than linear time for a function. LLVM's largest are a tenth of this.
const MAX_FUNCTION_BYTES: u64 = 128 << 10;
/// Functions, globals, exports and segments, each: far beyond what people review.
const MAX_ITEMS: u64 = 10_000;
/// Locals of a function, and parameters and results of a type. Compilers that keep hundreds of values apart know registers.
const MAX_LOCALS: u64 = 1000;
const MAX_SIGNATURE: u64 = 32;
/// Branches of each function times its locals and 64, over all functions: the compiler follows each local through each branch,
/// so that few bytes could keep it busy for minutes. A function of C has about 10^4 of them; as many as this take seconds.
const MAX_FLOW: u64 = 2_000_000;

/// # Errors
/// `Size`, `Invalid`, `Import`, `Export`.
pub(super) fn check(bytes: &[u8]) -> Result<(), WasmError> {
    within("module bytes", wide(bytes.len()), wide(MAX_MODULE_BYTES))?;
    let mut validator = Validator::new_with_features(FEATURES);
    let mut allocations = FuncValidatorAllocations::default();
    let mut seen = Seen::default();
    let mut types = None;
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload.map_err(|e| invalid(&e))?;
        // sizes first: the validator reserves room for as many items as are announced
        seen.note(&payload)?;
        match validator.payload(&payload).map_err(|e| invalid(&e))? {
            ValidPayload::Func(function, body) => {
                let mut function = function.into_validator(allocations);
                function.validate(&body).map_err(|e| invalid(&e))?;
                allocations = function.into_allocations();
            }
            ValidPayload::End(all) => types = Some(all),
            _ => {}
        }
    }
    let types = types.ok_or_else(|| WasmError::invalid(&"it does not end"))?;
    seen.imports_fit(types.as_ref())?;
    seen.exports_fit(types.as_ref())
}

/// Imports and exports by name.
#[derive(Default)]
struct Seen {
    /// All are functions, so the place is the function's index.
    imports: Vec<String>,
    exports: Vec<(String, ExternalKind, u32)>,
    flow: u64,
}

impl Seen {
    fn note(&mut self, payload: &Payload<'_>) -> Result<(), WasmError> {
        match payload {
            Payload::ImportSection(reader) => {
                within("imports", reader.count().into(), MAX_ITEMS)?;
                for import in reader.clone().into_imports() {
                    let import = import.map_err(|e| invalid(&e))?;
                    let is_ours = import.module == "yu" && INTERFACE.iter().any(|known| known.name == import.name);
                    if !is_ours || !matches!(import.ty, TypeRef::Func(_)) {
                        return Err(WasmError::import(import.module, import.name, "not in the interface"));
                    }
                    self.imports.push(import.name.to_owned());
                }
                Ok(())
            }
            Payload::ExportSection(reader) => {
                within("exports", reader.count().into(), MAX_ITEMS)?;
                for export in reader.clone() {
                    let export = export.map_err(|e| invalid(&e))?;
                    self.exports.push((export.name.to_owned(), export.kind, export.index));
                }
                Ok(())
            }
            Payload::TypeSection(reader) => {
                within("types", reader.count().into(), MAX_ITEMS)?;
                for of in reader.clone().into_iter_err_on_gc_types() {
                    let of = of.map_err(|e| invalid(&e))?;
                    within("parameters and results of a type", wide(of.params().len().saturating_add(of.results().len())), MAX_SIGNATURE)?;
                }
                Ok(())
            }
            Payload::FunctionSection(reader) => within("functions", reader.count().into(), MAX_ITEMS),
            Payload::GlobalSection(reader) => within("globals", reader.count().into(), MAX_ITEMS),
            Payload::ElementSection(reader) => within("element segments", reader.count().into(), MAX_ITEMS),
            Payload::DataSection(reader) => within("data segments", reader.count().into(), MAX_ITEMS),
            Payload::CodeSectionEntry(body) => {
                within("function bytes", wide(body.range().len()), MAX_FUNCTION_BYTES)?;
                self.flow = self.flow.saturating_add(flow(body)?);
                within("branches times locals", self.flow, MAX_FLOW)
            }
            _ => Ok(()),
        }
    }

    fn imports_fit(&self, types: TypesRef<'_>) -> Result<(), WasmError> {
        for (index, name) in (0_u32..).zip(&self.imports) {
            let wanted = INTERFACE.iter().find(|known| known.name == name);
            let wanted = wanted.map(|known| FuncType::new(known.takes.iter().copied(), known.gives.iter().copied()));
            if wanted.is_none() || type_of(types, index) != wanted.as_ref() {
                return Err(WasmError::import("yu", name, "has another type in the interface"));
            }
        }
        Ok(())
    }

    fn exports_fit(&self, types: TypesRef<'_>) -> Result<(), WasmError> {
        let find =
            |name: &str, kind: ExternalKind| self.exports.iter().find(|(n, k, _)| n == name && *k == kind).map(|(_, _, index)| *index);
        if find("memory", ExternalKind::Memory).is_none() {
            return Err(WasmError::Export { wanted: "memory: memory" });
        }
        let run = find("yu_run", ExternalKind::Func).and_then(|index| type_of(types, index));
        if run == Some(&FuncType::new([ValType::I32], [ValType::I32])) {
            Ok(())
        } else {
            Err(WasmError::Export { wanted: "yu_run: func(i32) -> i32" })
        }
    }
}

/// Branches of a function times its locals and 64.
fn flow(body: &FunctionBody<'_>) -> Result<u64, WasmError> {
    let mut locals = 0_u64;
    for local in body.get_locals_reader().map_err(|e| invalid(&e))? {
        let (count, _) = local.map_err(|e| invalid(&e))?;
        locals = locals.saturating_add(count.into());
    }
    within("locals of a function", locals, MAX_LOCALS)?;
    let mut branches = 0_u64;
    for operator in body.get_operators_reader().map_err(|e| invalid(&e))? {
        branches = branches.saturating_add(match operator.map_err(|e| invalid(&e))? {
            Operator::Block { .. } | Operator::Loop { .. } | Operator::If { .. } | Operator::Br { .. } | Operator::BrIf { .. } => 1,
            Operator::BrTable { targets } => u64::from(targets.len()).saturating_add(1),
            _ => 0,
        });
    }
    Ok(branches.saturating_mul(locals.saturating_add(64)))
}

/// Type of a function that the validator has seen.
fn type_of(types: TypesRef<'_>, index: u32) -> Option<&FuncType> {
    match &types.get(types.core_function_at(index))?.composite_type.inner {
        CompositeInnerType::Func(of) => Some(of),
        _ => None,
    }
}

fn within(what: &'static str, found: u64, limit: u64) -> Result<(), WasmError> {
    if found <= limit { Ok(()) } else { Err(WasmError::Size { what, found, limit }) }
}

fn invalid(error: &BinaryReaderError) -> WasmError {
    WasmError::invalid(&error.message())
}
