//! Expressions in CEL (<https://github.com/google/cel-spec/blob/master/doc/langdef.md>), the escape hatch of policies, with a bound
//! on what one may cost.
//!
//! The interpreter has no limits of its own. Before an expression runs, its cost is bounded from its tree and the sizes of what it
//! looks at: a comprehension costs its list's length times its body, and `x + x` doubles. What could cost too much does not run.

use cel::common::ast::{EntryExpr, Expr, IdedExpr};
use cel::parser::Parser;
use cel::{Context, Value};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// Longer than this no expression is.
const MAX_TEXT: usize = 4096;

/// Brackets within brackets; the parser works by recursion.
const MAX_DEPTH: u16 = 48;

/// Trees are not deeper: what the parser allows is less, but for long sums.
const MAX_NESTING: u16 = 512;

/// Steps and letters; one or two million turns of a loop, about a second of the interpreter's time.
const MAX_COST: u64 = 50_000_000;

/// What a regular expression costs before it looks at a letter: it is compiled at every use.
const REGEX_COST: u64 = 2_000;

/// Operators and functions whose result is a truth or number, however large what they look at.
const GIVES_ONE: &[&str] = &[
    "_==_",
    "_!=_",
    "_<_",
    "_<=_",
    "_>_",
    "_>=_",
    "_&&_",
    "_||_",
    "!_",
    "@in",
    "size",
    "matches",
    "contains",
    "startsWith",
    "endsWith",
    "int",
    "uint",
    "double",
    "bool",
];

/// An expression that was parsed.
#[derive(Clone)]
pub struct Expression {
    source: String,
    tree: Arc<IdedExpr>,
}

/// Why an expression gives no truth.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExpressionError {
    /// It is longer than any.
    #[error("it has more than {MAX_TEXT} letters")]
    TooLong,
    /// It is no CEL.
    #[error("{0}")]
    Syntax(String),
    /// It could take too long on this image.
    #[error("it could take {cost} steps on this image, more than {MAX_COST}")]
    TooCostly {
        /// The bound.
        cost: u64,
    },
    /// It failed.
    #[error("{0}")]
    Execution(String),
    /// It gives something else.
    #[error("it gives {0}, not true or false")]
    NoTruth(String),
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Expression({:?})", self.source)
    }
}

impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl Expression {
    /// Parses an expression.
    ///
    /// # Errors
    /// Fails when it is too long or no CEL.
    pub fn compile(source: &str) -> Result<Self, ExpressionError> {
        if source.len() > MAX_TEXT {
            return Err(ExpressionError::TooLong);
        }
        // The parser's generated code is not written for hostile text: a panic in it is an error like any other.
        let parsed =
            catch_unwind(AssertUnwindSafe(|| Parser::new().max_recursion_depth(MAX_DEPTH).parse(source)))
                .map_err(|_| ExpressionError::Syntax("it cannot be parsed".to_owned()))?;
        let tree = parsed.map_err(|errors| {
            let text = errors.to_string();
            ExpressionError::Syntax(text.lines().next().unwrap_or("it cannot be parsed").to_owned())
        })?;
        Ok(Self { source: source.to_owned(), tree: Arc::new(tree) })
    }

    /// Returns what was written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Returns whether it may look at a variable.
    pub fn looks_at(&self, variable: &str) -> bool {
        self.has(|word| matches!(word, Word::Variable(name) if name == variable))
    }

    /// Returns whether it may look at a field of this name, or compare something with this text.
    pub fn speaks_of(&self, name: &str) -> bool {
        self.has(|word| matches!(word, Word::Field(own) | Word::Text(own) if own == name))
    }

    fn has(&self, is: impl Fn(Word<'_>) -> bool) -> bool {
        let mut found = false;
        words(&self.tree, 0, &mut |word| found |= word == Word::Unknown || is(word));
        found
    }

    /// Says whether it holds of these variables.
    ///
    /// # Errors
    /// Fails when it could cost too much, fails, or gives no truth.
    pub fn holds(&self, variables: &Variables) -> Result<bool, ExpressionError> {
        let (_, cost) = bound(&self.tree, &variables.sizes, 0);
        if cost > MAX_COST {
            return Err(ExpressionError::TooCostly { cost });
        }
        let run = || {
            let mut context = Context::default();
            for (name, value) in &variables.values {
                context.add_variable_from_value(name.clone(), value.clone());
            }
            context.resolve(&self.tree)
        };
        let result = catch_unwind(AssertUnwindSafe(run))
            .map_err(|_| ExpressionError::Execution("it cannot be evaluated".to_owned()))?;
        match result {
            Ok(Value::Bool(truth)) => Ok(truth),
            Ok(other) => Err(ExpressionError::NoTruth(other.type_of().to_string())),
            Err(error) => {
                let text: String = error.to_string().chars().take(300).collect();
                Err(ExpressionError::Execution(text))
            }
        }
    }
}

/// What an expression is written with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word<'a> {
    /// A variable, also one of a loop.
    Variable(&'a str),
    /// A field of something.
    Field(&'a str),
    /// A text.
    Text(&'a str),
    /// What is nested so deep that it does not run.
    Unknown,
}

/// Calls `see` with every word of an expression.
fn words<'a>(of: &'a IdedExpr, depth: u16, see: &mut dyn FnMut(Word<'a>)) {
    use cel::common::ast::LiteralValue;
    if depth > MAX_NESTING {
        return see(Word::Unknown);
    }
    let mut go = |expr: &'a IdedExpr| words(expr, depth + 1, see);
    let mut entry = |entry: &'a EntryExpr| match entry {
        EntryExpr::MapEntry(entry) => {
            go(&entry.key);
            go(&entry.value);
        }
        EntryExpr::StructField(field) => go(&field.value),
    };
    match &of.expr {
        // A leading dot names the same in the outermost scope.
        Expr::Ident(name) => see(Word::Variable(name.trim_start_matches('.'))),
        Expr::Select(select) => {
            go(&select.operand);
            see(Word::Field(&select.field));
        }
        Expr::Call(call) => call.target.iter().map(|target| &**target).chain(&call.args).for_each(go),
        Expr::List(list) => list.elements.iter().for_each(go),
        Expr::Map(map) => map.entries.iter().for_each(|one| entry(&one.expr)),
        Expr::Struct(one) => one.entries.iter().for_each(|one| entry(&one.expr)),
        Expr::Comprehension(one) => {
            [&one.iter_range, &one.accu_init, &one.loop_cond, &one.loop_step, &one.result]
                .into_iter()
                .for_each(go);
        }
        Expr::Literal(LiteralValue::String(text)) => see(Word::Text(text.inner())),
        Expr::Literal(_) | Expr::Unspecified => {}
    }
}

/// What an expression can look at.
#[derive(Default)]
pub struct Variables {
    values: BTreeMap<String, Value>,
    sizes: BTreeMap<String, Size>,
}

impl fmt::Debug for Variables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.values.keys()).finish()
    }
}

impl Variables {
    /// Adds a variable.
    pub fn set(&mut self, name: &str, json: &Json) {
        if let Ok(value) = cel::to_value(json) {
            self.values.insert(name.to_owned(), value);
            self.sizes.insert(name.to_owned(), Size::of(json));
        }
    }
}

/// How large a value is at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Size {
    /// Items of a list or map, letters of a text.
    length: u64,
    /// Everything in it.
    total: u64,
    /// Everything in its largest item.
    item: u64,
}

impl Size {
    const ONE: Self = Self { length: 1, total: 1, item: 1 };

    fn of(json: &Json) -> Self {
        let items = |sizes: Vec<u64>| Self {
            length: sizes.len() as u64,
            total: sizes.iter().fold(1, |sum: u64, size| sum.saturating_add(*size)),
            item: sizes.iter().copied().max().unwrap_or(1),
        };
        match json {
            Json::Null | Json::Bool(_) | Json::Number(_) => Self::ONE,
            Json::String(text) => Self::flat(text.len() as u64),
            Json::Array(list) => items(list.iter().map(|item| Self::of(item).total).collect()),
            Json::Object(map) => items(
                map.iter()
                    .map(|(key, value)| Self::of(value).total.saturating_add(key.len() as u64))
                    .collect(),
            ),
        }
    }

    /// Of something of which only all of it is known.
    fn flat(total: u64) -> Self {
        let total = total.max(1);
        Self { length: total, total, item: total }
    }

    fn join(self, other: Self) -> Self {
        Self {
            length: self.length.saturating_add(other.length),
            total: self.total.saturating_add(other.total),
            item: self.item.max(other.item),
        }
    }
}

/// Returns how large a result can be, and how many steps it can take.
fn bound(of: &IdedExpr, known: &BTreeMap<String, Size>, depth: u16) -> (Size, u64) {
    if depth > MAX_NESTING {
        return (Size::flat(u64::MAX), u64::MAX);
    }
    let go = |expr: &IdedExpr| bound(expr, known, depth + 1);
    let all = |exprs: &mut dyn Iterator<Item = (Size, u64)>| {
        exprs.fold((Vec::new(), 1u64), |(mut sizes, cost), (size, more)| {
            sizes.push(size);
            (sizes, cost.saturating_add(more))
        })
    };
    match &of.expr {
        Expr::Ident(name) => (known.get(name.as_str()).copied().unwrap_or(Size::ONE), 1),
        Expr::Select(select) => {
            let (size, cost) = go(&select.operand);
            (Size::flat(size.item), cost.saturating_add(1))
        }
        Expr::Call(call) => {
            let mut parts = call.target.iter().map(|target| go(target)).chain(call.args.iter().map(go));
            let (sizes, cost) = all(&mut parts);
            let joined = sizes.iter().fold(Size::ONE, |sum, size| sum.join(*size));
            // Comparing and searching look at everything.
            let regex = if call.func_name == "matches" { REGEX_COST } else { 0 };
            let size = match call.func_name.as_str() {
                "_[_]" => Size::flat(joined.item),
                name if GIVES_ONE.contains(&name) => Size::ONE,
                _ => joined,
            };
            (size, cost.saturating_add(joined.total).saturating_add(regex))
        }
        Expr::List(list) => {
            let (sizes, cost) = all(&mut list.elements.iter().map(go));
            let total = sizes.iter().fold(1, |sum: u64, size| sum.saturating_add(size.total));
            let item = sizes.iter().map(|size| size.total).max().unwrap_or(1);
            (Size { length: sizes.len() as u64, total, item }, cost)
        }
        Expr::Map(map) => {
            let mut entries = map.entries.iter().flat_map(|entry| match &entry.expr {
                EntryExpr::MapEntry(entry) => vec![go(&entry.key), go(&entry.value)],
                EntryExpr::StructField(field) => vec![go(&field.value)],
            });
            let (sizes, cost) = all(&mut entries);
            let total = sizes.iter().fold(1, |sum: u64, size| sum.saturating_add(size.total));
            (Size { length: sizes.len() as u64, total, item: total }, cost)
        }
        Expr::Struct(one) => {
            let mut entries = one.entries.iter().flat_map(|entry| match &entry.expr {
                EntryExpr::MapEntry(entry) => vec![go(&entry.key), go(&entry.value)],
                EntryExpr::StructField(field) => vec![go(&field.value)],
            });
            let (sizes, cost) = all(&mut entries);
            (sizes.iter().fold(Size::ONE, |sum, size| sum.join(*size)), cost)
        }
        Expr::Comprehension(one) => {
            let (range, range_cost) = go(&one.iter_range);
            let (start, start_cost) = go(&one.accu_init);
            let mut inner = known.clone();
            inner.insert(one.iter_var.clone(), Size::flat(range.item));
            if let Some(second) = &one.iter_var2 {
                inner.insert(second.clone(), Size::flat(range.item));
            }
            // One turn adds to the result what its body makes of an empty one: the macros of CEL only append.
            inner.insert(one.accu_var.clone(), Size::ONE);
            let (condition, condition_cost) = bound(&one.loop_cond, &inner, depth + 1);
            let (step, step_cost) = bound(&one.loop_step, &inner, depth + 1);
            let turns = range.length.saturating_add(1);
            let total = turns.saturating_mul(step.total).saturating_add(start.total);
            let gathered = Size { length: turns.saturating_mul(step.length), total, item: step.total };
            inner.insert(one.accu_var.clone(), gathered);
            let (result, result_cost) = bound(&one.result, &inner, depth + 1);
            let turn = condition_cost.saturating_add(step_cost).saturating_add(condition.total);
            let cost = turns
                .saturating_mul(turn)
                .saturating_add(range_cost)
                .saturating_add(start_cost)
                .saturating_add(result_cost);
            (result, cost)
        }
        Expr::Literal(_) | Expr::Unspecified => (Size::flat(of_literal(of)), 1),
    }
}

fn of_literal(of: &IdedExpr) -> u64 {
    use cel::common::ast::LiteralValue;
    match &of.expr {
        Expr::Literal(LiteralValue::String(text)) => text.inner().len() as u64,
        Expr::Literal(LiteralValue::Bytes(bytes)) => bytes.inner().len() as u64,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(source: &str, want: bool) {
        let mut variables = Variables::default();
        variables.set("image", &json!({ "labels": { "team": "a" }, "size": 12 }));
        variables.set("findings", &json!([{ "severity": "high" }, { "severity": "low" }]));
        let got = Expression::compile(source).unwrap().holds(&variables);
        assert_eq!(got, Ok(want), "{source}");
    }

    #[test]
    fn expressions_see_the_facts() {
        check("image.labels['team'] in ['a', 'b']", true);
        check("image.size < 12", false);
        check("findings.filter(f, f.severity == 'high').size() == 1", true);
        check("has(image.labels.owner) && image.labels.owner != ''", false);
        check("image.labels.team.matches('^[ab]$')", true);
        check("findings.all(f, f.severity in ['high', 'low'])", true);
    }

    #[test]
    fn what_it_looks_at_is_known() {
        let check = |source: &str, want: bool| {
            assert_eq!(Expression::compile(source).unwrap().looks_at("evidence"), want, "{source}");
        };
        check("evidence.size() == 0", true);
        check("findings.all(f, evidence.exists(e, e.kind == f.kind))", true);
        check("{'a': [evidence]}['a'].size() == 1", true);
        check("!(image.labels['x'] in evidence.map(e, e.kind))", true);
        check("image.evidence == 'evidence'", false);
        check("findings.all(f, f.severity != 'high')", false);
        let speaks = |source: &str| Expression::compile(source).unwrap().speaks_of("secret");
        assert!(speaks("findings.all(f, f.kind != 'secret')") && speaks("has(image.secret)"));
        assert!(!speaks("findings.all(secret, secret.kind != 'secrets')"));
    }

    #[test]
    fn what_is_no_truth_is_an_error() {
        let variables = Variables::default();
        assert!(matches!(
            Expression::compile("1 + 1").unwrap().holds(&variables),
            Err(ExpressionError::NoTruth(_))
        ));
        assert!(matches!(
            Expression::compile("nothing.there").unwrap().holds(&variables),
            Err(ExpressionError::Execution(_))
        ));
        assert!(matches!(Expression::compile("1 +"), Err(ExpressionError::Syntax(_))));
        assert!(matches!(Expression::compile(&"(".repeat(200)), Err(ExpressionError::Syntax(_))));
        assert!(matches!(Expression::compile(&"1+".repeat(4000)), Err(ExpressionError::TooLong)));
    }

    #[test]
    fn what_could_cost_too_much_does_not_run() {
        let mut variables = Variables::default();
        variables.set("list", &json!(vec![1; 1000]));
        for source in [
            "list.all(a, list.all(b, list.all(c, a + b + c > 0)))",
            &format!("['x']{}.size() == 1", ".map(x, x + x)".repeat(60)),
            &format!("[[1]]{}.size() == 1", ".map(x, x + x)".repeat(60)),
        ] {
            let got = Expression::compile(source).unwrap().holds(&variables);
            assert!(matches!(got, Err(ExpressionError::TooCostly { .. })), "{source} {got:?}");
        }
        let ordinary = Expression::compile("list.all(a, list.exists(b, a == b))").unwrap();
        assert!(ordinary.holds(&variables).is_ok());
    }
}
