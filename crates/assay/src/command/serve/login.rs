//! The options of `assay serve` about signing in by an identity provider.

use crate::error::CommandError;
use crate::source::read_file;
use assay_server::{AllTeamsClaim, Login, LoginOptions, RoleClaim, TeamClaim, Work};
use std::path::PathBuf;

/// How people sign in who are known to an identity provider (OpenID Connect).
#[derive(Debug, clap::Args)]
pub(super) struct LoginArgs {
    /// Let people sign in by this identity provider, as it names itself, and programs by its ID tokens.
    #[arg(long, value_name = "URL", requires_all = ["oidc_client_id", "public_url", "oidc_role"])]
    oidc_issuer: Option<String>,

    /// What the server is called there; the audience of ID tokens.
    #[arg(long, value_name = "ID", requires = "oidc_issuer")]
    oidc_client_id: Option<String>,

    /// The file with what the server proves that by; without it the server is a public client.
    #[arg(long, value_name = "FILE", requires = "oidc_issuer", value_parser = crate::command::path)]
    oidc_client_secret_file: Option<PathBuf>,

    /// What a claim is worth, such as `groups=platform-security:security`; `*` is any value. May be repeated; of several the highest role
    /// holds, and who has none is not let in.
    #[arg(long, value_name = "CLAIM=VALUE:ROLE", requires = "oidc_issuer")]
    oidc_role: Vec<RoleClaim>,

    /// Bind people to teams, the owners in the file of `--owners`: `groups=payments:team-payments`. A value that ends in `*` stands for all
    /// that begin so, and `*` in the team for the rest: `groups=team-*:team-*`. May be repeated; who is in no team then sees nothing.
    #[arg(long, value_name = "CLAIM=VALUE:TEAM", requires = "oidc_issuer", requires = "owners")]
    oidc_team: Vec<TeamClaim>,

    /// Who sees the images of all teams, such as `groups=platform`; `*` is any value. May be repeated.
    #[arg(long, value_name = "CLAIM=VALUE", requires = "oidc_team")]
    oidc_all_teams: Vec<AllTeamsClaim>,

    /// The address under which browsers reach this server; the provider sends people back to `/login/callback` there.
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
}

impl LoginArgs {
    /// Prepares signing in, if there is a provider.
    pub(super) fn login(&self, work: &Work) -> Result<Option<Login>, CommandError> {
        let (Some(issuer), Some(client), Some(public_url)) =
            (&self.oidc_issuer, &self.oidc_client_id, &self.public_url)
        else {
            return Ok(None);
        };
        let secret = match &self.oidc_client_secret_file {
            Some(path) => {
                let failed = |error: Box<dyn std::error::Error + Send + Sync>| {
                    CommandError::work(format!("cannot use the client secret in `{}`", path.display()), error)
                        .hint("name a file that holds the secret alone with `--oidc-client-secret-file FILE`")
                };
                let bytes = read_file(path).map_err(|error| failed(error.into()))?;
                let text = String::from_utf8(bytes).map_err(|error| failed(error.into()))?;
                Some(text.trim_end_matches(['\r', '\n']).to_owned()).filter(|text| !text.is_empty())
            }
            None => None,
        };
        let options = LoginOptions {
            issuer: issuer.clone(),
            client: client.clone(),
            secret,
            roles: self.oidc_role.clone(),
            teams: self.oidc_team.clone(),
            all_teams: self.oidc_all_teams.clone(),
            public_url: public_url.clone(),
            network: work.scanner.network.clone(),
        };
        let login = Login::new(options, work.clock.clone()).map_err(|error| {
            CommandError::usage(error.to_string())
                .hint("give `--oidc-issuer https://id.example` and `--public-url https://assay.example`")
        })?;
        Ok(Some(login))
    }
}
