//! The trust roots of a policy as the verifier takes them: keys, identities and certificates, from the policy or the files it names.

use crate::error::CommandError;
use crate::keys;
use crate::services::Outside;
use crate::source::read_file;
use assay_policy::Policy;
use assay_policy::trust::{
    Keyless, Material, Notation, TrustRoot as Stated, TrustedKey as StatedKey, Wanted,
};
use assay_sign::certificate::Certificate;
use assay_sign::key::PublicKey;
use assay_sign::trust::TrustedRoot;
use assay_sign::verify::{
    IdentityPolicy, LogPolicy, NotationIdentity, NotationTrust, Pattern, TrustRoot, TrustedKey,
};
use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};

/// Reads the trust roots of a policy. One that cannot be read is an error: without it nothing could be told from a forgery.
///
/// Only the keys that key services hold need the outside.
pub(super) fn roots(
    policy: &Policy,
    path: &Path,
    outside: &dyn Fn() -> Result<Outside, CommandError>,
) -> Result<Vec<TrustRoot>, CommandError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    policy.trust.iter().map(|(name, stated)| root(name, stated, (folder, outside))).collect()
}

/// Where files are, and what key services need.
type Around<'a> = (&'a Path, &'a dyn Fn() -> Result<Outside, CommandError>);

fn failed(name: &str, error: impl Into<Box<dyn Error + Send + Sync>>) -> CommandError {
    CommandError::work(format!("cannot read the trust root `{name}` of the policy"), error)
        .hint("mend it in the policy; `assay policy check` names files that are not there")
}

fn root(name: &str, stated: &Stated, around: Around<'_>) -> Result<TrustRoot, CommandError> {
    let (folder, _) = around;
    let sigstore = match stated {
        Stated::Keyless(Keyless { trusted_root: Some(file), .. }) => {
            let bytes = read_file(&folder.join(file)).map_err(|error| failed(name, error))?;
            TrustedRoot::parse(&bytes).map_err(|error| failed(name, error))?
        }
        _ => TrustedRoot::public().map_err(|error| failed(name, error))?,
    };
    let mut root = TrustRoot::new(name, sigstore);
    match stated {
        Stated::Keys(stated) => {
            root.keys = stated.iter().map(|one| key(name, one, around)).collect::<Result<_, _>>()?;
        }
        Stated::Keyless(stated) => {
            root.keyless.log = if stated.transparency_log { LogPolicy::Required } else { LogPolicy::Ignored };
            root.keyless.identities.push(IdentityPolicy {
                issuer: pattern(name, &stated.issuer)?,
                subject: pattern(name, &stated.subject)?,
                claims: BTreeMap::new(),
            });
        }
        Stated::Notation(stated) => root.notation = Some(notation(name, stated, folder)?),
    }
    Ok(root)
}

fn key(name: &str, stated: &StatedKey, (folder, outside): Around<'_>) -> Result<TrustedKey, CommandError> {
    let key = match &stated.material {
        Material::Inline(pem) => PublicKey::from_pem(pem).map_err(|error| failed(name, error))?,
        Material::File(file) => {
            let bytes = read_file(&folder.join(file)).map_err(|error| failed(name, error))?;
            let text = String::from_utf8(bytes).map_err(|error| failed(name, error))?;
            PublicKey::from_pem(&text).map_err(|error| failed(name, error))?
        }
        Material::Reference(reference) => keys::public_key(reference, outside()?)?,
    };
    Ok(TrustedKey {
        key,
        not_before: stated.valid_from,
        not_after: stated.valid_until,
        revoked: stated.revoked,
    })
}

fn pattern(name: &str, wanted: &Wanted) -> Result<Pattern, CommandError> {
    match wanted {
        Wanted::Pattern(text) if !text.contains('*') => Ok(Pattern::Exact(text.clone())),
        Wanted::Pattern(text) => Pattern::expression(&expression(text)).map_err(|error| failed(name, error)),
        Wanted::RegExp(text) => Pattern::expression(text).map_err(|error| failed(name, error)),
    }
}

/// Returns a pattern of policies as a regular expression.
fn expression(pattern: &str) -> String {
    let mut expression = String::new();
    let mut letters = pattern.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '*' if letters.next_if_eq(&'*').is_some() => expression.push_str("(?s:.)*"),
            '*' => expression.push_str("[^/]*"),
            letter if letter.is_alphanumeric() => expression.push(letter),
            letter => expression.push_str(&format!("\\x{{{:x}}}", u32::from(letter))),
        }
    }
    expression
}

fn notation(name: &str, stated: &Notation, folder: &Path) -> Result<NotationTrust, CommandError> {
    let mut trust = NotationTrust::default();
    for (materials, into) in [
        (&stated.authorities, &mut trust.authorities),
        (&stated.timestamp_authorities, &mut trust.timestamp_authorities),
    ] {
        for material in materials {
            into.extend(certificates(name, material, folder)?);
        }
    }
    if stated.identities.is_empty() {
        trust.identities.push(NotationIdentity::Any);
    }
    for identity in &stated.identities {
        trust.identities.push(
            identity
                .parse()
                .map_err(|error| failed(name, Box::new(error) as Box<dyn Error + Send + Sync>))?,
        );
    }
    Ok(trust)
}

/// Reads certificates: of a text, a file, or all files of a folder, as Notation keeps them.
fn certificates(name: &str, material: &Material, folder: &Path) -> Result<Vec<Certificate>, CommandError> {
    let read = |bytes: &[u8]| Certificate::from_file(bytes).map_err(|error| failed(name, error));
    let file = match material {
        Material::Inline(pem) => return read(pem.as_bytes()),
        Material::File(file) | Material::Reference(file) => folder.join(file),
    };
    if !file.is_dir() {
        return read(&read_file(&file).map_err(|error| failed(name, error))?);
    }
    let files = files_of(&file).map_err(|error| failed(name, error))?;
    let mut all = Vec::new();
    for file in files {
        all.extend(read(&read_file(&file).map_err(|error| failed(name, error))?)?);
    }
    Ok(all)
}

/// Returns the files of a folder, sorted.
fn files_of(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files: Vec<_> = std::fs::read_dir(folder)?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.is_file())
        .collect();
    files.sort();
    Ok(files)
}

/// Returns the bytes of a file, or of all files of a folder, as far as they can be read.
#[cfg(feature = "server")]
pub(super) fn contents(path: &Path) -> Vec<Vec<u8>> {
    let files = if path.is_dir() { files_of(path).unwrap_or_default() } else { vec![path.to_owned()] };
    files.iter().filter_map(|file| read_file(file).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_stop_at_slashes_and_stand_for_themselves() {
        let wanted = |text: &str| pattern("x", &Wanted::Pattern(text.to_owned())).unwrap();
        let release = wanted("https://github.com/acme/*/.github/workflows/release.yml@refs/tags/v*");
        assert!(release.matches("https://github.com/acme/app/.github/workflows/release.yml@refs/tags/v1.0"));
        assert!(!release.matches("https://github.com/acme/a/b/.github/workflows/release.yml@refs/tags/v1.0"));
        assert!(!release.matches("https://githubXcom/acme/app/.github/workflows/release.yml@refs/tags/v1.0"));
        assert!(wanted("**@acme.example").matches("a/b@acme.example"));
        assert!(!wanted("a.b").matches("axb"));
    }
}
