//! Which part of the fleet somebody sees: all of it, or the images of some teams.
//!
//! A team sees an image when it owns a repository that the image is in, and of an image that is in others as well only what is said of its own
//! repositories. The conditions are written in SQL, so that pages of lists have the length that was asked for; whoever sees everything gets
//! the statements without them, and without what they would cost.

use crate::text::clean;
use sqlx::any::{Any, AnyArguments};
use sqlx::query::Query;
use std::collections::BTreeSet;

/// Which part of the fleet somebody sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Everything.
    Fleet,
    /// The images in repositories that one of these teams owns. Names are compared as they are written.
    Teams(BTreeSet<String>),
}

/// Repositories of owners with their images, and places of images with their owners. SQLite takes the order of a CROSS JOIN as it is written:
/// the few on the left are looked up first.
const OWNED: &str =
    "repositories o CROSS JOIN image_places s WHERE s.registry = o.registry AND s.repository = o.repository";
const PLACES: &str =
    "image_places s CROSS JOIN repositories o WHERE o.registry = s.registry AND o.repository = s.repository";

impl Scope {
    /// Returns the scope of whoever is bound to these teams; who is bound to nothing sees everything.
    pub fn of(teams: Option<impl IntoIterator<Item = String>>) -> Self {
        teams.map_or(Self::Fleet, |teams| Self::Teams(teams.into_iter().collect()))
    }

    /// Returns the teams, if there is a bound.
    pub fn teams(&self) -> Option<&BTreeSet<String>> {
        match self {
            Self::Fleet => None,
            Self::Teams(teams) => Some(teams),
        }
    }

    /// Says whether what belongs to somebody is within.
    pub fn holds(&self, owner: Option<&str>) -> bool {
        match self {
            Self::Fleet => true,
            Self::Teams(teams) => owner.is_some_and(|owner| teams.contains(owner)),
        }
    }

    /// Says whether everything of another scope is within this one.
    pub fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Fleet, _) => true,
            (Self::Teams(_), Self::Fleet) => false,
            (Self::Teams(own), Self::Teams(other)) => other.is_subset(own),
        }
    }

    /// Returns the condition under which the images of these numbers are within, for lists. Of this and all that follow: nothing for who sees
    /// everything, else it begins with `AND`, and the teams are the parameters from `first` on, which [`Scope::bind`] gives once for all of
    /// a statement.
    pub(crate) fn images(&self, image: &str, first: usize) -> String {
        // The images of the teams are found once: with a look at each row the counts of a fleet took half a minute.
        self.some(
            |teams| format!(" AND {image} IN (SELECT s.image FROM {OWNED} AND o.owner IN ({teams}))"),
            first,
        )
    }

    /// Returns the same condition for single images.
    pub(crate) fn image(&self, image: &str, first: usize) -> String {
        self.some(
            |teams| {
                format!(" AND EXISTS (SELECT 1 FROM {PLACES} AND s.image = {image} AND o.owner IN ({teams}))")
            },
            first,
        )
    }

    /// Returns the condition under which the image of this number is within, and in no repository that is not.
    pub(crate) fn whole_image(&self, image: &str, first: usize) -> String {
        let here = self.place("z.registry", "z.repository", first);
        self.some(|_| {
            format!(
                "{} AND NOT EXISTS (SELECT 1 FROM image_places z WHERE z.image = {image} AND NOT (1 = 1{here}))",
                self.image(image, first)
            )
        }, first)
    }

    /// Returns the condition under which a repository is within.
    pub(crate) fn place(&self, registry: &str, repository: &str, first: usize) -> String {
        self.some(|teams| {
            format!(
                " AND EXISTS (SELECT 1 FROM repositories o WHERE o.registry = {registry} AND o.repository = {repository} \
                 AND o.owner IN ({teams}))"
            )
        }, first)
    }

    /// Returns the same condition for lists.
    pub(crate) fn places(&self, registry: &str, repository: &str, first: usize) -> String {
        self.some(
            |teams| {
                format!(
                    " AND ({registry}, {repository}) IN (SELECT o.registry, o.repository FROM repositories o WHERE o.owner IN ({teams}))"
                )
            },
            first,
        )
    }

    /// Returns the condition under which a repository is within that is written as `registry/repository`.
    pub(crate) fn named(&self, name: &str, first: usize) -> String {
        self.some(
            |teams| {
                format!(
                    " AND {name} IN (SELECT o.registry || '/' || o.repository FROM repositories o WHERE o.owner IN ({teams}))"
                )
            },
            first,
        )
    }

    /// Returns the condition under which a deployment is within: its image is, and its service is said to be a team's, or nobody else's
    /// could it be.
    pub(crate) fn deployment(&self, table: &str, first: usize) -> String {
        let image = format!("{table}.image");
        self.some(
            |teams| {
                format!(
                    "{} AND ({table}.team IN ({teams}) OR ({table}.team IS NULL{}))",
                    self.image(&image, first),
                    self.whole_image(&image, first)
                )
            },
            first,
        )
    }

    /// Returns the expressions for registry and repository by which an image is told: where it was first seen, or the first of the
    /// repositories that are within.
    pub(crate) fn name(&self, images: &str, first: usize) -> [String; 2] {
        ["registry", "repository"].map(|column| match self {
            Self::Fleet => format!("{images}.{column}"),
            Self::Teams(_) => {
                let from = format!(
                    "SELECT s.{column} FROM {PLACES} AND s.image = {images}.id AND o.owner IN ({})",
                    self.parameters(first)
                );
                format!(
                    "COALESCE(({from} AND s.registry = {images}.registry AND s.repository = {images}.repository), \
                     ({from} ORDER BY s.registry, s.repository LIMIT 1))"
                )
            }
        })
    }

    /// Gives a statement the teams.
    pub(crate) fn bind<'q>(&self, mut query: Query<'q, Any, AnyArguments>) -> Query<'q, Any, AnyArguments> {
        for team in self.teams().into_iter().flatten() {
            query = query.bind(clean(team));
        }
        query
    }

    fn some(&self, condition: impl Fn(&str) -> String, first: usize) -> String {
        match self {
            Self::Fleet => String::new(),
            Self::Teams(_) => condition(&self.parameters(first)),
        }
    }

    /// Nothing is equal to NULL: whoever has no team sees nothing.
    fn parameters(&self, first: usize) -> String {
        let teams = self.teams().map_or(0, BTreeSet::len);
        let numbers: Vec<String> = (first..).take(teams).map(|number| format!("${number}")).collect();
        if numbers.is_empty() { "NULL".to_owned() } else { numbers.join(", ") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn teams(names: &[&str]) -> Scope {
        Scope::of(Some(names.iter().map(|&name| name.to_owned())))
    }

    #[test]
    fn a_scope_covers_no_more_than_its_teams() {
        let (ab, a, none) = (teams(&["a", "b"]), teams(&["a"]), teams(&[]));
        for (one, other, want) in [
            (&Scope::Fleet, &ab, true),
            (&ab, &Scope::Fleet, false),
            (&ab, &a, true),
            (&a, &ab, false),
            (&a, &teams(&["A"]), false),
            (&none, &a, false),
            (&a, &none, true),
        ] {
            assert_eq!(one.covers(other), want, "{one:?} {other:?}");
        }
        assert!(ab.holds(Some("b")) && !ab.holds(Some("B")) && !ab.holds(None) && Scope::Fleet.holds(None));
    }

    #[test]
    fn who_sees_everything_pays_for_no_condition() {
        let all = Scope::Fleet;
        for condition in [
            all.images("i.id", 1),
            all.image("i.id", 1),
            all.whole_image("i.id", 1),
            all.place("r", "p", 1),
            all.deployment("d", 1),
        ] {
            assert_eq!(condition, "");
        }
        assert_eq!(all.name("i", 1), ["i.registry", "i.repository"]);
        assert!(teams(&["a", "b"]).images("i.id", 7).contains("IN ($7, $8)"));
        assert!(teams(&[]).image("i.id", 7).contains("IN (NULL)"));
    }
}
