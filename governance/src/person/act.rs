//! What each post may do (D12): three administrators who share nothing, and the posts of the business.

use std::collections::BTreeSet;

use super::record::Post;

/// Declares the acts once: name in the code, name in the log, and the posts that may.
macro_rules! acts {
    ($($(#[$doc:meta])* $act:ident = $code:literal, [$($post:ident),+];)*) => {
        /// Something that only a person may do.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Act { $($(#[$doc])* $act,)* }

        impl Act {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$act,)*];

            /// As written in the log.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$act => $code,)* }
            }

            /// Posts that may; one of them is enough.
            #[must_use]
            pub const fn posts(self) -> &'static [Post] {
                match self { $(Self::$act => &[$(Post::$post),+],)* }
            }
        }
    };
}

acts! {
    /// Invites, admits, countersigns and removes nodes: the system administrator's.
    Peers = "peers", [SystemAdministrator];
    /// Enrols and disables people, gives credentials, ties logins: the security administrator's.
    People = "people", [SecurityAdministrator];
    /// Makes and destroys keys: the security administrator's.
    Keys = "keys", [SecurityAdministrator];
    /// Signs checkpoints of the log: the audit administrator's, who changes nothing else.
    Audit = "audit", [AuditAdministrator];
    /// Opens access: applied for by the organisation's security administrator, opened by a manager of the authority.
    Activate = "activate", [SecurityAdministrator, Manager];
    /// Says who acts for the domain, and under which rules.
    Govern = "govern", [Manager];
    /// Signs authorisations.
    Authorise = "authorise", [Manager];
    /// Takes and signs steps of procedures; experts give their opinions so.
    Step = "step", [Manager, Operations, Expert, Reviewer];
    /// Signs documents of the docket for the organisation; no post of guests is among these.
    File = "file", [Manager, Operations, Reviewer];
    /// Enters data sets, modules and the like.
    Data = "data", [Technician, Operations];
    /// Asks for data.
    Ask = "ask", [Manager, Technician, Operations];
    /// Decides on a request for data.
    Grant = "grant", [Manager, Operations];
    /// Proposes, signs or refuses a job, once or for many runs: a proposal is signed.
    Sign = "sign", [Manager, Operations];
    /// Stops a job.
    Halt = "halt", [Manager, Operations, Technician];
    /// Decides on a held result.
    Review = "review", [Reviewer];
    /// Destroys data and models.
    Destroy = "destroy", [Manager];
    /// Anything else that changes something.
    Other = "other", [Manager];
}

impl Act {
    /// Whether somebody in these posts may.
    #[must_use]
    pub fn is_open_to(self, posts: &BTreeSet<Post>) -> bool {
        self.posts().iter().any(|post| posts.contains(post))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d12_no_act_belongs_to_two_administrators_and_each_has_one() {
        let mut seen = BTreeSet::new();
        for act in Act::ALL {
            assert!(seen.insert(act.code()), "{} twice", act.code());
            let of = Post::ADMINISTRATORS.iter().filter(|post| act.posts().contains(post)).count();
            assert!(of <= 1, "{} belongs to two administrators", act.code());
            // one of the three never signs, decides or opens data beside the business
            let business = [Act::Sign, Act::Review, Act::File, Act::Data, Act::Grant, Act::Authorise, Act::Govern, Act::Destroy];
            assert!(!business.contains(act) || of == 0, "{} belongs to an administrator", act.code());
        }
        for post in Post::ADMINISTRATORS {
            assert!(Act::ALL.iter().any(|act| act.posts() == [post]), "{} has nothing to do", post.as_str());
        }
        // whoever keeps the log changes nothing, and nobody without a post does anything
        let may = |post| Act::ALL.iter().filter(|act| act.is_open_to(&BTreeSet::from([post]))).map(|act| act.code()).collect::<Vec<_>>();
        assert_eq!(may(Post::AuditAdministrator), ["audit"]);
        assert_eq!(may(Post::SystemAdministrator), ["peers"]);
        assert!(may(Post::Maintenance).is_empty());
        assert!(Act::ALL.iter().all(|act| !act.is_open_to(&BTreeSet::new())));
    }
}
