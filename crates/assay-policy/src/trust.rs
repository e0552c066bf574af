//! Trust roots: whose signatures count, as a policy names them. Verifying is done elsewhere.

use crate::define::{Field, Kind, Params};
use crate::read::Reader;
use crate::tree::Problem;
use assay_model::Timestamp;

/// What a trust root may hold: one of its three kinds.
pub const FIELDS: &[Field] = &[
    Field::optional(
        "keys",
        Kind::List(&Kind::Record(KEY)),
        "Public keys, any of which signs for this root; overlapping times allow rotation.",
    ),
    Field::optional("keyless", Kind::Record(KEYLESS), "An identity that a Sigstore certificate carries."),
    Field::optional("notation", Kind::Record(NOTATION), "A trust store of Notation."),
];

const KEY: &[Field] = &[
    Field::optional("pem", Kind::Text, "The key itself, as PEM."),
    Field::optional("file", Kind::Text, "A file with it, relative to the policy."),
    Field::optional("ref", Kind::Text, "A reference to a key service, or a file."),
    Field::optional("validFrom", Kind::Time, "From when on its signatures count."),
    Field::optional("validUntil", Kind::Time, "Until when they do."),
    Field::or("revoked", Kind::Truth, "false", "Whether it counts no more."),
];

const KEYLESS: &[Field] = &[
    Field::optional(
        "issuer",
        Kind::Pattern,
        "Who vouches for the identity, such as `https://token.actions.githubusercontent.com`.",
    ),
    Field::optional("issuerRegExp", Kind::Text, "The same as a regular expression over all of it."),
    Field::optional("subject", Kind::Pattern, "Who signs: the address of a workflow, or of a person."),
    Field::optional("subjectRegExp", Kind::Text, "The same as a regular expression over all of it."),
    Field::optional(
        "trustedRoot",
        Kind::Text,
        "A file with Sigstore's trusted root, relative to the policy.",
    ),
    Field::or(
        "transparencyLog",
        Kind::Truth,
        "true",
        "Whether a proof of the transparency log is asked for.",
    ),
];

const NOTATION: &[Field] = &[
    Field::required(
        "ca",
        Kind::List(&Kind::Text),
        "Files with certificates of authorities, relative to the policy, or PEM.",
    ),
    Field::optional(
        "identities",
        Kind::List(&Kind::Text),
        "Subjects that count, such as `x509.subject: O=Partner`; without it all.",
    ),
    Field::optional(
        "timestampAuthorities",
        Kind::List(&Kind::Text),
        "Files with certificates of time stamping authorities, or PEM.",
    ),
];

/// Whose signatures count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TrustRoot {
    /// Any of these keys.
    Keys(Vec<TrustedKey>),
    /// An identity.
    Keyless(Keyless),
    /// Notation's authorities and identities.
    Notation(Notation),
}

/// Where something that is PEM stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Material {
    /// In the policy.
    Inline(String),
    /// In a file, relative to the policy.
    File(String),
    /// With a key service.
    Reference(String),
}

impl Material {
    fn of(text: &str) -> Self {
        if text.contains("-----BEGIN") { Self::Inline(text.to_owned()) } else { Self::File(text.to_owned()) }
    }
}

/// A key and when it counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedKey {
    /// The key.
    pub material: Material,
    /// From when on.
    pub valid_from: Option<Timestamp>,
    /// Until when.
    pub valid_until: Option<Timestamp>,
    /// Whether it counts no more.
    pub revoked: bool,
}

/// How a text is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// With a pattern, which may be exact.
    Pattern(String),
    /// With a regular expression over all of it.
    RegExp(String),
}

/// An identity of a Sigstore certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keyless {
    /// Who vouches.
    pub issuer: Wanted,
    /// Who signs.
    pub subject: Wanted,
    /// Sigstore's trusted root, if it is not the public one.
    pub trusted_root: Option<String>,
    /// Whether a proof of the transparency log is asked for.
    pub transparency_log: bool,
}

/// A trust store of Notation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notation {
    /// The authorities.
    pub authorities: Vec<Material>,
    /// The subjects that count.
    pub identities: Vec<String>,
    /// Authorities of time stamps.
    pub timestamp_authorities: Vec<Material>,
}

/// Reads a trust root; exactly one kind must be given.
pub(crate) fn read(reader: &mut Reader, name: &str, params: &Params) -> Option<TrustRoot> {
    let given: Vec<&str> =
        FIELDS.iter().map(|field| field.name).filter(|name| params.get(name).is_some()).collect();
    let [kind] = given.as_slice() else {
        reader.problem(
            Problem::new(
                params.place,
                format!("the trust root `{name}` has {} kinds, expected one", given.len()),
            )
            .hint("give it `keys`, `keyless` or `notation`"),
        );
        return None;
    };
    match *kind {
        "keys" => {
            let keys: Vec<TrustedKey> =
                params.records("keys").into_iter().filter_map(|record| key(reader, name, record)).collect();
            if keys.is_empty() && reader.problems.is_empty() {
                reader.problem(
                    Problem::new(params.place, format!("the trust root `{name}` has no keys"))
                        .hint("name a public key: `keys: [{file: release.pub}]`"),
                );
            }
            Some(TrustRoot::Keys(keys))
        }
        "keyless" => keyless(reader, name, params.record("keyless")?),
        _ => {
            let notation = params.record("notation")?;
            let materials = |key| notation.texts(key).into_iter().map(Material::of).collect();
            Some(TrustRoot::Notation(Notation {
                authorities: materials("ca"),
                identities: notation.texts("identities").into_iter().map(str::to_owned).collect(),
                timestamp_authorities: materials("timestampAuthorities"),
            }))
        }
    }
}

fn key(reader: &mut Reader, name: &str, params: &Params) -> Option<TrustedKey> {
    let material = match (params.text("pem"), params.text("file"), params.text("ref")) {
        (Some(pem), None, None) => Material::Inline(pem.to_owned()),
        (None, Some(file), None) => Material::File(file.to_owned()),
        (None, None, Some(text)) if text.contains("://") => Material::Reference(text.to_owned()),
        (None, None, Some(file)) => Material::File(file.to_owned()),
        _ => {
            reader.problem(
                Problem::new(
                    params.place,
                    format!("a key of `{name}` has not exactly one of `pem`, `file` and `ref`"),
                )
                .hint("name its file: `file: release.pub`"),
            );
            return None;
        }
    };
    Some(TrustedKey {
        material,
        valid_from: params.time("validFrom"),
        valid_until: params.time("validUntil"),
        revoked: params.truth("revoked"),
    })
}

fn keyless(reader: &mut Reader, name: &str, params: &Params) -> Option<TrustRoot> {
    let mut wanted = |plain: &str, regular: &str| match (params.text(plain), params.text(regular)) {
        (Some(pattern), None) => Some(Wanted::Pattern(pattern.to_owned())),
        (None, Some(expression)) => Some(Wanted::RegExp(expression.to_owned())),
        // Without it anybody whom the certificate authority knows could sign, which is everybody.
        _ => {
            reader.problem(
                Problem::new(
                    params.place,
                    format!("`{name}` has not exactly one of `{plain}` and `{regular}`"),
                )
                .hint(format!("name it, with `*` for what varies: `{plain}: …`")),
            );
            None
        }
    };
    let issuer = wanted("issuer", "issuerRegExp");
    let subject = wanted("subject", "subjectRegExp");
    Some(TrustRoot::Keyless(Keyless {
        issuer: issuer?,
        subject: subject?,
        trusted_root: params.text("trustedRoot").map(str::to_owned),
        transparency_log: params.truth("transparencyLog"),
    }))
}
