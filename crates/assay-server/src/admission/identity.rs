//! Who is not judged: by what the cluster has proven of them, never by what stands in the object.

use super::review::Review;
use std::str::FromStr;

/// A user or a group of the cluster: `user:NAME` or `group:NAME`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    /// A user, such as `system:serviceaccount:flux-system:helm-controller`.
    User(String),
    /// A group, such as `oncall`.
    Group(String),
}

/// A text is no identity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseIdentityError {
    /// It does not say which of both it is.
    #[error("`{0}` begins with neither `user:` nor `group:`")]
    NoKind(String),
    /// Everybody is in it.
    #[error("everybody is in the group `{0}`")]
    Everybody(String),
}

/// Groups that the API server puts everybody into.
const EVERYBODY: [&str; 2] = ["system:authenticated", "system:unauthenticated"];

impl FromStr for Identity {
    type Err = ParseIdentityError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            Some(("group", name)) if EVERYBODY.contains(&name) => {
                Err(ParseIdentityError::Everybody(name.to_owned()))
            }
            Some(("user", name)) if !name.is_empty() => Ok(Self::User(name.to_owned())),
            Some(("group", name)) if !name.is_empty() => Ok(Self::Group(name.to_owned())),
            _ => Err(ParseIdentityError::NoKind(text.to_owned())),
        }
    }
}

impl Identity {
    fn is(&self, review: &Review) -> bool {
        match self {
            Self::User(name) => review.user == *name,
            Self::Group(name) => review.groups.contains(name),
        }
    }
}

/// Who is not judged.
#[derive(Debug, Clone, Default)]
pub struct Identities {
    /// Those whose workloads are never judged, such as what keeps the cluster itself running.
    pub exempt: Vec<Identity>,
    /// Those who may do what the policy denies, in an emergency: each time it is warned of, recorded and counted.
    pub break_glass: Vec<Identity>,
}

impl Identities {
    /// Says whether the workloads of who asks are not judged.
    pub fn are_exempt(&self, review: &Review) -> bool {
        self.exempt.iter().any(|identity| identity.is(review))
    }

    /// Says whether who asks may do what is denied.
    pub fn break_glass(&self, review: &Review) -> bool {
        self.break_glass.iter().any(|identity| identity.is(review))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_is_a_user_or_a_group_but_not_everybody() {
        let check =
            |text: &str, want: Option<Identity>| assert_eq!(text.parse::<Identity>().ok(), want, "{text}");
        check("user:jane", Some(Identity::User("jane".to_owned())));
        check("user:system:serviceaccount:a:b", Some(Identity::User("system:serviceaccount:a:b".to_owned())));
        check("group:oncall", Some(Identity::Group("oncall".to_owned())));
        for bad in
            ["jane", "user:", "group:", "", "group:system:authenticated", "group:system:unauthenticated"]
        {
            check(bad, None);
        }
    }
}
