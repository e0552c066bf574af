//! Context: where an image runs and what depends on it, as operators state it, and who stated what.
//!
//! Every grade is ordered from least to most urgent, so that "may only raise" is a comparison. What nobody states has a
//! default, and the default says of itself that it is one.

use std::fmt;

/// A closed, ordered set of words that operators choose from.
pub trait Grade: Copy + Ord + fmt::Debug + 'static {
    /// What it grades, as the key of the configuration and the name of the option.
    const KEY: &'static str;
    /// All grades, the least urgent first.
    const ALL: &'static [Self];
    /// The grade that holds when nobody states one.
    const DEFAULT: Self;

    /// Returns the word for it.
    fn name(self) -> &'static str;

    /// Reads the word for it, in any case.
    ///
    /// # Errors
    /// Fails on any other word.
    fn parse(text: &str) -> Result<Self, InvalidGrade> {
        let found = Self::ALL.iter().copied().find(|grade| grade.name().eq_ignore_ascii_case(text.trim()));
        found.ok_or_else(|| InvalidGrade {
            key: Self::KEY,
            text: text.to_owned(),
            expected: Self::ALL.iter().map(|grade| grade.name()).collect::<Vec<_>>().join(", "),
        })
    }
}

/// A word is none of those a grade has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no value of `{key}`: expected one of {expected}")]
pub struct InvalidGrade {
    /// What was graded.
    pub key: &'static str,
    /// The word.
    pub text: String,
    /// The words there are.
    pub expected: String,
}

/// What kind of environment an image runs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Environment {
    /// Where software is made; nobody else relies on it.
    Development,
    /// Where software is tried before it is released.
    Staging,
    /// Where it does its work.
    Production,
}

/// Who can reach what runs from an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Exposure {
    /// Nobody from outside: a batch job, a build step.
    NotExposed,
    /// Those inside a network or behind an authenticating proxy.
    Controlled,
    /// Anybody on the internet.
    Open,
}

/// How sensitive the data is that it can read or change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Sensitivity {
    /// Everybody may know it.
    Public,
    /// The organisation's own.
    Internal,
    /// Personal, secret or regulated.
    Sensitive,
}

/// How much depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Criticality {
    /// Nobody would notice for days.
    Low,
    /// Work would be disturbed.
    Medium,
    /// The organisation's purpose, or somebody's safety.
    High,
}

impl Grade for Environment {
    const KEY: &'static str = "environment";
    const ALL: &'static [Self] = &[Self::Development, Self::Staging, Self::Production];
    /// An image that nobody has placed may well be running in earnest.
    const DEFAULT: Self = Self::Production;

    fn name(self) -> &'static str {
        match self {
            Self::Development => "development",
            Self::Staging => "staging",
            Self::Production => "production",
        }
    }
}

impl Grade for Exposure {
    const KEY: &'static str = "exposure";
    const ALL: &'static [Self] = &[Self::NotExposed, Self::Controlled, Self::Open];
    /// Most of what runs is reached by other services; an image that exposes ports raises this default.
    const DEFAULT: Self = Self::Controlled;

    fn name(self) -> &'static str {
        match self {
            Self::NotExposed => "not-exposed",
            Self::Controlled => "controlled",
            Self::Open => "open",
        }
    }
}

impl Grade for Sensitivity {
    const KEY: &'static str = "data";
    const ALL: &'static [Self] = &[Self::Public, Self::Internal, Self::Sensitive];
    const DEFAULT: Self = Self::Internal;

    fn name(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Internal => "internal",
            Self::Sensitive => "sensitive",
        }
    }
}

impl Grade for Criticality {
    const KEY: &'static str = "criticality";
    const ALL: &'static [Self] = &[Self::Low, Self::Medium, Self::High];
    const DEFAULT: Self = Self::Medium;

    fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// A value and who stated it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting<T> {
    /// The value.
    pub value: T,
    /// Where it comes from, in words: `default`, `--exposure`, a file and line, a label.
    pub origin: String,
}

impl<T> Setting<T> {
    /// Returns a value with its origin.
    pub fn new(value: T, origin: impl Into<String>) -> Self {
        Self { value, origin: origin.into() }
    }
}

impl<T: Grade> Setting<T> {
    /// Returns the value that holds when nobody states one.
    fn by_default() -> Self {
        Self::new(T::DEFAULT, "default")
    }

    /// Takes another value if it is more urgent.
    fn raise(&mut self, other: &Self) {
        if other.value > self.value {
            self.clone_from(other);
        }
    }
}

/// What one place states: some of the grades, or none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stated {
    /// The environment.
    pub environment: Option<Setting<Environment>>,
    /// The exposure.
    pub exposure: Option<Setting<Exposure>>,
    /// The sensitivity of the data.
    pub data: Option<Setting<Sensitivity>>,
    /// The criticality.
    pub criticality: Option<Setting<Criticality>>,
    /// Who answers for it.
    pub owner: Option<Setting<String>>,
}

impl Stated {
    /// Returns these statements, and `lower`'s where there is none here.
    #[must_use]
    pub fn over(self, lower: &Self) -> Self {
        Self {
            environment: self.environment.or_else(|| lower.environment.clone()),
            exposure: self.exposure.or_else(|| lower.exposure.clone()),
            data: self.data.or_else(|| lower.data.clone()),
            criticality: self.criticality.or_else(|| lower.criticality.clone()),
            owner: self.owner.or_else(|| lower.owner.clone()),
        }
    }

    /// Returns the more urgent of both, value by value; the first owner stays.
    #[must_use]
    pub fn strictest(self, other: &Self) -> Self {
        fn higher<T: Grade>(one: Option<Setting<T>>, other: Option<&Setting<T>>) -> Option<Setting<T>> {
            match (one, other) {
                (Some(mut one), Some(other)) => {
                    one.raise(other);
                    Some(one)
                }
                (one, other) => one.or_else(|| other.cloned()),
            }
        }
        Self {
            environment: higher(self.environment, other.environment.as_ref()),
            exposure: higher(self.exposure, other.exposure.as_ref()),
            data: higher(self.data, other.data.as_ref()),
            criticality: higher(self.criticality, other.criticality.as_ref()),
            owner: self.owner.or_else(|| other.owner.clone()),
        }
    }

    /// Returns whether nothing is stated.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What is stated about one image, by whom it may be stated.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Statements {
    /// What operators state; it holds.
    pub operator: Stated,
    /// What the subject states of itself, such as a configuration inside a scanned folder; it may only raise.
    pub subject: Stated,
}

/// The context of one image: every grade, and who stated it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    /// Where it runs.
    pub environment: Setting<Environment>,
    /// Who can reach it.
    pub exposure: Setting<Exposure>,
    /// What data it handles.
    pub data: Setting<Sensitivity>,
    /// How much depends on it.
    pub criticality: Setting<Criticality>,
    /// Who answers for it.
    pub owner: Option<Setting<String>>,
}

impl Default for Context {
    fn default() -> Self {
        Self::new(&Stated::default())
    }
}

impl Context {
    /// Returns what operators state, with defaults for the rest.
    pub fn new(operator: &Stated) -> Self {
        let Stated { environment, exposure, data, criticality, owner } = operator.clone();
        Self {
            environment: environment.unwrap_or_else(Setting::by_default),
            exposure: exposure.unwrap_or_else(Setting::by_default),
            data: data.unwrap_or_else(Setting::by_default),
            criticality: criticality.unwrap_or_else(Setting::by_default),
            owner,
        }
    }

    /// Takes what `subject` states where it is more urgent, and nothing else of it.
    ///
    /// This is the only way by which an image or a scanned folder reaches its own context: the judged cannot soften the
    /// judgement.
    pub fn raise(&mut self, subject: &Stated) {
        fn one<T: Grade>(own: &mut Setting<T>, other: Option<&Setting<T>>) {
            if let Some(other) = other {
                own.raise(other);
            }
        }
        one(&mut self.environment, subject.environment.as_ref());
        one(&mut self.exposure, subject.exposure.as_ref());
        one(&mut self.data, subject.data.as_ref());
        one(&mut self.criticality, subject.criticality.as_ref());
        // An owner changes no priority; the operator's word stands.
        if self.owner.is_none() {
            self.owner.clone_from(&subject.owner);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exposure(value: Exposure) -> Stated {
        Stated { exposure: Some(Setting::new(value, "test")), ..Stated::default() }
    }

    #[test]
    fn words_are_read_back() {
        fn check<T: Grade>() {
            for grade in T::ALL {
                assert_eq!(T::parse(&grade.name().to_uppercase()), Ok(*grade));
            }
            assert!(T::ALL.is_sorted() && T::parse("").is_err());
        }
        check::<Environment>();
        check::<Exposure>();
        check::<Sensitivity>();
        check::<Criticality>();
        let error = Exposure::parse("closed").unwrap_err().to_string();
        assert_eq!(
            error,
            "`closed` is no value of `exposure`: expected one of not-exposed, controlled, open"
        );
    }

    #[test]
    fn a_subject_raises_and_never_lowers() {
        for own in Exposure::ALL {
            for subject in Exposure::ALL {
                let mut context = Context::new(&exposure(*own));
                context.raise(&exposure(*subject));
                assert_eq!(context.exposure.value, *own.max(subject));
            }
        }
    }

    #[test]
    fn the_first_word_stands_and_the_strictest_of_equals() {
        let (low, high) = (exposure(Exposure::NotExposed), exposure(Exposure::Open));
        assert_eq!(low.clone().over(&high), low);
        assert_eq!(Stated::default().over(&high), high);
        assert_eq!(low.strictest(&high), high);
    }
}
