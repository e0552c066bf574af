//! The tree itself: the answers, and the outcome of every combination, as a table.

use assay_model::context::{Criticality, Environment, Exposure, Sensitivity};
use assay_model::{Priority, Usage};

/// What is known about attacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Exploitation {
    /// Nothing.
    None,
    /// Attack code is public, or attacks are likely.
    Poc,
    /// Attacks have been seen.
    Active,
}

/// Whether an attacker can let a program do it, target after target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Automatable {
    /// It takes a person, a position or luck.
    No,
    /// Yes.
    Yes,
}

/// What an attack gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TechnicalImpact {
    /// Some of the software's data or behaviour.
    Partial,
    /// The software: all that it knows and does.
    Total,
}

/// What depends on the image: its environment, data and criticality together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stakes {
    /// Little.
    Low,
    /// Work.
    Medium,
    /// Much.
    High,
}

impl Exploitation {
    /// All, the least urgent first.
    pub const ALL: [Self; 3] = [Self::None, Self::Poc, Self::Active];

    /// Returns the name used in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Poc => "poc",
            Self::Active => "active",
        }
    }
}

impl Automatable {
    /// All, the least urgent first.
    pub const ALL: [Self; 2] = [Self::No, Self::Yes];

    /// Returns the name used in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::No => "no",
            Self::Yes => "yes",
        }
    }
}

impl TechnicalImpact {
    /// All, the least urgent first.
    pub const ALL: [Self; 2] = [Self::Partial, Self::Total];

    /// Returns the name used in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Partial => "partial",
            Self::Total => "total",
        }
    }
}

impl Stakes {
    /// All, the least urgent first.
    pub const ALL: [Self; 3] = [Self::Low, Self::Medium, Self::High];

    /// Returns the name used in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// The answers to all questions about one finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Inputs {
    /// What is known about attacks.
    pub exploitation: Exploitation,
    /// Who can reach it.
    pub exposure: Exposure,
    /// Whether attacks can be automated.
    pub automatable: Automatable,
    /// What an attack gives.
    pub impact: TechnicalImpact,
    /// What depends on it.
    pub stakes: Stakes,
    /// Whether the package is used.
    pub usage: Usage,
}

/// Where the tree ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Outcome {
    /// What to do.
    pub priority: Priority,
    /// What it would have been, were the package used.
    pub before_usage: Priority,
}

/// One row of the tree: exploitation, exposure, automatable, and the outcomes by impact and stakes, in the order partial low,
/// medium, high, total low, medium, high.
pub type Row = (Exploitation, Exposure, Automatable, [Priority; 6]);

/// Every combination of answers but usage.
///
/// The rows where attacks have been seen and anybody can reach the software end in "act" wherever anything depends on it;
/// those where nothing is known of attacks reach "attend" in one place only: the rest is for the ordinary cycle of updates.
/// In between the order is that of CISA's table. `docs/manual/priority.md` prints it.
pub const TREE: [Row; 18] = {
    use Automatable::{No, Yes};
    use Exploitation::{Active, None, Poc};
    use Exposure::{Controlled, NotExposed, Open};
    use Priority::{Act as X, Attend as A, Track as T, TrackClosely as C};
    [
        (None, NotExposed, No, [T, T, T, T, T, T]),
        (None, NotExposed, Yes, [T, T, T, T, T, C]),
        (None, Controlled, No, [T, T, T, T, T, C]),
        (None, Controlled, Yes, [T, T, C, T, C, C]),
        (None, Open, No, [T, T, C, T, C, C]),
        (None, Open, Yes, [T, C, C, T, C, A]),
        (Poc, NotExposed, No, [T, T, T, T, T, C]),
        (Poc, NotExposed, Yes, [T, T, C, T, C, C]),
        (Poc, Controlled, No, [T, T, C, T, C, A]),
        (Poc, Controlled, Yes, [T, C, A, C, A, A]),
        (Poc, Open, No, [T, C, A, C, A, A]),
        (Poc, Open, Yes, [C, C, A, C, A, X]),
        (Active, NotExposed, No, [T, C, A, C, A, A]),
        (Active, NotExposed, Yes, [C, C, A, C, A, A]),
        (Active, Controlled, No, [C, A, A, A, A, X]),
        (Active, Controlled, Yes, [A, A, X, A, X, X]),
        (Active, Open, No, [A, X, X, X, X, X]),
        (Active, Open, Yes, [X, X, X, X, X, X]),
    ]
};

/// How many steps an unused package lowers a finding that nobody is seen to attack.
pub const UNUSED_STEPS: usize = 2;

/// How many where attacks have been seen: usage is judged from files that do not run, and attackers look for what defenders
/// take for unreachable.
pub const UNUSED_STEPS_WHEN_ACTIVE: usize = 1;

/// Returns where the answers lead.
pub fn decide(inputs: &Inputs) -> Outcome {
    let column = match (inputs.impact, inputs.stakes) {
        (TechnicalImpact::Partial, Stakes::Low) => 0,
        (TechnicalImpact::Partial, Stakes::Medium) => 1,
        (TechnicalImpact::Partial, Stakes::High) => 2,
        (TechnicalImpact::Total, Stakes::Low) => 3,
        (TechnicalImpact::Total, Stakes::Medium) => 4,
        (TechnicalImpact::Total, Stakes::High) => 5,
    };
    let row = TREE.iter().find(|(exploitation, exposure, automatable, _)| {
        (*exploitation, *exposure, *automatable) == (inputs.exploitation, inputs.exposure, inputs.automatable)
    });
    // A test holds that every combination has a row; were one missing, the finding would be the most urgent, not none.
    let before_usage = row.and_then(|row| row.3.get(column)).copied().unwrap_or(Priority::Act);
    let steps = match (inputs.usage, inputs.exploitation) {
        (Usage::Used | Usage::Unknown, _) => 0,
        (Usage::Unused, Exploitation::Active) => UNUSED_STEPS_WHEN_ACTIVE,
        (Usage::Unused, Exploitation::None | Exploitation::Poc) => UNUSED_STEPS,
    };
    // `ALL` has the most urgent first; the last is as low as it goes.
    let place = Priority::ALL.iter().position(|one| *one == before_usage).unwrap_or_default();
    let priority = Priority::ALL.get(place + steps).copied().unwrap_or(Priority::Track);
    Outcome { priority, before_usage }
}

/// Returns what depends on an image.
pub fn stakes(environment: Environment, data: Sensitivity, criticality: Criticality) -> Stakes {
    let much = data == Sensitivity::Sensitive || criticality == Criticality::High;
    let little = data == Sensitivity::Public && criticality == Criticality::Low;
    match environment {
        Environment::Production if much => Stakes::High,
        Environment::Production if little => Stakes::Low,
        Environment::Production => Stakes::Medium,
        Environment::Staging if much => Stakes::Medium,
        // Sensitive data is as sensitive where software is made.
        Environment::Development if data == Sensitivity::Sensitive => Stakes::Medium,
        Environment::Staging | Environment::Development => Stakes::Low,
    }
}
