//! Licence expressions: read as people write them, written as SPDX does.

use super::class::Class;
use super::name::identify;
use std::fmt;

/// Longer texts are whole licences, not names of them.
const MAX_LEN: usize = 4_096;

/// Brackets within brackets deeper than this are not written.
const MAX_DEPTH: usize = 16;

/// More than this are not listed.
const MAX_TERMS: usize = 200;

/// An expression.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Expression {
    /// A licence with its exception.
    License {
        /// Its SPDX identifier, or a `LicenseRef-` for one that SPDX does not list.
        id: String,
        /// The exception.
        exception: Option<String>,
    },
    /// All hold.
    And(Vec<Self>),
    /// One may be chosen.
    Or(Vec<Self>),
}

impl Expression {
    /// Reads what a package declares; `None` when it declares nothing.
    pub fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.is_empty()
            || matches!(text, "NOASSERTION" | "NONE" | "UNKNOWN" | "Unknown" | "unknown" | "None" | "null")
        {
            return None;
        }
        if text.len() > MAX_LEN || text.lines().count() > 8 {
            return super::text::of(text).into_iter().next().or_else(|| Some(Self::unknown("text")));
        }
        if let Some(id) = identify(text) {
            return Some(Self::identified(&id));
        }
        let tokens = tokens(text);
        let mut reader = Reader { tokens: &tokens, at: 0, terms: 0 };
        let read = reader.or(0)?;
        Some(read.flat())
    }

    /// Reads several declarations of one package; `any` when one of them may be chosen.
    pub fn read_all(texts: &[String], any: bool) -> Option<Self> {
        let mut terms: Vec<Self> = texts.iter().take(MAX_TERMS).filter_map(|text| Self::read(text)).collect();
        terms.sort();
        terms.dedup();
        if terms.len() <= 1 {
            return terms.pop();
        }
        Some(if any { Self::Or(terms) } else { Self::And(terms) }.flat())
    }

    /// Returns the class: the mildest of what may be chosen, the strictest of what all holds.
    pub fn class(&self) -> Class {
        match self {
            Self::License { id, exception } => Class::of(id, exception.as_deref()),
            Self::And(terms) => terms.iter().map(Self::class).max().unwrap_or(Class::Unknown),
            Self::Or(terms) => terms.iter().map(Self::class).min().unwrap_or(Class::Unknown),
        }
    }

    /// Returns whether it can be met while no licence is used for which `forbidden` holds.
    pub fn can_avoid(&self, forbidden: &dyn Fn(&str) -> bool) -> bool {
        match self {
            Self::License { id, .. } => !forbidden(id),
            Self::And(terms) => terms.iter().all(|term| term.can_avoid(forbidden)),
            Self::Or(terms) => terms.iter().any(|term| term.can_avoid(forbidden)),
        }
    }

    /// Returns the identifiers of every licence named.
    pub fn ids(&self) -> Vec<&str> {
        match self {
            Self::License { id, .. } => vec![id],
            Self::And(terms) | Self::Or(terms) => terms.iter().flat_map(Self::ids).collect(),
        }
    }

    fn unknown(text: &str) -> Self {
        let mut name: String = text
            .chars()
            .map(|char| if char.is_ascii_alphanumeric() || char == '.' { char } else { '-' })
            .take(60)
            .collect();
        while name.contains("--") {
            name = name.replace("--", "-");
        }
        Self::License { id: format!("LicenseRef-{}", name.trim_matches('-')), exception: None }
    }

    /// Makes an expression of what [`identify`] gives: an identifier, one with its exception, or a choice.
    fn identified(text: &str) -> Self {
        let mut terms: Vec<Self> = text
            .split(" OR ")
            .map(|term| match term.split_once(" WITH ") {
                Some((id, exception)) => {
                    Self::License { id: id.to_owned(), exception: Some(exception.to_owned()) }
                }
                None => Self::License { id: term.to_owned(), exception: None },
            })
            .collect();
        match terms.len() {
            1 => terms.remove(0),
            _ => Self::Or(terms),
        }
    }

    /// Takes brackets away that change nothing, and terms that are there twice.
    fn flat(self) -> Self {
        let (terms, any) = match self {
            Self::License { .. } => return self,
            Self::And(terms) => (terms, false),
            Self::Or(terms) => (terms, true),
        };
        let mut out: Vec<Self> = Vec::new();
        for term in terms.into_iter().map(Self::flat) {
            let inner = match term {
                Self::And(inner) if !any => inner,
                Self::Or(inner) if any => inner,
                other => vec![other],
            };
            for term in inner {
                if !out.contains(&term) {
                    out.push(term);
                }
            }
        }
        match out.len() {
            1 => out.remove(0),
            _ if any => Self::Or(out),
            _ => Self::And(out),
        }
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (terms, word) = match self {
            Self::License { id, exception: None } => return f.write_str(id),
            Self::License { id, exception: Some(exception) } => return write!(f, "{id} WITH {exception}"),
            Self::And(terms) => (terms, " AND "),
            Self::Or(terms) => (terms, " OR "),
        };
        for (index, term) in terms.iter().enumerate() {
            if index > 0 {
                f.write_str(word)?;
            }
            match term {
                Self::License { .. } => write!(f, "{term}")?,
                Self::And(_) | Self::Or(_) => write!(f, "({term})")?,
            }
        }
        Ok(())
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Open,
    Close,
    And,
    Or,
    /// Portage's `|| ( A B )`.
    AnyOf,
    With,
    Name(String),
}

fn tokens(text: &str) -> Vec<Token> {
    let mut lower = text.replace("(at your option)", " ");
    for later in [
        " or any later version",
        " or (at your option) any later version",
        " or later version",
        " or any later",
        " or later",
        " or newer",
        " and later",
    ] {
        lower = lower.replace(later, "+");
    }
    let spaced: String = lower
        .chars()
        .flat_map(|char| match char {
            '(' | ')' | ',' | ';' | '/' | '&' => vec![' ', char, ' '],
            '\n' | '\t' => vec![' '],
            char => vec![char],
        })
        .collect();
    let mut tokens: Vec<Token> = Vec::new();
    let mut words: Vec<&str> = Vec::new();
    let close = |words: &mut Vec<&str>, tokens: &mut Vec<Token>| {
        if !words.is_empty() {
            tokens.push(Token::Name(words.join(" ")));
            words.clear();
        }
    };
    for word in spaced.split(' ').filter(|word| !word.is_empty()) {
        let token = match word.to_ascii_lowercase().as_str() {
            "(" => Token::Open,
            ")" => Token::Close,
            "and" | "&" | "&&" | "," | ";" => Token::And,
            "or" | "|" | "/" => Token::Or,
            "||" => Token::AnyOf,
            "with" | "w" if !words.is_empty() => Token::With,
            _ => {
                words.push(word);
                continue;
            }
        };
        close(&mut words, &mut tokens);
        // `A, and B` has one operator.
        if token == Token::And && tokens.last().is_some_and(|last| *last == Token::And) {
            continue;
        }
        if token == Token::Or && tokens.last().is_some_and(|last| *last == Token::And) {
            tokens.pop();
        }
        tokens.push(token);
    }
    close(&mut words, &mut tokens);
    tokens
}

struct Reader<'a> {
    tokens: &'a [Token],
    at: usize,
    terms: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn or(&mut self, depth: usize) -> Option<Expression> {
        let mut terms: Vec<Expression> = self.and(depth).into_iter().collect();
        while self.peek() == Some(&Token::Or) {
            self.at += 1;
            terms.extend(self.and(depth));
        }
        (!terms.is_empty()).then_some(Expression::Or(terms))
    }

    fn and(&mut self, depth: usize) -> Option<Expression> {
        let mut terms: Vec<Expression> = self.term(depth).into_iter().collect();
        loop {
            match self.peek() {
                Some(Token::And) => self.at += 1,
                // Portage writes what all holds side by side.
                Some(Token::Name(_) | Token::Open | Token::AnyOf) => {}
                _ => break,
            }
            match self.term(depth) {
                Some(term) => terms.push(term),
                None => break,
            }
        }
        (!terms.is_empty()).then_some(Expression::And(terms))
    }

    fn term(&mut self, depth: usize) -> Option<Expression> {
        self.terms = self.terms.saturating_add(1);
        if depth > MAX_DEPTH || self.terms > MAX_TERMS {
            return None;
        }
        match self.peek()?.clone() {
            Token::Open => {
                self.at += 1;
                let inner = self.or(depth.saturating_add(1));
                if self.peek() == Some(&Token::Close) {
                    self.at += 1;
                }
                inner
            }
            Token::AnyOf => {
                self.at += 1;
                match self.term(depth.saturating_add(1))?.flat() {
                    Expression::And(terms) => Some(Expression::Or(terms)),
                    other => Some(other),
                }
            }
            Token::Name(name) => {
                self.at += 1;
                let mut term = named(&name);
                if self.peek() == Some(&Token::With) {
                    self.at += 1;
                    if let Some(Token::Name(exception)) = self.peek() {
                        let exception = exception.clone();
                        self.at += 1;
                        // `BSD with advertising` is a licence of its own.
                        match identify(&format!("{name} with {exception}")) {
                            Some(id) => term = Expression::identified(&id),
                            None => {
                                if let Expression::License { exception: own, .. } = &mut term {
                                    *own = Some(exception_id(&exception));
                                }
                            }
                        }
                    }
                }
                Some(term)
            }
            Token::Close if depth == 0 => {
                self.at += 1;
                self.term(depth)
            }
            Token::Close | Token::And | Token::Or | Token::With => None,
        }
    }
}

fn named(name: &str) -> Expression {
    if let Some(id) = identify(name) {
        return Expression::identified(&id);
    }
    let words: Vec<Option<String>> = name.split(' ').map(identify).collect();
    if words.len() > 1 && words.iter().all(Option::is_some) {
        return Expression::And(words.iter().flatten().map(|id| Expression::identified(id)).collect());
    }
    Expression::unknown(name)
}

fn exception_id(text: &str) -> String {
    let hyphened = text.trim().replace(' ', "-");
    let known =
        spdx::identifiers::EXCEPTIONS.iter().find(|exception| exception.name.eq_ignore_ascii_case(&hyphened));
    match known {
        Some(exception) => exception.name.to_owned(),
        None => {
            let plain: String = hyphened
                .chars()
                .filter(|char| char.is_ascii_alphanumeric() || "-.".contains(*char))
                .take(60)
                .collect();
            format!("AdditionRef-{plain}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(text: &str, expected: &str) {
        assert_eq!(Expression::read(text).map(|read| read.to_string()).as_deref(), Some(expected), "{text}");
    }

    #[test]
    fn what_people_declare_becomes_spdx() {
        check("MIT OR Apache-2.0", "MIT OR Apache-2.0");
        check("MIT/Apache-2.0", "MIT OR Apache-2.0");
        check("(MIT OR Apache-2.0) AND Unicode-DFS-2016", "(MIT OR Apache-2.0) AND Unicode-DFS-2016");
        check(
            "GPLv2+ and LGPLv2+ and MIT and Public Domain",
            "GPL-2.0-or-later AND LGPL-2.0-or-later AND MIT AND LicenseRef-public-domain",
        );
        check("GPL-1+ or Artistic", "GPL-1.0-or-later OR Artistic-1.0-Perl");
        check("GPLv2 with exceptions", "GPL-2.0-only WITH AdditionRef-exceptions");
        check("GPL-2.0-only WITH Classpath-exception-2.0", "GPL-2.0-only WITH Classpath-exception-2.0");
        check("BSD with advertising", "BSD-4-Clause");
        check("|| ( GPL-2 MIT )", "GPL-2.0-only OR MIT");
        check("GPL-2 MIT", "GPL-2.0-only AND MIT");
        check("MIT, BSD", "MIT AND BSD-3-Clause");
        check("GNU LGPL v2.1 or later", "LGPL-2.1-or-later");
        check("Acme Corp. License", "LicenseRef-Acme-Corp.-License");
        assert_eq!(Expression::read(" "), None);
        assert_eq!(Expression::read("NOASSERTION"), None);
    }

    #[test]
    fn what_is_written_is_read_again_as_the_same() {
        for text in [
            "MIT OR (Apache-2.0 AND BSD-3-Clause)",
            "GPL-3.0-or-later WITH GCC-exception-3.1",
            "LicenseRef-Acme AND MIT",
        ] {
            check(text, text);
        }
    }

    #[test]
    fn the_class_is_what_cannot_be_avoided() {
        let class = |text| Expression::read(text).map(|read| read.class());
        assert_eq!(class("MIT OR GPL-3.0-only"), Some(Class::Permissive));
        assert_eq!(class("MIT AND GPL-3.0-only"), Some(Class::StrongCopyleft));
        assert_eq!(class("(MIT OR GPL-3.0-only) AND MPL-2.0"), Some(Class::WeakCopyleft));
        let read = Expression::read("MIT OR AGPL-3.0-only").unwrap();
        assert!(read.can_avoid(&|id| id.starts_with("AGPL")) && !read.can_avoid(&|_| true));
    }

    proptest! {
        #[test]
        fn total(text in "(\\(|\\)|MIT|GPL|v2|\\+| or | and | with |\\|\\||[ -~é]){0,60}") {
            if let Some(read) = Expression::read(&text) {
                let _ = (read.class(), read.to_string(), read.ids().len());
            }
        }
    }
}
