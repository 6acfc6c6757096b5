//! The place where shares become values that all parties see.

use ndarray::{Array, Dimension};
use yu_wire::channel::exchange_ring_u64;
use zeroize::Zeroize;

use super::context::Context;
use super::share::{Share, same_party};
use super::steps::Rep3Step;
use crate::Result;
use crate::ring::{Element, add_assign};

/// Values that were opened to all computing parties.
#[must_use]
pub struct Opened<T: Element, D: Dimension>(Array<T::Clear, D>);

impl<T: Element, D: Dimension> Opened<T, D> {
    /// The values.
    #[must_use]
    pub fn into_clear(self) -> Array<T::Clear, D> {
        self.0
    }
}

impl Context {
    /// Reveals the values to all three parties. One round; each party sends `8n` bytes.
    ///
    /// Results for others are not opened but sealed to them ([`Context::seal_output`]).
    ///
    /// # Errors
    /// The peers' and the transport's.
    pub fn open_to_all<T: Element, D: Dimension>(&mut self, x: &Share<T, D>) -> Result<Opened<T, D>> {
        same_party(self.index, x.party())?;
        // P_{i+1} lacks x_i; we lack x_{i-1}
        let mut sum = vec![0; x.len()];
        self.operate(|context| {
            if !x.is_empty() {
                exchange_ring_u64(Rep3Step::Open, &mut context.next, x.own(), &mut context.prev, &mut sum)?;
            }
            Ok(())
        })?;
        add_assign(&mut sum, x.own());
        add_assign(&mut sum, x.next());
        let mut values = sum.iter().map(|raw| T::decode(*raw));
        let clear = Array::from_shape_simple_fn(x.dim(), || values.next().expect("as many values as the shape has places"));
        sum.zeroize();
        Ok(Opened(clear))
    }
}
