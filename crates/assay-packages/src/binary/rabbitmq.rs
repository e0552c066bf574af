//! RabbitMQ: `rabbit.app`, the application resource file of its own Erlang application
//! (<https://www.erlang.org/doc/apps/kernel/app.html>), in a folder or beside the beams of a plug-in.
//!
//! Only the one value is looked for; a full Erlang term is not needed to read it.

use assay_analyze::{Analyzer, AnalyzerId, File, Select, Sink};
use assay_model::{Package, PackageKind};

/// Bytes of the file; real ones have about 10 KB.
const LIMIT: u64 = 1 << 20;

/// Finds RabbitMQ.
#[derive(Debug)]
pub(super) struct RabbitMq;

impl Analyzer for RabbitMq {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "rabbitmq", revision: 1 }
    }

    fn select(&self) -> &'static [Select] {
        &[Select::Suffix("/ebin/rabbit.app")]
    }

    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        let Some(bytes) = file.bytes(LIMIT, out) else { return };
        let text = String::from_utf8_lossy(&bytes);
        let Some(rest) = text.trim_start().strip_prefix("{application,") else { return };
        let name = rest.trim_start();
        if !name.starts_with("'rabbit'") && !name.starts_with("rabbit,") {
            return;
        }
        let value = rest
            .split_once("{vsn,")
            .and_then(|(_, rest)| rest.trim_start().strip_prefix('"')?.split_once('"'));
        let Some((version, _)) = value else { return };
        let of = |c: char| c.is_ascii_alphanumeric() || "._-+".contains(c);
        if version.len() <= 40 && version.starts_with(|c: char| c.is_ascii_digit()) && version.chars().all(of)
        {
            out.package(Package::new(PackageKind::Generic, "rabbitmq", version));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check, check_total};

    #[test]
    fn the_server_is_found() {
        let path = "opt/rabbitmq/plugins/rabbit-3.10.8/ebin/rabbit.app";
        let app = |text: &str, want: &str| check(&RabbitMq, path, text.as_bytes(), want);
        app(
            "{application, 'rabbit', [\n\t{description, \"RabbitMQ\"},\n\t{vsn, \"3.10.8\"},\n",
            "rabbitmq 3.10.8\n",
        );
        app("{application,rabbit,[{vsn,\"4.0.1\"}]}.", "rabbitmq 4.0.1\n");
        app("{application, 'rabbit_common', [{vsn, \"3.10.8\"}]}.", "");
        app("{application, 'rabbit', [{vsn, git}]}.", "");
    }

    #[test]
    fn total() {
        check_total(&RabbitMq, "a/ebin/rabbit.app");
    }
}
