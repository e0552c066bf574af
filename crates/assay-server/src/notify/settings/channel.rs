//! The part of the file that says where messages go: one of four kinds each, with what it needs.

use super::{NotificationsError, ReadFile, invalid, shown};
use crate::notify::channel::{Alertmanager, Authentication, Channel, Email, Security, Slack, Target};
use crate::notify::secret::Secret;
use crate::notify::url::{NotifyUrl, is_local};
use serde::Deserialize;
use std::path::{Path, PathBuf};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct ChannelText {
    name: String,
    webhook: Option<AddressText>,
    slack: Option<AddressText>,
    email: Option<EmailText>,
    alertmanager: Option<AlertmanagerText>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct AddressText {
    url: Option<String>,
    url_file: Option<PathBuf>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct EmailText {
    server: String,
    tls: Option<String>,
    username: Option<String>,
    password_file: Option<PathBuf>,
    from: String,
    to: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct AlertmanagerText {
    url: String,
    #[serde(default)]
    plain_http: bool,
    username: Option<String>,
    password_file: Option<PathBuf>,
    token_file: Option<PathBuf>,
}

/// Reads a channel.
pub(super) fn channel(text: ChannelText, read: &ReadFile<'_>) -> Result<Channel, NotificationsError> {
    let name = text.name;
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    if name.is_empty() || name.len() > 64 || !name.chars().all(is_plain) || name == "notify" {
        return Err(invalid(format!(
            "`{}` is no name of a channel; expected letters, digits, `-`, `_` and `.`, and not `notify`",
            shown(&name)
        )));
    }
    let wrong = |why: String| invalid(format!("channel `{name}`: {why}"));
    let secret = |path: &Path| secret(&name, path, read);
    let target = match (text.webhook, text.slack, text.email, text.alertmanager) {
        (Some(address), None, None, None) => Target::Webhook(address.read(&secret, &wrong)?),
        (None, Some(address), None, None) => Target::Slack(Slack { url: address.read(&secret, &wrong)? }),
        (None, None, Some(email), None) => Target::Email(Box::new(email.read(&secret, &wrong)?)),
        (None, None, None, Some(manager)) => Target::Alertmanager(manager.read(&secret, &wrong)?),
        _ => return Err(wrong("expected one of `webhook`, `slack`, `email` and `alertmanager`".to_owned())),
    };
    Ok(Channel { name, target })
}

fn secret(channel: &str, path: &Path, read: &ReadFile<'_>) -> Result<Secret, NotificationsError> {
    let failed =
        |source| NotificationsError::Secret { channel: channel.to_owned(), path: path.to_owned(), source };
    let bytes = read(path).map_err(failed)?;
    Secret::read(&bytes).map_err(|why| failed(std::io::Error::new(std::io::ErrorKind::InvalidData, why)))
}

type Reads<'a> = dyn Fn(&Path) -> Result<Secret, NotificationsError> + 'a;
type Fails<'a> = dyn Fn(String) -> NotificationsError + 'a;

impl AddressText {
    fn read(self, secret: &Reads<'_>, wrong: &Fails<'_>) -> Result<NotifyUrl, NotificationsError> {
        let text = match (self.url, self.url_file) {
            (Some(url), None) => url,
            (None, Some(path)) => secret(&path)?.reveal().to_owned(),
            _ => return Err(wrong("expected either `url` or `url-file`".to_owned())),
        };
        // The address itself may be what is secret.
        text.parse().map_err(|error| wrong(format!("its address cannot be used: {error}")))
    }
}

impl EmailText {
    fn read(self, secret: &Reads<'_>, wrong: &Fails<'_>) -> Result<Email, NotificationsError> {
        let (host, port) = match self.server.rsplit_once(':') {
            Some((host, port)) if !host.is_empty() => {
                let port =
                    port.parse().map_err(|_| wrong(format!("`{}` is no server", shown(&self.server))))?;
                (host, Some(port))
            }
            _ => (self.server.as_str(), None),
        };
        let is_name = |letter: char| letter.is_ascii_alphanumeric() || "-._[]:".contains(letter);
        if host.is_empty() || !host.chars().all(is_name) {
            return Err(wrong(format!("`{}` is no server", shown(&self.server))));
        }
        let security = match self.tls.as_deref() {
            None | Some("starttls") => Security::StartTls,
            Some("tls") => Security::Tls,
            Some("none") if is_local(host) => Security::None,
            Some("none") => return Err(wrong("`tls: none` is for a server on this machine".to_owned())),
            Some(other) => {
                return Err(wrong(format!(
                    "`tls` is `{}`; expected `starttls`, `tls` or `none`",
                    shown(other)
                )));
            }
        };
        let credentials = match (self.username, self.password_file) {
            (None, None) => None,
            (Some(name), Some(path)) => Some((name, secret(&path)?)),
            _ => return Err(wrong("`username` and `password-file` belong together".to_owned())),
        };
        let mailbox = |text: &str| {
            text.parse::<lettre::message::Mailbox>()
                .map_err(|_| wrong(format!("`{}` is no address of mail", shown(text))))
        };
        if self.to.is_empty() {
            return Err(wrong("`to` names nobody".to_owned()));
        }
        Ok(Email {
            host: host.trim_start_matches('[').trim_end_matches(']').to_owned(),
            port: port.unwrap_or(if security == Security::Tls { 465 } else { 587 }),
            security,
            credentials,
            from: mailbox(&self.from)?,
            to: self.to.iter().map(|text| mailbox(text)).collect::<Result<_, _>>()?,
        })
    }
}

impl AlertmanagerText {
    fn read(self, secret: &Reads<'_>, wrong: &Fails<'_>) -> Result<Alertmanager, NotificationsError> {
        let url = if self.plain_http { NotifyUrl::parse_plain(&self.url) } else { self.url.parse() };
        let hint = "give `plain-http: true` for one without TLS on another machine";
        let url = url.map_err(|error| wrong(format!("its address cannot be used: {error}; {hint}")))?;
        let authentication = match (self.username, self.password_file, self.token_file) {
            (None, None, None) => Authentication::None,
            (Some(name), Some(path), None) => Authentication::Basic(name, secret(&path)?),
            (None, None, Some(path)) => Authentication::Bearer(secret(&path)?),
            _ => {
                return Err(wrong("expected `username` and `password-file`, or `token-file`".to_owned()));
            }
        };
        Ok(Alertmanager { url, authentication })
    }
}
