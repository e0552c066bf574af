//! Where messages go by HTTP. The path of such an address is often its secret, so that only the host is ever shown.

use std::fmt;

/// Where messages go. Its path may be a secret, so only the host is shown.
#[derive(Clone, PartialEq, Eq)]
pub struct NotifyUrl(String);

/// A text is no address that messages may be sent to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected `https://…`, or `http://` on this machine")]
pub struct InvalidNotifyUrl;

impl std::str::FromStr for NotifyUrl {
    type Err = InvalidNotifyUrl;
    fn from_str(text: &str) -> Result<Self, InvalidNotifyUrl> {
        let url = Self(text.to_owned());
        let is_safe = text.starts_with("https://") || (text.starts_with("http://") && is_local(url.name()));
        if is_safe && url.is_plain() { Ok(url) } else { Err(InvalidNotifyUrl) }
    }
}

/// Says whether a host is this machine.
pub(crate) fn is_local(name: &str) -> bool {
    ["127.0.0.1", "[::1]", "localhost"].contains(&name)
}

impl NotifyUrl {
    /// Reads an address to which the operator wants messages to be sent without TLS, too.
    pub(crate) fn parse_plain(text: &str) -> Result<Self, InvalidNotifyUrl> {
        let url = Self(text.to_owned());
        let is_http = text.starts_with("https://") || text.starts_with("http://");
        if is_http && url.is_plain() { Ok(url) } else { Err(InvalidNotifyUrl) }
    }

    /// Says whether everybody reads the same host in it, and no password.
    fn is_plain(&self) -> bool {
        let host = self.host();
        self.0.bytes().all(|byte| byte.is_ascii_graphic()) && !host.contains('@') && !host.is_empty()
    }

    /// Returns the host, with its port.
    pub(crate) fn host(&self) -> &str {
        let rest = self.0.split_once("://").map_or("", |(_, rest)| rest);
        rest.split(['/', '?', '#', '\\']).next().unwrap_or_default()
    }

    /// Returns the host without a port.
    fn name(&self) -> &str {
        let host = self.host();
        match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
            _ => host,
        }
    }

    /// Returns all of it, for the one who sends.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }

    /// Returns what it is called in the database, where the address itself does not belong.
    pub(crate) fn key(&self) -> String {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, self.0.as_bytes());
        let short: String = digest.as_ref().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        format!("webhook {} {short}", self.host())
    }
}

impl fmt::Debug for NotifyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NotifyUrl({}/…)", self.host())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_go_only_where_they_are_safe_and_the_address_is_not_shown() {
        for (text, host) in [
            ("https://hooks.example/services/SECRET", Some("hooks.example")),
            ("https://hooks.example:8443?x=1", Some("hooks.example:8443")),
            ("http://127.0.0.1:9/x", Some("127.0.0.1:9")),
            ("http://[::1]:9/x", Some("[::1]:9")),
            ("http://localhost", Some("localhost")),
            ("http://hooks.example/x", None),
            ("http://127.0.0.1@hooks.example/x", None),
            ("http://127.0.0.1.hooks.example/x", None),
            ("https://user:password@hooks.example/", None),
            ("https://", None),
            ("https://a b/", None),
            ("ftp://hooks.example", None),
            ("", None),
        ] {
            let url = text.parse::<NotifyUrl>();
            assert_eq!(url.as_ref().ok().map(NotifyUrl::host), host, "{text}");
            if let Ok(url) = url {
                assert!(!format!("{url:?} {}", url.key()).contains("SECRET"));
            }
        }
        assert!(NotifyUrl::parse_plain("http://alertmanager.monitoring:9093").is_ok());
        for text in ["http://user:password@alertmanager", "ftp://alertmanager", "http://"] {
            assert!(NotifyUrl::parse_plain(text).is_err(), "{text}");
        }
    }
}
