//! Names by which secrets, administrative services and dangerous places are known.

/// Ports of services that administer a machine or hand out everything it holds, with what they are.
pub const ADMINISTRATIVE_PORTS: &[(u16, &str)] = &[
    (22, "ssh"),
    (23, "telnet"),
    (111, "portmapper"),
    (512, "rexec"),
    (513, "rlogin"),
    (514, "rsh"),
    (873, "rsync"),
    (2049, "nfs"),
    (2375, "docker without TLS"),
    (2376, "docker"),
    (3389, "remote desktop"),
    (5900, "vnc"),
    (5985, "winrm"),
    (6000, "x11"),
    (9001, "supervisor"),
    (10250, "kubelet"),
];

/// Ports of data stores and consoles that belong to a private network.
pub const DATA_PORTS: &[(u16, &str)] = &[
    (1433, "sql server"),
    (1521, "oracle"),
    (2379, "etcd"),
    (3306, "mysql"),
    (5432, "postgresql"),
    (5601, "kibana"),
    (6379, "redis"),
    (7474, "neo4j"),
    (8500, "consul"),
    (9042, "cassandra"),
    (9200, "elasticsearch"),
    (11211, "memcached"),
    (15672, "rabbitmq management"),
    (27017, "mongodb"),
];

/// Returns what service of administration listens on a port.
pub fn administrative(port: u16) -> Option<&'static str> {
    ADMINISTRATIVE_PORTS.iter().find(|(number, _)| *number == port).map(|(_, name)| *name)
}

/// Returns what administers or stores data on a port.
pub fn private(port: u16) -> Option<&'static str> {
    administrative(port)
        .or_else(|| DATA_PORTS.iter().find(|(number, _)| *number == port).map(|(_, name)| *name))
}

/// Parts of names that say that a variable holds a secret.
const SECRET_WORDS: &[&str] = &[
    "PASSWORD",
    "PASSWD",
    "PASSPHRASE",
    "SECRET",
    "TOKEN",
    "APIKEY",
    "API_KEY",
    "ACCESS_KEY",
    "PRIVATE_KEY",
    "CREDENTIAL",
    "ENCRYPTION_KEY",
    "SIGNING_KEY",
    "AUTH_KEY",
    "_PASS",
    "_PWD",
    "CLIENT_KEY",
];

/// Endings of names that say that not the secret is meant but where it is or how it is made.
const NOT_SECRET: &[&str] = &[
    "_FILE",
    "_PATH",
    "_DIR",
    "_URL",
    "_URI",
    "_NAME",
    "_HOST",
    "_LENGTH",
    "_TTL",
    "_TIMEOUT",
    "_EXPIRY",
    "_EXPIRES",
    "_EXPIRATION",
    "_ID",
    "_ENABLED",
    "_TYPE",
    "_ALGORITHM",
    "_POLICY",
    "_HEADER",
    "_ENDPOINT",
    "_REQUIRED",
    "_REF",
    "_COUNT",
    "_LIMIT",
    "_TOKENS",
    "_MANAGER",
    "_SERVICE",
    "_ISSUER",
    "_AUDIENCE",
    "_KEYRING",
    "_HASH_ROUNDS",
];

/// Returns whether a variable's name says that it holds a secret.
pub fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_uppercase().replace(['-', '.'], "_");
    let padded = format!("_{name}");
    SECRET_WORDS.iter().any(|word| padded.contains(word))
        && !NOT_SECRET.iter().any(|end| name.ends_with(end))
        && !name.starts_with("ALLOW_EMPTY")
        && !name.contains("PUBLIC_KEY")
        && name != "SSH_AUTH_SOCK"
}

/// Returns whether a value can be a secret: not empty, no reference to another place, no switch, number or placeholder.
pub fn is_secret_value(value: &str) -> bool {
    let value = value.trim().trim_matches(['"', '\'']);
    let lower = value.to_ascii_lowercase();
    let reference = value.starts_with('$')
        || value.starts_with("{{")
        || value.starts_with('<')
        || value.starts_with('/')
        || value.starts_with("%(");
    let switch =
        ["true", "false", "yes", "no", "none", "null", "0", "1", "random", "auto"].contains(&lower.as_str());
    let number = value.len() < 4 && value.bytes().all(|byte| byte.is_ascii_digit());
    !(value.is_empty() || reference || switch || number)
}

/// Returns what a file whose name this is holds, when it must not get into an image.
pub fn secret_file(path: &str) -> Option<&'static str> {
    let path = path.trim_end_matches('/');
    let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
    let within = |folder: &str| {
        path == folder
            || path.ends_with(&format!("/{folder}"))
            || path.starts_with(&format!("{folder}/"))
            || path.contains(&format!("/{folder}/"))
    };
    if within(".ssh")
        && !name.ends_with(".pub")
        && !matches!(name.as_str(), "known_hosts" | "config" | "authorized_keys")
    {
        return Some("SSH keys");
    }
    if within(".aws") || within(".azure") || within(".kube") || within(".gnupg") {
        return Some("credentials");
    }
    if within(".git") {
        return Some("the whole history of the repository");
    }
    Some(match name.as_str() {
        ".env" | ".env.local" | ".env.production" | ".envrc" => "settings with secrets",
        "id_rsa" | "id_dsa" | "id_ecdsa" | "id_ed25519" => "a private SSH key",
        ".netrc" | ".npmrc" | ".pypirc" | ".pgpass" | ".htpasswd" | ".dockercfg" | ".git-credentials"
        | ".my.cnf" => "credentials",
        "kubeconfig" | "credentials.json" | "service-account.json" | "terraform.tfstate" => "credentials",
        name if [".pem", ".p12", ".pfx", ".jks", ".keystore", ".kdbx"]
            .iter()
            .any(|end| name.ends_with(end))
            && !name.contains("cert")
            && !name.contains("ca.")
            && !name.contains("chain")
            && !name.contains("public")
            && !name.contains("truststore") =>
        {
            "a private key"
        }
        name if name.ends_with(".key") && !name.contains("pub") => "a private key",
        _ => return None,
    })
}

/// Capabilities that come close to being root of the host, or break the isolation of the network
/// (<https://man7.org/linux/man-pages/man7/capabilities.7.html>).
pub const DANGEROUS_CAPABILITIES: &[&str] = &[
    "ALL",
    "SYS_ADMIN",
    "SYS_MODULE",
    "SYS_PTRACE",
    "SYS_RAWIO",
    "SYS_BOOT",
    "SYS_TIME",
    "NET_ADMIN",
    "DAC_READ_SEARCH",
    "BPF",
    "MAC_ADMIN",
    "MAC_OVERRIDE",
    "PERFMON",
    "SYSLOG",
    "LINUX_IMMUTABLE",
];

/// Returns what makes a path of the host dangerous inside a container.
pub fn host_path(path: &str) -> Option<&'static str> {
    let path = if path.len() > 1 { path.trim_end_matches('/') } else { path };
    let sockets =
        ["docker.sock", "containerd.sock", "crio.sock", "podman.sock", "buildkitd.sock", "cri-dockerd.sock"];
    if sockets.iter().any(|socket| path.ends_with(socket)) {
        return Some("whoever can use the socket of the container engine is root of the host");
    }
    let below =
        |folder: &str| path == folder || path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'));
    Some(match path {
        "/" => "the whole file system of the host",
        "/var" | "/run" | "/var/run" => "the sockets of the host's services",
        "" => return None,
        _ if below("/etc")
            && path != "/etc/localtime"
            && path != "/etc/timezone"
            && !below("/etc/ssl")
            && !below("/etc/pki") =>
        {
            "the host's configuration and accounts"
        }
        _ if below("/proc") || below("/sys") => "the kernel's switches",
        _ if below("/dev")
            && path != "/dev/shm"
            && path != "/dev/null"
            && path != "/dev/fuse"
            && path != "/dev/net/tun" =>
        {
            "the host's devices"
        }
        _ if below("/boot") || below("/lib/modules") => "the host's kernel",
        _ if below("/root") || path == "/home" => "the home folders of the host",
        _ if below("/usr") || below("/bin") || below("/sbin") || below("/lib") => "the host's programs",
        _ if below("/var/lib/docker")
            || below("/var/lib/containerd")
            || below("/var/lib/containers")
            || below("/var/lib/kubelet") =>
        {
            "the state of the container engine"
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values() {
        for name in ["DB_PASSWORD", "GITHUB_TOKEN", "AWS_SECRET_ACCESS_KEY", "api-key", "REDIS_PASS"] {
            assert!(is_secret_name(name), "{name}");
        }
        for name in [
            "PASSWORD_FILE",
            "TOKEN_URL",
            "SSH_AUTH_SOCK",
            "COMPASS_MODE",
            "AWS_ACCESS_KEY_ID",
            "GPG_PUBLIC_KEY",
            "BYPASS",
        ] {
            assert!(!is_secret_name(name), "{name}");
        }
        assert!(
            is_secret_value("hunter2") && !is_secret_value("${PW}") && !is_secret_value("/run/secrets/x")
        );
    }

    #[test]
    fn files_and_paths() {
        for path in [".env", "conf/id_rsa", ".ssh/x", ".git", "a/.aws/credentials", "tls/server.key"] {
            assert!(secret_file(path).is_some(), "{path}");
        }
        for path in [".env.example", "id_rsa.pub", ".ssh/known_hosts", "ca.pem", ".gitignore", "public.key"] {
            assert!(secret_file(path).is_none(), "{path}");
        }
        assert!(
            host_path("/var/run/docker.sock").is_some()
                && host_path("/").is_some()
                && host_path("/etc/").is_some()
        );
        assert!(
            host_path("/srv/data").is_none()
                && host_path("/etc/localtime").is_none()
                && host_path("/variable").is_none()
        );
    }
}
