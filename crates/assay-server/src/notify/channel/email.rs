//! Mail by SMTP (RFC 5321) with TLS from the start (RFC 8314) or after STARTTLS (RFC 3207), and authentication (RFC 4954).
//!
//! A message is plain text: nothing in it is a link to anybody's picture. It has an identifier of its own (`Message-ID`), by which mail
//! programs find out that it came twice.

use super::{PATIENCE, Post, answer, plain};
use crate::notify::message::{Group, Message};
use crate::notify::rule::Urgency;
use crate::notify::secret::Secret;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Mailboxes};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use std::fmt::Write as _;

/// Groups that are written out.
const MAX_GROUPS: usize = 200;
/// News of one group that is written out.
const MAX_LINES: usize = 50;
/// What of one text from outside is shown. Lines of mail may have 998 bytes.
const MAX_TEXT: usize = 240;

/// How a connection to a mail server is kept from being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Security {
    /// It begins in the clear and goes on in TLS, or not at all.
    StartTls,
    /// It is TLS from the beginning.
    Tls,
    /// It is not; only on this machine.
    None,
}

/// Who is written to, by which server.
#[derive(Debug, Clone)]
pub(crate) struct Email {
    /// The server.
    pub(crate) host: String,
    /// Its port.
    pub(crate) port: u16,
    /// How the connection is kept.
    pub(crate) security: Security,
    /// Who we are to it.
    pub(crate) credentials: Option<(String, Secret)>,
    /// Who writes.
    pub(crate) from: Mailbox,
    /// Who is written to.
    pub(crate) to: Vec<Mailbox>,
}

impl Email {
    /// Sends a message.
    pub(super) async fn send(&self, message: &Message, post: &Post<'_>) -> Result<(), String> {
        if post.network.offline {
            return Err(format!("cannot reach {} while offline", self.host));
        }
        let transport = self.transport(post).map_err(|error| failed(&self.host, &error))?;
        let mail = self.mail(message, post)?;
        // The library's own limit is on each read; this one is on all of it.
        match tokio::time::timeout(PATIENCE, transport.send(mail)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(failed(&self.host, &error)),
            Err(_) => Err(format!("{} did not answer in time", self.host)),
        }
    }

    fn transport(
        &self,
        post: &Post<'_>,
    ) -> Result<AsyncSmtpTransport<Tokio1Executor>, lettre::transport::smtp::Error> {
        let parameters = || {
            let mut parameters = TlsParameters::builder(self.host.clone());
            for pem in &post.network.extra_certificates {
                parameters = parameters.add_root_certificate(Certificate::from_pem(pem)?);
            }
            parameters.build()
        };
        let tls = match self.security {
            Security::StartTls => Tls::Required(parameters()?),
            Security::Tls => Tls::Wrapper(parameters()?),
            Security::None => Tls::None,
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&self.host)
            .port(self.port)
            .tls(tls)
            .timeout(Some(PATIENCE));
        if let Some((name, password)) = &self.credentials {
            builder = builder.credentials(Credentials::new(name.clone(), password.reveal().to_owned()));
        }
        Ok(builder.build())
    }

    fn mail(&self, message: &Message, post: &Post<'_>) -> Result<lettre::Message, String> {
        let domain = self.from.email.domain();
        let mut builder = lettre::Message::builder()
            .from(self.from.clone())
            .mailbox(lettre::message::header::To::from(self.to.iter().cloned().collect::<Mailboxes>()))
            .subject(format!("[Assay] {}", message.subject()))
            .message_id(Some(format!("<assay.{}.{}@{domain}>", digest(post.sink), message.id)))
            .header(ContentType::TEXT_PLAIN)
            .raw_header(raw("Auto-Submitted", "auto-generated"));
        if message.urgency() == Urgency::Page {
            builder = builder.raw_header(raw("Importance", "high"));
        }
        let when = std::time::UNIX_EPOCH
            .checked_add(std::time::Duration::from_millis(u64::try_from(post.now.0).unwrap_or_default()));
        if let Some(when) = when {
            builder = builder.date(when);
        }
        builder.body(body(message)).map_err(|error| error.to_string())
    }
}

fn raw(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}

/// Returns what tells the messages of one channel from those of others.
fn digest(sink: &str) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, sink.as_bytes());
    digest.as_ref().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

fn failed(host: &str, error: &lettre::transport::smtp::Error) -> String {
    // This library's errors name their causes themselves.
    answer(&format!("{host} did not take the mail: {error}"))
}

fn body(message: &Message) -> String {
    let mut text = String::new();
    for group in message.groups.iter().take(MAX_GROUPS) {
        write_group(&mut text, group);
    }
    let left = message.groups.len().saturating_sub(MAX_GROUPS);
    if left > 0 {
        let _ = writeln!(text, "… and {left} more");
    }
    text
}

fn write_group(text: &mut String, group: &Group) {
    let _ = writeln!(text, "{} ({})", plain(&group.name(), MAX_TEXT), group.urgency().name());
    if let Some(digest) = &group.about.digest {
        let _ = writeln!(text, "  {}", plain(digest, MAX_TEXT));
    }
    if !group.about.teams.is_empty() {
        let _ = writeln!(text, "  team: {}", plain(&group.about.teams.join(", "), MAX_TEXT));
    }
    for item in group.items.iter().take(MAX_LINES) {
        let _ = writeln!(text, "  - {} ({})", plain(&item.title(), MAX_TEXT), item.at.timestamp());
    }
    let left = group.items.len().saturating_sub(MAX_LINES);
    if left > 0 {
        let _ = writeln!(text, "  … and {left} more");
    }
    text.push('\n');
}
