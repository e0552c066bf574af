//! What a rule for one kind of secret is: plain data and at most one function.
//!
//! Rules stand in one file per provider or family, each with its `RULES`; `secret.rs` lists the files.

use assay_model::Severity;

/// A kind of secret.
#[derive(Debug, Clone, Copy)]
pub struct SecretRule {
    /// A stable identifier: `github-pat`.
    pub id: &'static str,
    /// What it is, as a noun: `GitHub personal access token`.
    pub title: &'static str,
    /// How bad it is when it leaks.
    pub severity: Severity,
    /// How candidates are found before the pattern is tried.
    pub find: Find,
    /// The regular expression of the secret, in bytes and without Unicode. With a group, the group is the secret.
    ///
    /// For [`Find::Literal`] it starts at the literal, or at most [`SecretRule::before`] bytes before it. For
    /// [`Find::Assigned`] it is the whole value.
    pub pattern: &'static str,
    /// How many bytes before its literal a match may start.
    pub before: usize,
    /// How many bytes from its literal on a match may take: what an attempt may cost.
    pub reach: usize,
    /// How many leading bytes of the secret are the same for all of this kind, and may be shown.
    pub shown: usize,
    /// The least Shannon entropy of the secret, in bits per character.
    pub entropy: f32,
    /// Tells whether the secret is well-formed: a checksum, a structure.
    pub valid: fn(&[u8]) -> bool,
    /// Tells whether the secret only stands for one: `xxxx`, `${TOKEN}`.
    pub placeholder: fn(&[u8]) -> bool,
    /// Where it holds.
    pub within: Within,
    /// How to make the secret worthless, in one line.
    pub rotate: &'static str,
}

/// How candidates for a rule are found.
#[derive(Debug, Clone, Copy)]
pub enum Find {
    /// One of these literals, of four bytes or more and in this case, is in the match; also in binary files.
    Literal(&'static [&'static str]),
    /// One of these literals, of three bytes, stands at the start of a long run of letters, digits, `_` and `-`, or before it if it
    /// ends in something else; in text files only.
    Start(&'static [&'static str]),
    /// As [`Find::Literal`], in text files only; a single literal may be shorter.
    TextLiteral(&'static [&'static str]),
    /// Assigned to a name for secrets (`…_KEY`, `…Token`) in which, or shortly before which, one of these words stands, in any case.
    Assigned(&'static [&'static str]),
    /// Assigned to a name for secrets, and nothing else is known about it.
    Generic,
    /// Assigned to a name for passwords.
    Password,
    /// The file as a whole: its name ends with one of these, in any case, and its start matches the pattern.
    File(&'static [&'static str]),
}

/// Where a rule holds. What package managers unpack is published already, full of documentation, and not the user's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Within {
    /// Everywhere: only who leaked it has it.
    Everything,
    /// In the user's own files, and in text among the system's: programs hold keys to test themselves with.
    Text,
    /// In the user's own files only. Rules that go by names never leave these.
    Own,
}

/// Accepts everything: for formats without a checksum.
pub(super) fn anything(_: &[u8]) -> bool {
    true
}

/// Accepts nothing: for formats in which honest values repeat themselves, such as base64 of zeros.
pub(super) fn never(_: &[u8]) -> bool {
    false
}

/// The defaults of a token with a prefix of its own.
pub(super) const TOKEN: SecretRule = SecretRule {
    id: "",
    title: "",
    severity: Severity::High,
    find: Find::Generic,
    pattern: "",
    before: 0,
    reach: 512,
    shown: 0,
    entropy: 3.0,
    valid: anything,
    placeholder: super::scan::is_placeholder,
    within: Within::Everything,
    rotate: "",
};

/// The defaults of a value that only its name tells from others: it must look random.
pub(super) const VALUE: SecretRule = SecretRule { entropy: 3.0, ..TOKEN };

/// Two rules are the same when they have the same identifier.
impl PartialEq for SecretRule {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}
