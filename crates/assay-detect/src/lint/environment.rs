//! Environment variables that take protection away.

/// Returns how a variable takes protection of connections away.
pub(crate) fn unsafe_transport(name: &str, value: &str) -> Option<&'static str> {
    let off = matches!(value.to_ascii_lowercase().as_str(), "0" | "false" | "no" | "off");
    let on = matches!(value.to_ascii_lowercase().as_str(), "1" | "true" | "yes" | "on");
    Some(match name {
        "NODE_TLS_REJECT_UNAUTHORIZED" if value == "0" => "makes Node accept every certificate",
        "PYTHONHTTPSVERIFY" if value == "0" => "makes Python accept every certificate",
        "GIT_SSL_NO_VERIFY" if on => "makes git accept every certificate",
        "NPM_CONFIG_STRICT_SSL" | "npm_config_strict_ssl" | "YARN_STRICT_SSL" | "YARN_ENABLE_STRICT_SSL"
            if off =>
        {
            "makes npm accept every certificate"
        }
        "PIP_TRUSTED_HOST" | "UV_INSECURE_HOST" if !value.is_empty() => {
            "makes the installer accept every certificate of a host"
        }
        "GOINSECURE" | "GONOSUMDB" | "GONOSUMCHECK" if !value.is_empty() => {
            "makes Go accept modules that nobody vouches for"
        }
        "GOFLAGS" if value.contains("-insecure") => "makes Go accept every certificate",
        "GONOSUMVERIFY" if on => "makes Go accept modules that nobody vouches for",
        "GOSUMDB" if value == "off" => "makes Go accept modules that nobody vouches for",
        "DOCKER_TLS_VERIFY" if off || value.is_empty() => {
            "makes the client of Docker accept every certificate"
        }
        "SSL_VERIFY" | "VERIFY_SSL" | "REQUESTS_VERIFY" | "CURL_SSL_VERIFY" if off => {
            "switches the check of certificates off"
        }
        "COMPOSER_DISABLE_TLS"
        | "HELM_INSECURE_SKIP_TLS_VERIFY"
        | "VAULT_SKIP_VERIFY"
        | "AWS_NO_VERIFY_SSL"
            if on =>
        {
            "switches the check of certificates off"
        }
        _ => return None,
    })
}

/// Returns how a variable makes programs load or run what others choose.
pub(crate) fn unsafe_loading(name: &str, value: &str) -> Option<&'static str> {
    let relative = || value.split(':').any(|folder| folder.is_empty() || !folder.starts_with(['/', '$']));
    let shared = || {
        value.split(':').any(|folder| {
            ["/tmp", "/var/tmp", "/dev/shm"]
                .iter()
                .any(|open| folder == *open || folder.starts_with(&format!("{open}/")))
        })
    };
    Some(match name {
        "LD_PRELOAD" | "LD_AUDIT" if !value.is_empty() => "loads a library into every program",
        "PATH" if !value.is_empty() && relative() => "runs programs of the current folder",
        "PATH" if shared() => "runs programs from a folder that everybody can write",
        "LD_LIBRARY_PATH" if !value.is_empty() && (shared() || relative()) => {
            "loads libraries from a folder that others choose"
        }
        "ASPNETCORE_ENVIRONMENT" | "DOTNET_ENVIRONMENT" if value.eq_ignore_ascii_case("development") => {
            "shows visitors what is inside"
        }
        "FLASK_DEBUG" | "DJANGO_DEBUG" | "WERKZEUG_DEBUG_PIN"
            if matches!(value.to_ascii_lowercase().as_str(), "1" | "true" | "off") =>
        {
            "lets visitors run code through the debugger"
        }
        "JAVA_TOOL_OPTIONS" | "JDK_JAVA_OPTIONS" | "JAVA_OPTS" | "CATALINA_OPTS"
            if value.contains("-agentlib:jdwp")
                || value.contains("-Xrunjdwp")
                || value.contains("jmxremote.authenticate=false") =>
        {
            "lets whoever reaches the port run code"
        }
        "NODE_OPTIONS" if value.contains("--inspect") => "lets whoever reaches the port run code",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_unsafe_and_what_is_not() {
        for (name, value) in [
            ("NODE_TLS_REJECT_UNAUTHORIZED", "0"),
            ("GIT_SSL_NO_VERIFY", "true"),
            ("GOSUMDB", "off"),
            ("COMPOSER_DISABLE_TLS", "1"),
        ] {
            assert!(unsafe_transport(name, value).is_some(), "{name}");
        }
        for (name, value) in [
            ("NODE_TLS_REJECT_UNAUTHORIZED", "1"),
            ("GIT_SSL_NO_VERIFY", "false"),
            ("GOSUMDB", "sums.example"),
            ("COMPOSER_DISABLE_TLS", "0"),
        ] {
            assert!(unsafe_transport(name, value).is_none(), "{name}");
        }
        for (name, value) in [
            ("LD_PRELOAD", "/x.so"),
            ("PATH", "/bin:."),
            ("PATH", "/bin::/usr/bin"),
            ("PATH", "/tmp/bin:/bin"),
            ("NODE_OPTIONS", "--inspect=0.0.0.0"),
        ] {
            assert!(unsafe_loading(name, value).is_some(), "{name}={value}");
        }
        for (name, value) in [
            ("LD_PRELOAD", ""),
            ("PATH", "/usr/bin:/bin"),
            ("LD_LIBRARY_PATH", "/usr/lib"),
            ("NODE_OPTIONS", "--max-old-space-size=1"),
        ] {
            assert!(unsafe_loading(name, value).is_none(), "{name}={value}");
        }
    }
}
