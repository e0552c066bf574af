//! Software that is recognised by itself, without a package manager's word, and the names advisories know it by.
//!
//! A package of kind [`PackageKind::Generic`](crate::PackageKind::Generic) has one of these names. Two name spaces speak about
//! such software: NVD's products (<https://nvd.nist.gov/products/cpe>), written `vendor:product` here, and Bitnami's applications
//! (<https://github.com/bitnami/vulndb>). The list is closed: a name is judged by exactly these, never by one that looks alike, and
//! of NVD only these products are compiled into the database.
//!
//! Surprising things: products changed their vendor over the years and advisories kept the old one, so most have several;
//! NVD's `openjdk` writes updates in a field of its own and differently every time, so Java is judged by Bitnami alone, whose
//! statements are about a build of OpenJDK that keeps its version numbers.

use crate::ecosystem::Ecosystem;

/// Software and the names advisories know it by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Software {
    /// The name of the package, as in `pkg:generic/openssl`.
    pub name: &'static str,
    /// The name in the ecosystem `Bitnami`.
    pub bitnami: Option<&'static str>,
    /// The names in the ecosystem `CPE`.
    pub cpes: &'static [&'static str],
}

impl Software {
    /// Returns the ecosystems and names that speak about it.
    pub fn identities(&self) -> impl Iterator<Item = (Ecosystem, &'static str)> {
        let cpes = self.cpes.iter().map(|name| (Ecosystem::Cpe, *name));
        self.bitnami.map(|name| (Ecosystem::Bitnami, name)).into_iter().chain(cpes)
    }
}

/// Returns the software a generic package of this name is.
pub fn by_name(name: &str) -> Option<&'static Software> {
    SOFTWARE.binary_search_by(|software| software.name.cmp(name)).ok().and_then(|at| SOFTWARE.get(at))
}

/// Returns whether a product of NVD is one of these, as `vendor:product` without escapes.
pub fn has_cpe(product: &str) -> bool {
    SOFTWARE.iter().any(|software| software.cpes.contains(&product))
}

const fn known(name: &'static str, bitnami: Option<&'static str>, cpes: &'static [&'static str]) -> Software {
    Software { name, bitnami, cpes }
}

/// All of it, by name.
pub const SOFTWARE: &[Software] = &[
    known("bash", None, &["gnu:bash"]),
    known("bind", None, &["isc:bind"]),
    known("busybox", None, &["busybox:busybox"]),
    known("curl", None, &["haxx:curl"]),
    known("dnsmasq", None, &["thekelleys:dnsmasq"]),
    known("envoy", Some("envoy"), &["envoyproxy:envoy"]),
    known("erlang", None, &["erlang:erlang/otp"]),
    known("expat", None, &["libexpat_project:libexpat", "libexpat:expat", "libexpat:libexpat"]),
    known("ffmpeg", None, &["ffmpeg:ffmpeg"]),
    known("git", Some("git"), &["git-scm:git", "git:git", "git_project:git"]),
    known("glibc", None, &["gnu:glibc"]),
    known("gnutls", None, &["gnu:gnutls"]),
    known("haproxy", Some("haproxy"), &["haproxy:haproxy"]),
    known("httpd", Some("apache"), &["apache:http_server"]),
    known("imagemagick", None, &["imagemagick:imagemagick"]),
    known("java", Some("java"), &[]),
    known("jq", None, &["jqlang:jq", "jq_project:jq", "stedolan:jq"]),
    known("libarchive", None, &["libarchive:libarchive"]),
    known("libcurl", None, &["haxx:libcurl", "haxx:curl"]),
    known("libgcrypt", None, &["gnupg:libgcrypt"]),
    known("libjpeg-turbo", None, &["libjpeg-turbo:libjpeg-turbo"]),
    known("libpng", None, &["libpng:libpng"]),
    known("libssh2", None, &["libssh2:libssh2"]),
    known("libtiff", None, &["libtiff:libtiff"]),
    known("libxml2", None, &["xmlsoft:libxml2"]),
    known("lighttpd", None, &["lighttpd:lighttpd"]),
    known("lua", Some("lua"), &["lua:lua"]),
    known("mariadb", Some("mariadb"), &["mariadb:mariadb"]),
    known("memcached", Some("memcached"), &["memcached:memcached"]),
    known("musl", None, &["musl-libc:musl"]),
    known("mysql", None, &["oracle:mysql", "oracle:mysql_server", "mysql:mysql"]),
    known("nginx", Some("nginx"), &["f5:nginx", "f5:nginx_open_source", "nginx:nginx", "igor_sysoev:nginx"]),
    known("node", Some("node"), &["nodejs:node.js", "nodejs:nodejs"]),
    known("openssh", None, &["openbsd:openssh"]),
    known("openssl", None, &["openssl:openssl"]),
    known("openvpn", None, &["openvpn:openvpn"]),
    known("perl", None, &["perl:perl"]),
    known("php", Some("php"), &["php:php"]),
    known("postgresql", Some("postgresql"), &["postgresql:postgresql"]),
    known("proftpd", None, &["proftpd:proftpd"]),
    known("python", Some("python"), &["python:python", "python_software_foundation:python"]),
    known(
        "rabbitmq",
        Some("rabbitmq"),
        &["vmware:rabbitmq", "pivotal_software:rabbitmq", "broadcom:rabbitmq_server"],
    ),
    known("redis", Some("redis"), &["redis:redis", "redislabs:redis", "pivotal_software:redis"]),
    known("ruby", Some("ruby"), &["ruby-lang:ruby"]),
    known("sqlite", Some("sqlite"), &["sqlite:sqlite"]),
    known("squid", None, &["squid-cache:squid"]),
    known("sudo", None, &["sudo_project:sudo", "todd_miller:sudo"]),
    known("unbound", None, &["nlnetlabs:unbound"]),
    known(
        "varnish",
        Some("varnish"),
        &[
            "varnish-software:varnish_cache",
            "varnish_cache_project:varnish_cache",
            "varnish-cache:varnish_cache",
            "varnish-cache:varnish",
        ],
    ),
    known("wget", None, &["gnu:wget"]),
    known("wordpress", Some("wordpress"), &["wordpress:wordpress"]),
    known("xz", None, &["tukaani:xz"]),
    known("zlib", None, &["zlib:zlib", "gnu:zlib"]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_can_be_searched() {
        assert!(SOFTWARE.is_sorted_by(|a, b| a.name < b.name));
        for software in SOFTWARE {
            assert_eq!(by_name(software.name), Some(software));
            assert!(software.identities().next().is_some(), "{} is judged by nothing", software.name);
            for cpe in software.cpes {
                assert!(cpe.split(':').count() == 2 && !cpe.contains('\\') && has_cpe(cpe), "{cpe}");
            }
        }
        assert_eq!((by_name("nginx-light"), has_cpe("x:nginx")), (None, false));
    }

    #[test]
    fn what_judges_the_same_software_orders_versions_alike() {
        for (ecosystem, _) in SOFTWARE.iter().flat_map(Software::identities) {
            assert_eq!(ecosystem.scheme(), crate::Scheme::Generic, "{ecosystem}");
        }
    }
}
