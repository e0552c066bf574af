//! What an ID token claims, and what that is worth here: OpenID Connect Core 1.0, section 3.1.3.7.

use super::LoginError;
use super::team::{AllTeamsClaim, TeamClaim, scope};
use assay_store::{Holder, Moment, Role};
use serde_json::{Map, Value};
use std::fmt;
use std::str::FromStr;

/// How far the provider's clock may be from ours.
const LEEWAY: i64 = 60;
/// What of a name is shown.
const MAX_NAME: usize = 200;

/// A claim, and a value of it: `CLAIM=VALUE`. The claim is a text that is that value, or a list that has it; `*` stands for any value, and dots
/// lead into objects, such as `realm_access.roles`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Claim {
    pub(super) claim: String,
    pub(super) value: String,
}

/// A claim that is worth a role: `CLAIM=VALUE:ROLE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleClaim {
    claim: Claim,
    role: Role,
}

/// A text is no claim with a role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected `CLAIM=VALUE:ROLE`, such as `groups=platform-security:security`; roles are viewer, developer, security and admin"
)]
pub struct InvalidRole;

impl FromStr for RoleClaim {
    type Err = InvalidRole;
    fn from_str(text: &str) -> Result<Self, InvalidRole> {
        // The value may hold anything, also a colon.
        let (claim, role) = text.rsplit_once(':').ok_or(InvalidRole)?;
        let claim = Claim::parse(claim).ok_or(InvalidRole)?;
        let role = role.parse().map_err(|_| InvalidRole)?;
        Ok(Self { claim, role })
    }
}

impl fmt::Display for RoleClaim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}:{}", self.claim.claim, self.claim.value, self.role.name())
    }
}

impl Claim {
    /// Reads `CLAIM=VALUE`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (claim, value) = text.split_once('=')?;
        let is_whole = !claim.is_empty() && !value.is_empty();
        is_whole.then(|| Self { claim: claim.to_owned(), value: value.to_owned() })
    }

    /// Says whether the claim has the value.
    pub(super) fn holds(&self, claims: &Map<String, Value>) -> bool {
        self.values(claims).into_iter().any(|text| self.value == "*" || text == self.value)
    }

    /// Returns all texts that the claim has.
    pub(super) fn values<'c>(&self, claims: &'c Map<String, Value>) -> Vec<&'c str> {
        match self.find(claims) {
            Some(Value::Array(values)) => values.iter().filter_map(Value::as_str).collect(),
            Some(value) => value.as_str().into_iter().collect(),
            None => Vec::new(),
        }
    }

    /// Returns the claim of that name, which may have dots itself, as those do that are addresses.
    fn find<'c>(&self, claims: &'c Map<String, Value>) -> Option<&'c Value> {
        claims.get(&self.claim).or_else(|| {
            let mut parts = self.claim.split('.');
            let first = claims.get(parts.next()?)?;
            parts.try_fold(first, |value, part| value.get(part))
        })
    }
}

/// What a token must say.
pub(super) struct Expected<'e> {
    pub(super) issuer: &'e str,
    pub(super) client: &'e str,
    /// Of a login; a token that is shown to the API has none of ours.
    pub(super) nonce: Option<&'e str>,
    pub(super) now: Moment,
}

/// What claims are worth.
#[derive(Debug, Clone, Default)]
pub(super) struct Worth {
    pub(super) roles: Vec<RoleClaim>,
    pub(super) teams: Vec<TeamClaim>,
    pub(super) all_teams: Vec<AllTeamsClaim>,
}

/// Returns who a token is about, if it holds here and now.
pub(super) fn holder(
    claims: &Map<String, Value>,
    expected: &Expected<'_>,
    worth: &Worth,
) -> Result<Holder, LoginError> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let time = |name: &str| claims.get(name).and_then(|value| value.as_i64().or_else(|| seconds(value)));
    let now = expected.now.timestamp().0;
    if text("iss") != Some(expected.issuer) {
        return Err(LoginError::Token("another provider made it"));
    }
    let audience: Vec<&str> = match claims.get("aud") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    if !audience.contains(&expected.client) {
        return Err(LoginError::Token("it is not for this server"));
    }
    // Who asked for it, where that is said or it is for several.
    let asked_by = text("azp");
    if asked_by.is_some_and(|party| party != expected.client) || (audience.len() > 1 && asked_by.is_none()) {
        return Err(LoginError::Token("another program asked for it"));
    }
    if time("exp").is_none_or(|expires| now >= expires.saturating_add(LEEWAY)) {
        return Err(LoginError::Token("its time is over"));
    }
    if time("iat").is_none_or(|made| made > now.saturating_add(LEEWAY))
        || time("nbf").is_some_and(|begins| begins > now.saturating_add(LEEWAY))
    {
        return Err(LoginError::Token("its time has not come"));
    }
    if expected.nonce.is_some() && text("nonce") != expected.nonce {
        return Err(LoginError::Token("it is of another login"));
    }
    let subject = text("sub").filter(|subject| !subject.is_empty());
    let subject = subject.ok_or(LoginError::Token("it says not who it is about"))?;
    let name = name(claims, subject);
    let role = worth.roles.iter().filter(|role| role.claim.holds(claims)).map(|role| role.role).max();
    match role {
        Some(role) => Ok(Holder { name, role, scope: scope(claims, &worth.teams, &worth.all_teams) }),
        None => Err(LoginError::Nobody(name)),
    }
}

/// A time may have a fraction.
fn seconds(value: &Value) -> Option<i64> {
    let text = value.as_f64()?.trunc().to_string();
    text.parse().ok()
}

/// Returns what somebody is called here: in a way in which no token can be, with what never changes about them, and what people know.
fn name(claims: &Map<String, Value>, subject: &str) -> String {
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    // An address that nobody checked is what somebody wants to be called.
    let verified = claims.get("email_verified").and_then(Value::as_bool) == Some(true);
    let known = text("email").filter(|_| verified).or_else(|| text("preferred_username")).unwrap_or_default();
    let plain = |text: &str| -> String {
        let kept = text.chars().filter(|char| !char.is_control() && !"()".contains(*char));
        kept.take(MAX_NAME).collect()
    };
    format!("{} (oidc {})", plain(known), plain(subject)).trim_start().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_store::Scope;
    use serde_json::json;

    fn claims(changes: &Value) -> Map<String, Value> {
        let mut claims = json!({
            "iss": "https://id.example", "aud": "assay", "sub": "1", "exp": 1000, "iat": 900, "nonce": "n",
            "email": "alice@example.org", "email_verified": true, "groups": ["all", "security"],
            "realm_access": { "roles": ["boss"] }, "https://a.example/team": "x:y",
        });
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        claims.as_object().unwrap().clone()
    }

    fn check(changes: &Value, nonce: Option<&str>, roles: &[&str]) -> Result<Holder, String> {
        let roles = roles.iter().map(|role| role.parse().unwrap()).collect();
        let expected =
            Expected { issuer: "https://id.example", client: "assay", nonce, now: Moment(950_000) };
        holder(&claims(changes), &expected, &Worth { roles, ..Worth::default() })
            .map_err(|error| error.to_string())
    }

    const ALL: &[&str] = &["sub=*:viewer"];

    #[test]
    fn who_it_is_and_what_that_is_worth() {
        let alice =
            |role| Ok(Holder { name: "alice@example.org (oidc 1)".to_owned(), role, scope: Scope::Fleet });
        assert_eq!(check(&json!({}), Some("n"), ALL), alice(Role::Viewer));
        assert_eq!(
            check(&json!({}), None, &["groups=security:security", "sub=*:viewer"]),
            alice(Role::Security)
        );
        assert_eq!(check(&json!({}), None, &["realm_access.roles=boss:admin"]), alice(Role::Admin));
        assert_eq!(
            check(&json!({}), None, &["https://a.example/team=x:y:developer"]),
            alice(Role::Developer)
        );
        assert!(
            check(&json!({}), None, &["groups=admins:admin", "groups=secur:admin"])
                .unwrap_err()
                .contains("no role")
        );
        assert!(check(&json!({}), None, &[]).is_err());
        let name = |changes: Value| check(&changes, None, ALL).unwrap().name;
        assert_eq!(name(json!({ "email_verified": false })), "(oidc 1)");
        assert_eq!(
            name(json!({ "email_verified": false, "preferred_username": "ci (oidc 2)\n" })),
            "ci oidc 2 (oidc 1)"
        );
    }

    #[test]
    fn what_is_not_for_us_now_is_refused() {
        for (changes, why) in [
            (json!({ "iss": "https://id.example/" }), "another provider"),
            (json!({ "aud": "other" }), "not for this server"),
            (json!({ "aud": null }), "not for this server"),
            (json!({ "aud": ["assay", "other"] }), "another program"),
            (json!({ "azp": "other" }), "another program"),
            (json!({ "exp": 890 }), "time is over"),
            (json!({ "exp": null }), "time is over"),
            (json!({ "exp": "1000" }), "time is over"),
            (json!({ "iat": 1011 }), "has not come"),
            (json!({ "iat": null }), "has not come"),
            (json!({ "nbf": 1011 }), "has not come"),
            (json!({ "nonce": "m" }), "another login"),
            (json!({ "nonce": null }), "another login"),
            (json!({ "sub": "" }), "who it is about"),
        ] {
            let said = check(&changes, Some("n"), ALL).unwrap_err();
            assert!(said.contains(why), "{changes}: {said}");
        }
        assert!(check(&json!({ "aud": ["assay", "other"], "azp": "assay" }), Some("n"), ALL).is_ok());
        assert!(check(&json!({ "exp": 1000.5, "nonce": "m" }), None, ALL).is_ok());
    }

    #[test]
    fn roles_are_read_or_refused() {
        for text in ["", "groups", "groups=x", "groups=x:root", "=x:admin", "groups=:admin", "groups:admin"] {
            assert!(text.parse::<RoleClaim>().is_err(), "{text}");
        }
        assert_eq!("a=b:c:admin".parse::<RoleClaim>().unwrap().to_string(), "a=b:c:admin");
    }
}
