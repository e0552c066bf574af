//! People who are known to an identity provider: OpenID Connect Core 1.0 (<https://openid.net/specs/openid-connect-core-1_0.html>), by the
//! authorization code with PKCE (RFC 7636), a state and a nonce; and programs that show its ID tokens to the API.
//!
//! What is believed is only what a key of the provider signed, for this server, now: algorithms and claims are checked by ourselves in
//! [`jose`] and [`claims`], since all that is needed is a few hundred lines on the cryptography that is there already. A library of the whole
//! protocol brings a second one of that, and a second HTTP client.

mod claims;
mod issuer;
mod jose;
mod team;

pub use claims::{InvalidRole, RoleClaim};
pub use issuer::InvalidLoginUrl;
pub(crate) use team::is_team;
pub use team::{AllTeamsClaim, InvalidTeam, TeamClaim};

use crate::worker::Clock;
use assay_oci::NetworkOptions;
use assay_store::{Holder, LoginAttempt, Moment};
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use issuer::{Issuer, Url};
use sha2::{Digest as _, Sha256};

/// Where the provider sends people back to.
pub(crate) const CALLBACK: &str = "/login/callback";

/// How people sign in by a provider.
pub struct LoginOptions {
    /// The provider, as it names itself.
    pub issuer: String,
    /// What this server is called there.
    pub client: String,
    /// What it proves that by; a public client has nothing.
    pub secret: Option<String>,
    /// Which claims are worth which role. Who has none of them is not let in.
    pub roles: Vec<RoleClaim>,
    /// Which claims put somebody into which team. With none everybody sees everything; else who is in no team sees nothing.
    pub teams: Vec<TeamClaim>,
    /// By which claims somebody sees everything all the same.
    pub all_teams: Vec<AllTeamsClaim>,
    /// The address under which browsers reach this server.
    pub public_url: String,
    /// How the provider is reached.
    pub network: NetworkOptions,
}

/// Signs people in.
pub struct Login {
    issuer: Issuer,
    worth: claims::Worth,
    redirect: String,
    clock: Clock,
    terms: String,
}

/// Why somebody is not let in.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoginError {
    /// The provider does not answer as it should.
    #[error("the identity provider does not answer as it should: {0}")]
    Provider(String),
    /// Its token does not hold.
    #[error("the identity provider's token does not hold: {0}")]
    Token(&'static str),
    /// It names somebody who has no role here.
    #[error("{0} is known to the identity provider, and has no role here")]
    Nobody(String),
    /// There is no randomness.
    #[error("the system gives no random bytes")]
    Random,
}

impl Login {
    /// Prepares; nothing is asked yet, so that a provider that is away keeps no server from starting.
    ///
    /// # Errors
    /// Fails when an address is not safe.
    pub fn new(options: LoginOptions, clock: Clock) -> Result<Self, InvalidLoginUrl> {
        let public: Url = options.public_url.trim_end_matches('/').parse()?;
        let terms = terms(&options);
        let LoginOptions { issuer, client, secret, roles, teams, all_teams, network, .. } = options;
        let worth = claims::Worth { roles, teams, all_teams };
        let issuer = Issuer::new(&issuer, client, secret, network)?;
        Ok(Self { issuer, worth, redirect: format!("{}{CALLBACK}", public.text()), clock, terms })
    }

    /// Returns what tells these settings from others: logins hold under one of them only.
    pub(crate) fn terms(&self) -> &str {
        &self.terms
    }

    /// Says whether browsers reach this server without TLS.
    pub(crate) fn is_plain(&self) -> bool {
        self.redirect.starts_with("http://")
    }

    /// Returns the provider's host, for people.
    pub(crate) fn provider(&self) -> &str {
        self.issuer.host()
    }

    /// Returns where to send somebody who wants to sign in, the state that they must bring back, and what must hold then.
    pub(crate) async fn begin(&self, wanted: &str) -> Result<(String, String, LoginAttempt), LoginError> {
        let (state, nonce, half) = (random()?, random()?, random()?);
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier(&half, &state).as_bytes()));
        let parameters = [
            ("response_type", "code"),
            ("client_id", self.issuer.client()),
            ("redirect_uri", &self.redirect),
            ("scope", "openid email profile"),
            ("state", &state),
            ("nonce", &nonce),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        let address = self.issuer.authorization((self.clock)(), &parameters).await?;
        Ok((address, state, LoginAttempt { nonce, verifier: half, wanted: wanted.to_owned() }))
    }

    /// Finds out who came back with a code and the state.
    pub(crate) async fn finish(
        &self,
        code: &str,
        state: &str,
        named_issuer: Option<&str>,
        attempt: &LoginAttempt,
    ) -> Result<Holder, LoginError> {
        // RFC 9207: another provider's answer must not be taken for this one's.
        if named_issuer.is_some_and(|named| named != self.issuer.name()) {
            return Err(LoginError::Token("it is another provider's"));
        }
        let now = (self.clock)();
        let verifier = verifier(&attempt.verifier, state);
        let token = self.issuer.redeem(now, code, &verifier, &self.redirect).await?;
        self.person(&token, Some(&attempt.nonce), now).await
    }

    /// Finds out whose ID token this is.
    pub(crate) async fn bearer(&self, token: &str) -> Result<Holder, LoginError> {
        self.person(token, None, (self.clock)()).await
    }

    async fn person(&self, token: &str, nonce: Option<&str>, now: Moment) -> Result<Holder, LoginError> {
        let token = jose::Token::parse(token)?;
        let keys = self.issuer.keys(now, token.key()).await?;
        let claims = token.verify(&keys)?;
        let expected =
            claims::Expected { issuer: self.issuer.name(), client: self.issuer.client(), nonce, now };
        claims::holder(&claims, &expected, &self.worth)
    }
}

/// Says whether a text looks like an ID token, which tokens of the API do not.
pub(crate) fn looks_like_one(text: &str) -> bool {
    text.starts_with("ey") && text.split('.').count() == 3
}

/// Returns what proves that a code is ours. The database keeps one half of it, and of the state, which is the other half and which the browser
/// keeps, a hash: neither who reads the database nor who sees the browser's addresses has both.
fn verifier(half: &str, state: &str) -> String {
    // Both are of one length, always, so that no two pairs read alike.
    let hash = Sha256::new().chain_update("assay login verifier\0").chain_update(half).chain_update(state);
    URL_SAFE_NO_PAD.encode(hash.finalize())
}

fn random() -> Result<String, LoginError> {
    let mut bytes = [0; 32];
    SystemRandom::new().fill(&mut bytes).map_err(|_| LoginError::Random)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

fn terms(options: &LoginOptions) -> String {
    let mut hash = Sha256::new();
    let mut add = |text: &str| {
        hash.update(u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(text);
    };
    add(&options.issuer);
    add(&options.client);
    for role in &options.roles {
        add(&role.to_string());
    }
    // Each with what it is, so that no claim can be taken for one of another kind.
    for team in &options.teams {
        add(&format!("team {team}"));
    }
    for claim in &options.all_teams {
        add(&format!("all teams {claim}"));
    }
    URL_SAFE_NO_PAD.encode(hash.finalize())
}
