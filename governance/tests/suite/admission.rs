//! Admission is all or nothing.

use yu_governance::contract::Admitted;
use yu_governance::sign::Signed;

use super::world::*;

#[test]
fn each_missing_signature_refuses_all() {
    let world = World::new();
    assert_eq!(world.admitted().id(), world.contract.id().unwrap());
    for absent in 0..world.contract.parties.len() {
        let mut signed = world.signed();
        signed.signatures.remove(absent);
        let name = world.contract.parties[absent].name.to_string();
        assert!(Admitted::new(signed, &world.keys).unwrap_err().to_string().contains(&name));
    }
    assert!(Admitted::new(Signed::unsigned(world.contract.clone()), &world.keys).is_err());
}

#[test]
fn a_contract_that_was_altered_after_signing_is_refused() {
    let world = World::new();
    let changes: [fn(&mut yu_governance::contract::Contract); 4] = [
        |c| c.limits.min_cell = 1,
        |c| c.receivers[0].seal = yu_governance::contract::SealTo::from_bytes([9; 32]),
        |c| c.nonce = "cd".repeat(32),
        |c| c.parties[2].controller = "bank group".into(),
    ];
    for change in changes {
        let mut signed = world.signed();
        change(&mut signed.payload);
        assert!(Admitted::new(signed, &world.keys).is_err());
    }
}

#[test]
fn a_stranger_does_not_sign_along() {
    let world = World::new();
    let mut signed = world.signed();
    signed.add_signature(STRANGER, &key(STRANGER)).unwrap();
    assert!(Admitted::new(signed, &world.keys).unwrap_err().to_string().contains("contract.stranger"));
}

#[test]
fn a_party_cannot_sign_for_another() {
    let world = World::new();
    let mut signed = world.signed();
    signed.signatures.pop();
    signed.add_signature(AUTHORITY, &key(STRANGER)).unwrap();
    assert!(Admitted::new(signed, &world.keys).is_err());
}
