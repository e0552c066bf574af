//! The first token: how an administrator gets in when nobody has been let in yet.

use assay_store::{Moment, Store, StoreError, Token};
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};

/// The system gives no random bytes.
#[derive(Debug, thiserror::Error)]
#[error("the system gives no random bytes")]
pub struct NoRandomness;

/// Makes a token.
pub(crate) fn random_token() -> Result<Token, NoRandomness> {
    let mut random = [0; 32];
    SystemRandom::new().fill(&mut random).map_err(|_| NoRandomness)?;
    Ok(Token::new(random))
}

/// Makes the first administrator's token if there has been none yet. It is shown once; the database has only its hash.
///
/// # Errors
/// Fails when the database does not answer.
pub async fn first_token(
    store: &Store,
    now: Moment,
) -> Result<Result<Option<Token>, NoRandomness>, StoreError> {
    let token = match random_token() {
        Ok(token) => token,
        Err(error) => return Ok(Err(error)),
    };
    let mut work = store.begin().await?;
    if !work.add_first_token(&token, now).await? {
        return Ok(Ok(None));
    }
    let detail = serde_json::json!({ "role": "admin" });
    work.audit("assay serve", "token.create", "first administrator", &detail, now).await?;
    work.commit().await?;
    Ok(Ok(Some(token)))
}
