//! Products by bilinear Beaver triples.
//!
//! For masks `a`, `b` with `c = a b` and opened `e = x - a`, `d = y - b`: `x y = e d + e b + a d + c`. The product may be element-wise, a
//! scalar product or one of matrices; `e` and `d` are as long as the operands, `c` as the result.

use yu_mpc::Result;
use yu_mpc::engine::{Product, Vector, Words, add_products};
use yu_mpc::ring::add_assign;
use zeroize::Zeroizing;

use crate::context::Role;
use crate::correlation::{Group, Secrets};
use crate::steps::DealerStep;

impl Role {
    /// Shares of all products, one after the other; `lens` are the lengths of the results.
    pub(crate) fn multiplied(&mut self, products: &[Product<'_, Words<1>>], lens: &[usize]) -> Result<Secrets> {
        let total = lens.iter().sum();
        let masks = self.mask(Group::Ring, Product::operand_total(products))?;
        let ours = || {
            let mut ours = Zeroizing::new(Vec::with_capacity(masks.len()));
            for (left, right) in products.iter().map(Product::operands) {
                ours.extend_from_slice(left.part(0));
                ours.extend_from_slice(right.part(0));
            }
            Group::Ring.sub(&mut ours, &masks);
            ours
        };
        let opened = self.open_masked(DealerStep::Multiply, Group::Ring, ours)?;
        let products_of_masks = || {
            let mut c = Zeroizing::new(vec![0; total]);
            for (product, at) in places(products, lens) {
                add_products(product, &mut c[at.result], &masks[at.left], &masks[at.right])?;
            }
            Ok(c)
        };
        let mut z = self.deal(DealerStep::MultiplyDeal, Group::Ring, total, products_of_masks)?;
        let (Some(opened), Self::Computing(party)) = (opened, &*self) else {
            return Ok(Zeroizing::new(vec![0; total]));
        };
        for (product, at) in places(products, lens) {
            let (e, d, result) = (&opened[at.left.clone()], &opened[at.right.clone()], &mut z[at.result]);
            // z_0 = e (d + b_0) + a_0 d + c_0, z_1 = e b_1 + a_1 d + c_1
            let mut right = Zeroizing::new(masks[at.right].to_vec());
            if party.index == 0 {
                add_assign(&mut right, d);
            }
            add_products(product, result, e, &right)?;
            add_products(product, result, &masks[at.left], d)?;
        }
        Ok(z)
    }
}

type Range = std::ops::Range<usize>;

/// Where a product's operands and result stand.
struct Places {
    left: Range,
    right: Range,
    result: Range,
}

fn places<'a, 'b>(products: &'a [Product<'b, Words<1>>], lens: &'a [usize]) -> impl Iterator<Item = (&'a Product<'b, Words<1>>, Places)> {
    let (mut operand, mut result) = (0, 0);
    products.iter().zip(lens).map(move |(product, len)| {
        let (left, right) = product.operands();
        let middle = operand + left.len();
        let places = Places { left: operand..middle, right: middle..middle + right.len(), result: result..result + len };
        (operand, result) = (places.right.end, places.result.end);
        (product, places)
    })
}
