//! Whom to trust, as users say it on the command line: keys, identities, trust stores.

use crate::command::Global;
use crate::error::CommandError;
use crate::keys;
use crate::services::Outside;
use crate::source::NetworkArgs;
use crate::source::read_file;
use assay_sign::certificate::Certificate;
use assay_sign::certificate::crl::RevocationList;
use assay_sign::trust::TrustedRoot;
use assay_sign::verify::{
    IdentityPolicy, LogPolicy, NotationIdentity, NotationTrust, Pattern, TrustRoot, TrustedKey,
};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Whose signatures count.
#[derive(Debug, clap::Args)]
pub(crate) struct SignersArgs {
    /// Trust this public key: a file, `env://VARIABLE`, or where a key service keeps it; may be repeated.
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Vec<String>,

    /// Trust whoever Sigstore gave a certificate with this name: an e-mail address, or the address of a workflow.
    #[arg(long, value_name = "NAME", conflicts_with = "certificate_identity_regexp")]
    pub(crate) certificate_identity: Option<String>,

    /// Trust names that this regular expression matches from start to end.
    #[arg(long, value_name = "REGEX")]
    pub(crate) certificate_identity_regexp: Option<String>,

    /// Who must vouch for the name: the address of the OpenID Connect issuer.
    #[arg(long, value_name = "URL", conflicts_with = "certificate_oidc_issuer_regexp")]
    pub(crate) certificate_oidc_issuer: Option<String>,

    /// Issuers that this regular expression matches from start to end.
    #[arg(long, value_name = "REGEX")]
    pub(crate) certificate_oidc_issuer_regexp: Option<String>,

    /// What else the certificate must say, such as `sourceRepositoryRef=refs/heads/main`; may be repeated.
    #[arg(long, value_name = "CLAIM=VALUE", value_parser = pair)]
    pub(crate) certificate_claim: Vec<(String, String)>,

    /// Trust the authorities and logs of this instance of Sigstore instead of the public one's.
    #[arg(long, value_name = "FILE", value_parser = crate::command::path)]
    pub(crate) trusted_root: Option<PathBuf>,

    /// Ask for an entry in a transparency log for signatures by keys, too.
    #[arg(long, conflicts_with = "insecure_ignore_tlog")]
    pub(crate) require_tlog: bool,

    /// Do not look at entries of transparency logs, nor at timestamps, of signatures by keys.
    #[arg(long)]
    pub(crate) insecure_ignore_tlog: bool,
}

/// What is trusted for Notary Project signatures.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct NotationArgs {
    /// Trust the certificates in this file for Notary Project signatures; `signingAuthority:FILE` and `tsa:FILE` name the
    /// other two trust stores; may be repeated.
    #[arg(long, value_name = "[STORE:]FILE")]
    notation_trust_store: Vec<String>,

    /// Trust this subject for Notary Project signatures, such as `x509.subject: C=US, O=Acme`, or `*` for all that the trust
    /// store vouches for; may be repeated.
    #[arg(long, value_name = "SUBJECT", requires = "notation_trust_store")]
    notation_identity: Vec<NotationIdentity>,

    /// Refuse the certificates on this revocation list; may be repeated.
    #[arg(long, value_name = "FILE", requires = "notation_trust_store", value_parser = crate::command::path)]
    notation_revocation_list: Vec<PathBuf>,
}

/// Reads `KEY=VALUE`.
pub(crate) fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("expected `KEY=VALUE`".to_owned()),
    }
}

impl SignersArgs {
    /// Returns the keys.
    pub(crate) fn keys(&self, global: &Global) -> Result<Vec<TrustedKey>, CommandError> {
        let outside = || Outside::new(&NetworkArgs::default(), global);
        self.key.iter().map(|key| Ok(TrustedKey::new(keys::public_key(key, outside()?)?))).collect()
    }

    /// Returns the identity, when one is named.
    pub(crate) fn identity(&self) -> Result<Option<IdentityPolicy>, CommandError> {
        let subject = pattern(self.certificate_identity.as_ref(), self.certificate_identity_regexp.as_ref())?;
        let issuer =
            pattern(self.certificate_oidc_issuer.as_ref(), self.certificate_oidc_issuer_regexp.as_ref())?;
        match (subject, issuer) {
            (Some(subject), Some(issuer)) => {
                let claims: BTreeMap<String, Pattern> = self
                    .certificate_claim
                    .iter()
                    .map(|(name, value)| (name.clone(), Pattern::Exact(value.clone())))
                    .collect();
                Ok(Some(IdentityPolicy { issuer, subject, claims }))
            }
            (None, None) if self.certificate_claim.is_empty() => Ok(None),
            (None, _) => Err(CommandError::usage("an identity needs a name")
                .hint("add `--certificate-identity NAME` or `--certificate-identity-regexp REGEX`")),
            // The same name means different people with different issuers.
            (Some(_), None) => Err(CommandError::usage("an identity needs who vouches for it").hint(
                "add `--certificate-oidc-issuer URL`, such as `https://token.actions.githubusercontent.com`",
            )),
        }
    }

    /// Returns the instance of Sigstore that is trusted.
    pub(crate) fn sigstore(&self) -> Result<TrustedRoot, CommandError> {
        match &self.trusted_root {
            None => TrustedRoot::public()
                .map_err(|error| CommandError::work("cannot read the built-in trusted root", error)),
            Some(path) => {
                let failed = |error: Box<dyn std::error::Error + Send + Sync>| {
                    CommandError::work(format!("cannot read the trusted root `{}`", path.display()), error)
                        .hint("make one with `cosign trusted-root create`, or leave out `--trusted-root`")
                };
                let bytes = read_file(path).map_err(|error| failed(error.into()))?;
                TrustedRoot::parse(&bytes).map_err(|error| failed(error.into()))
            }
        }
    }

    /// Returns what logs must say about signatures by keys.
    pub(crate) fn key_log(&self) -> LogPolicy {
        if self.insecure_ignore_tlog {
            LogPolicy::Ignored
        } else if self.require_tlog {
            LogPolicy::Required
        } else {
            LogPolicy::WhenPresent
        }
    }
}

/// Returns what is trusted, all of it under one name.
pub(crate) fn root(
    signers: &SignersArgs,
    notation: &NotationArgs,
    global: &Global,
) -> Result<TrustRoot, CommandError> {
    let mut root = TrustRoot::new("command line", signers.sigstore()?);
    root.keys = signers.keys(global)?;
    root.key_log = signers.key_log();
    root.keyless.identities.extend(signers.identity()?);
    root.notation = notation.trust()?;
    if root.keys.is_empty() && root.keyless.identities.is_empty() && root.notation.is_none() {
        return Err(nobody());
    }
    Ok(root)
}

/// Makes the error of a command line that trusts nobody.
pub(crate) fn nobody() -> CommandError {
    CommandError::usage("nobody is trusted, so nothing can be verified").hint(
        "name a key with `--key FILE`, or a signer with `--certificate-identity NAME --certificate-oidc-issuer URL`",
    )
}

impl NotationArgs {
    fn trust(&self) -> Result<Option<NotationTrust>, CommandError> {
        if self.notation_trust_store.is_empty() {
            return Ok(None);
        }
        let mut trust =
            NotationTrust { identities: self.notation_identity.clone(), ..NotationTrust::default() };
        if trust.identities.is_empty() {
            return Err(CommandError::usage("a trust store needs whom of it to trust").hint(
                "add `--notation-identity 'x509.subject: C=US, O=Acme'`, or `--notation-identity '*'` for everybody",
            ));
        }
        for text in &self.notation_trust_store {
            let (store, path) = match text.split_once(':') {
                Some((name @ ("ca" | "signingAuthority" | "tsa"), path)) => (name, path),
                _ => ("ca", text.as_str()),
            };
            let certificates = certificates(Path::new(path))?;
            match store {
                "signingAuthority" => trust.signing_authorities.extend(certificates),
                "tsa" => trust.timestamp_authorities.extend(certificates),
                _ => trust.authorities.extend(certificates),
            }
        }
        for path in &self.notation_revocation_list {
            let failed = |error: Box<dyn std::error::Error + Send + Sync>| {
                CommandError::work(format!("cannot read the revocation list `{}`", path.display()), error)
                    .hint("name a file in DER or PEM")
            };
            let bytes = read_file(path).map_err(|error| failed(error.into()))?;
            trust
                .revocation_lists
                .push(RevocationList::from_file(&bytes).map_err(|error| failed(error.into()))?);
        }
        Ok(Some(trust))
    }
}

fn certificates(path: &Path) -> Result<Vec<Certificate>, CommandError> {
    let failed = |error: Box<dyn std::error::Error + Send + Sync>| {
        CommandError::work(format!("cannot read the certificates in `{}`", path.display()), error)
            .hint("name a file in PEM or DER")
    };
    let bytes = read_file(path).map_err(|error| failed(error.into()))?;
    Certificate::from_file(&bytes).map_err(|error| failed(error.into()))
}

fn pattern(exact: Option<&String>, expression: Option<&String>) -> Result<Option<Pattern>, CommandError> {
    match (exact, expression) {
        (Some(exact), _) => Ok(Some(Pattern::Exact(exact.clone()))),
        (None, Some(text)) => match Pattern::expression(text) {
            Ok(pattern) => Ok(Some(pattern)),
            Err(error) => {
                Err(CommandError::usage(error.to_string()).hint("escape `.` and `+` as `\\.` and `\\+`"))
            }
        },
        (None, None) => Ok(None),
    }
}
