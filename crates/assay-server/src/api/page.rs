//! What all lists have in common: where they begin, how long a page is, and texts to look for.

use crate::problem::Problem;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query};
use serde::{Deserialize, Serialize};
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::openapi::{KnownFormat, RefOr, SchemaFormat};
use utoipa::{PartialSchema, ToSchema};

/// Entries of a page when nothing is said, and at most.
const PAGE: i64 = 100;
const MAX_PAGE: i64 = 1000;

/// The largest number of an entry: what every JSON parser reads exactly (RFC 8259, section 6).
const MAX_NUMBER: i64 = (1 << 53) - 1;

/// The longest text that is looked for. Nothing that is kept and looked for is longer.
const MAX_TEXT: usize = 1000;

/// A page of a list.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct List<T> {
    /// The entries.
    pub items: Vec<T>,
    /// What `after` is for the page that follows; `null` at the end. That page may have fewer entries than `limit`, or none, and go on.
    #[schema(required)]
    pub next: Option<i64>,
}

impl<T> List<T> {
    /// Makes a page: of what was found, by the number of each, up to a limit.
    pub(crate) fn of<F>(found: Vec<F>, limit: Limit, number: impl Fn(&F) -> i64) -> Self
    where
        T: From<F>,
    {
        let next = found.last().map(number).filter(|_| limit.is_reached(found.len()));
        Self { items: found.into_iter().map(T::from).collect(), next }
    }
}

/// What is asked for by parameters. Handlers look at it once they know who asks: nobody else is told what is wrong with it.
pub(crate) type Queried<T> = Result<Query<T>, QueryRejection>;

/// What is named in the path, read as [`Queried`] is.
pub(crate) type Pathed<T> = Result<Path<T>, PathRejection>;

/// Where a page begins.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(try_from = "i64")]
pub(crate) struct After(pub(crate) i64);

impl TryFrom<i64> for After {
    type Error = String;
    fn try_from(number: i64) -> Result<Self, String> {
        if (0..=MAX_NUMBER).contains(&number) {
            return Ok(Self(number));
        }
        Err(format!("`after` is the `next` of a page before, which is no {number}"))
    }
}

/// How long a page is.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "i64")]
pub(crate) struct Limit(pub(crate) i64);

impl Default for Limit {
    fn default() -> Self {
        Self(PAGE)
    }
}

impl Limit {
    pub(crate) fn is_reached(self, length: usize) -> bool {
        i64::try_from(length).is_ok_and(|length| length >= self.0)
    }
}

impl TryFrom<i64> for Limit {
    type Error = String;
    fn try_from(number: i64) -> Result<Self, String> {
        if (1..=MAX_PAGE).contains(&number) {
            return Ok(Self(number));
        }
        Err(format!("a page has 1 to {MAX_PAGE} entries, and `limit` says {number}"))
    }
}

/// Makes what a list is asked by: what stands there, and where a page begins and how long it is.
macro_rules! paged {
    ($(#[$about:meta])* $name:ident { $($(#[$of:meta])* $field:ident: $kind:ty,)* }) => {
        $(#[$about])*
        #[derive(serde::Deserialize, utoipa::IntoParams)]
        #[serde(deny_unknown_fields)]
        #[into_params(parameter_in = Query)]
        pub(crate) struct $name {
            $($(#[$of])* $field: $kind,)*
            /// After this number: the `next` of the page before.
            #[serde(default)]
            #[param(inline)]
            after: $crate::api::page::After,
            /// How many at most.
            #[serde(default)]
            #[param(inline)]
            limit: $crate::api::page::Limit,
        }

        impl $name {
            /// Returns where the page begins, and how long it is.
            pub(crate) fn page(&self) -> (i64, $crate::api::page::Limit) {
                (self.after.0, self.limit)
            }
        }
    };
}
pub(crate) use paged;

paged! {
    /// Which part of a list is asked for.
    Paged {}
}

/// A number in an address.
pub(crate) fn number(text: &str) -> Result<i64, Problem> {
    let number: Option<i64> = text.parse().ok().filter(|number| (0..=MAX_NUMBER).contains(number));
    number.ok_or_else(|| Problem::invalid("it is no number of an entry"))
}

/// A text that is looked for.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Text(pub(crate) String);

impl TryFrom<String> for Text {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        if text.chars().count() <= MAX_TEXT {
            return Ok(Self(text));
        }
        Err(format!("nothing that is looked for has more than {MAX_TEXT} characters"))
    }
}

pub(crate) fn text(text: &Option<Text>) -> Option<&str> {
    text.as_ref().map(|Text(text)| text.as_str())
}

fn integer(minimum: i64, maximum: i64, default: i64) -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(Type::Integer)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
        .minimum(Some(minimum))
        .maximum(Some(maximum))
        .default(Some(default.into()))
        .into()
}

impl PartialSchema for After {
    fn schema() -> RefOr<Schema> {
        integer(0, MAX_NUMBER, 0)
    }
}

impl ToSchema for After {}

impl PartialSchema for Limit {
    fn schema() -> RefOr<Schema> {
        integer(1, MAX_PAGE, PAGE)
    }
}

impl ToSchema for Limit {}

impl PartialSchema for Text {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::String).max_length(Some(MAX_TEXT)).into()
    }
}

impl ToSchema for Text {}

/// The schema of a digest in an address.
pub(crate) fn digest() -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some("^(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$"))
        .examples(["sha256:4e8a7b3a2f5c6d1e0f9a8b7c6d5e4f3a2b1c0d9e8f7a6b5c4d3e2f1a0b9c8d7e"])
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_out_of_bounds_is_refused_and_not_bent() {
        assert!(Limit::try_from(1).is_ok() && Limit::try_from(1000).is_ok());
        assert!(Limit::try_from(0).is_err() && Limit::try_from(1001).is_err());
        assert!(After::try_from(0).is_ok() && After::try_from(-1).is_err());
        assert!(After::try_from(MAX_NUMBER + 1).is_err());
        assert!(Text::try_from("ä".repeat(1000)).is_ok() && Text::try_from("a".repeat(1001)).is_err());
        for text in ["", "-1", "x", "99999999999999999999"] {
            assert!(number(text).is_err(), "{text}");
        }
    }
}
