//! Login by one's own key: the node asks with a number that it never gives twice, the person's key signs it.

use serde::{Deserialize, Serialize};

use crate::finding::{Checked, broken, refuse};
use crate::id::{PartyName, PersonId};
use crate::sign::{KeyRing, PublicKey, Signed, SignedType};

/// What the person's key signs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoginAnswer {
    /// Format version, 1.
    pub v: u32,
    /// The node that asked: an answer for one node opens nothing at another.
    pub node: PartyName,
    /// Who logs in, and signs.
    pub person: PersonId,
    /// What the node asked with: 32 random bytes in lower-case hex.
    pub challenge: String,
}

impl SignedType for LoginAnswer {
    const TYPE: &'static str = "person-login-v1";
}

impl LoginAnswer {
    /// Whether the key of this person's credential, and nobody besides, signed the answer to what this node asked this person.
    ///
    /// # Errors
    /// `login.other` for another question, node or person; `login.signature`.
    pub fn check(signed: &Signed<Self>, asked: &Self, key: PublicKey) -> Checked<()> {
        let person = &asked.person;
        if signed.payload != *asked || signed.signatures.len() != 1 {
            let what = (
                format!("the answer for `{person}` is not one to this node's question"),
                format!("人员 `{person}` 的应答与本节点的询问不符"),
            );
            return refuse("login.other", person, what, ("log in again", "请重新登录"));
        }
        let mut ring = KeyRing::new();
        ring.insert(person.as_str(), key).map_err(|e| broken("login.signature", person, &e))?;
        signed.verify(&ring, &[person.as_str()]).map_err(|e| broken("login.signature", person, &e))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sign::SigningKey;

    fn asked() -> LoginAnswer {
        LoginAnswer {
            v: 1,
            node: PartyName::new("yu://dev/bank/n1").unwrap(),
            person: PersonId::new("dev/bank/p-1").unwrap(),
            challenge: "ab".repeat(32),
        }
    }

    fn code(found: Checked<()>) -> String {
        found.unwrap_err()[0].code.clone()
    }

    #[test]
    fn h2_only_the_persons_key_answers_and_only_what_was_asked() {
        let (own, other) = (SigningKey::from_bytes(&[1; 32]), SigningKey::from_bytes(&[2; 32]));
        let asked = asked();
        let answer = |of: &LoginAnswer, key: &SigningKey| Signed::sign(of.clone(), of.person.as_str(), key).unwrap();
        LoginAnswer::check(&answer(&asked, &own), &asked, own.public()).unwrap();
        assert_eq!(code(LoginAnswer::check(&answer(&asked, &other), &asked, own.public())), "login.signature");
        assert_eq!(code(LoginAnswer::check(&Signed::unsigned(asked.clone()), &asked, own.public())), "login.other");
        let changes: [fn(&mut LoginAnswer); 4] = [
            |a| a.challenge = "cd".repeat(32),
            |a| a.node = PartyName::new("yu://dev/health/n1").unwrap(),
            |a| a.person = PersonId::new("dev/bank/p-2").unwrap(),
            |a| a.v = 2,
        ];
        for change in changes {
            let mut another = asked.clone();
            change(&mut another);
            assert_eq!(code(LoginAnswer::check(&answer(&another, &own), &asked, own.public())), "login.other");
            // the right words under a signature for others
            let forged = Signed { payload: asked.clone(), signatures: answer(&another, &own).signatures };
            assert_eq!(code(LoginAnswer::check(&forged, &asked, own.public())), "login.signature");
        }
        let mut two = answer(&asked, &own);
        two.add_signature("dev/bank/p-2", &other).unwrap();
        assert_eq!(code(LoginAnswer::check(&two, &asked, own.public())), "login.other");
    }
}
