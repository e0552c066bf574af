//! Which teams somebody belongs to, as their ID token claims: written like the claims that are worth a role.

use super::claims::Claim;
use assay_store::Scope;
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// Teams of one person. What an identity provider lists beyond is left out, the last by the alphabet first.
const MAX_TEAMS: usize = 500;
/// The longest team, in characters: no owner is longer.
const MAX_TEAM: usize = 200;

/// A claim that puts somebody into a team: `CLAIM=VALUE:TEAM`. A value that ends in `*` stands for all that begin so, and a `*` in the team
/// for the rest: `groups=team-*:team-*` takes groups as teams of the same name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TeamClaim {
    claim: Claim,
    /// Whether the value is only the beginning.
    is_prefix: bool,
    team: String,
}

/// A claim by which somebody sees all teams: `CLAIM=VALUE`, where `*` stands for any value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllTeamsClaim(Claim);

/// A text is no claim with a team.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidTeam {
    /// It puts nobody into a team.
    #[error(
        "expected `CLAIM=VALUE:TEAM`, such as `groups=payments:team-payments` or, of all groups that begin so, `groups=team-*:team-*`"
    )]
    Team,
    /// It says not by which claim all is seen.
    #[error("expected `CLAIM=VALUE`, such as `groups=platform`")]
    All,
}

impl FromStr for TeamClaim {
    type Err = InvalidTeam;
    fn from_str(text: &str) -> Result<Self, InvalidTeam> {
        let (claim, team) = text.rsplit_once(':').ok_or(InvalidTeam::Team)?;
        let mut claim = Claim::parse(claim).ok_or(InvalidTeam::Team)?;
        let prefix = claim.value.strip_suffix('*').map(str::to_owned);
        let is_prefix = prefix.is_some();
        let stars = team.matches('*').count();
        if !is_team(team) || stars > usize::from(is_prefix) {
            return Err(InvalidTeam::Team);
        }
        claim.value = prefix.unwrap_or(claim.value);
        Ok(Self { claim, is_prefix, team: team.to_owned() })
    }
}

impl fmt::Display for TeamClaim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let star = if self.is_prefix { "*" } else { "" };
        write!(f, "{}={}{star}:{}", self.claim.claim, self.claim.value, self.team)
    }
}

impl FromStr for AllTeamsClaim {
    type Err = InvalidTeam;
    fn from_str(text: &str) -> Result<Self, InvalidTeam> {
        Claim::parse(text).map(Self).ok_or(InvalidTeam::All)
    }
}

impl fmt::Display for AllTeamsClaim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.0.claim, self.0.value)
    }
}

impl TeamClaim {
    fn team(&self, value: &str) -> Option<String> {
        let rest = value.strip_prefix(&self.claim.value)?;
        if !self.is_prefix && !rest.is_empty() {
            return None;
        }
        Some(self.team.replacen('*', rest, 1)).filter(|team| is_team(team))
    }
}

/// Says whether a text may be the name of a team: what may be an owner.
pub(crate) fn is_team(text: &str) -> bool {
    text.trim() == text
        && !text.is_empty()
        && text.chars().count() <= MAX_TEAM
        && !text.chars().any(char::is_control)
}

/// Returns what somebody sees: everything where nobody is put into teams; else what is of their teams, which is nothing without one.
pub(super) fn scope(claims: &Map<String, Value>, teams: &[TeamClaim], all: &[AllTeamsClaim]) -> Scope {
    if teams.is_empty() || all.iter().any(|AllTeamsClaim(claim)| claim.holds(claims)) {
        return Scope::Fleet;
    }
    let of = |one: &TeamClaim| {
        let values = one.claim.values(claims);
        values.into_iter().filter_map(|value| one.team(value)).collect::<Vec<_>>()
    };
    let found: BTreeSet<String> = teams.iter().flat_map(of).collect();
    Scope::of(Some(found.into_iter().take(MAX_TEAMS)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(teams: &[&str], all: &[&str], want: Option<&[&str]>) {
        let claims = json!({
            "sub": "1", "groups": ["team-web", "team-", "Payments", "urn:x:ops", "bad\nname", 7], "realm": { "team": "web" },
        });
        let teams: Vec<TeamClaim> = teams.iter().map(|text| text.parse().unwrap()).collect();
        let all: Vec<AllTeamsClaim> = all.iter().map(|text| text.parse().unwrap()).collect();
        let seen = scope(claims.as_object().unwrap(), &teams, &all);
        let want = want.map(|teams| teams.iter().map(|&team| team.to_owned()).collect::<BTreeSet<_>>());
        assert_eq!(seen.teams().cloned(), want, "{teams:?} {all:?}");
    }

    #[test]
    fn who_is_in_no_team_sees_nothing_once_there_are_teams() {
        check(&[], &[], None);
        check(&["groups=nobody:x"], &[], Some(&[]));
        check(&["groups=nobody:x"], &["groups=nobody"], Some(&[]));
        check(&["groups=nobody:x"], &["groups=Payments"], None);
        check(&["groups=nobody:x"], &["sub=*"], None);
        check(&["nothing=*:*"], &[], Some(&[]));
    }

    #[test]
    fn values_are_teams_by_themselves_or_by_their_beginning() {
        check(&["groups=Payments:pay", "groups=payments:no"], &[], Some(&["pay"]));
        check(&["groups=team-*:*"], &[], Some(&["web"]));
        check(&["groups=team-*:team-*"], &[], Some(&["team-", "team-web"]));
        check(&["groups=team-*:everybody"], &[], Some(&["everybody"]));
        check(&["groups=urn:x:ops:operations"], &[], Some(&["operations"]));
        check(&["realm.team=*:the * team"], &[], Some(&["the web team"]));
        // What no owner can be called is no team.
        check(&["groups=bad*:*"], &[], Some(&[]));
    }

    #[test]
    fn claims_are_read_or_refused() {
        for text in [
            "",
            "groups",
            "groups=x",
            "groups=x:",
            "=x:y",
            "groups=:y",
            "groups=x:*",
            "groups=x*:**",
            "groups=x: y",
        ] {
            assert!(text.parse::<TeamClaim>().is_err(), "{text}");
        }
        for text in ["a=b:c:d", "a=b*:c-*", "a=*:c"] {
            assert_eq!(text.parse::<TeamClaim>().unwrap().to_string(), text);
        }
        assert!("groups".parse::<AllTeamsClaim>().is_err());
        assert_eq!("a=b:c".parse::<AllTeamsClaim>().unwrap().to_string(), "a=b:c");
    }
}
