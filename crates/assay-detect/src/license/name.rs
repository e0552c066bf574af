//! The names by which people call licences, as SPDX identifiers.
//!
//! Sources: the trove classifiers of Python, the short names of Debian's `copyright` and Fedora's older tags, and what pom files,
//! gem specifications and `package.json` files say.

/// Returns the SPDX identifier of a licence that somebody names; `None` when it is not known.
pub(super) fn identify(text: &str) -> Option<String> {
    let text = text.trim().trim_matches(['"', '\'']);
    // A trove classifier: `License :: OSI Approved :: MIT License`.
    let text = text.rsplit("::").next().unwrap_or(text).trim();
    if text.is_empty() || text.len() > 200 {
        return None;
    }
    let plain = |char: char| char.is_ascii_alphanumeric() || ".-:".contains(char);
    if ["LicenseRef-", "DocumentRef-"].iter().any(|start| text.starts_with(start)) && text.chars().all(plain)
    {
        return Some(text.to_owned());
    }
    let bare = text.strip_suffix('+').unwrap_or(text);
    if let Some(id) = spdx::license_id(bare).or_else(|| ignoring_case(bare)) {
        return Some(canonical(id.name, bare.len() < text.len()));
    }
    let key = key(text);
    gnu(&key).or_else(|| NAMES.iter().find(|(name, _)| *name == key).map(|(_, id)| (*id).to_owned()))
}

fn ignoring_case(text: &str) -> Option<spdx::LicenseId> {
    let found = spdx::identifiers::LICENSES.iter().find(|license| license.name.eq_ignore_ascii_case(text))?;
    spdx::license_id(found.name)
}

/// Replaces the identifiers that SPDX has given up: `GPL-2.0` and `GPL-2.0+`.
fn canonical(id: &str, later: bool) -> String {
    let family = ["AGPL-", "LGPL-", "GPL-", "GFDL-"].iter().any(|start| id.starts_with(start));
    if !family || id.ends_with("-only") || id.ends_with("-or-later") {
        return if later && !id.ends_with("-or-later") { format!("{id}+") } else { id.to_owned() };
    }
    if let Some((base, exception)) = id.split_once("-with-") {
        // `GPL-2.0-with-classpath-exception` was one name.
        let exception = match exception {
            "autoconf-exception" if base == "GPL-2.0" => "Autoconf-exception-2.0",
            "autoconf-exception" => "Autoconf-exception-3.0",
            "bison-exception" => "Bison-exception-2.2",
            "classpath-exception" => "Classpath-exception-2.0",
            "font-exception" => "Font-exception-2.0",
            "GCC-exception" if base == "GPL-2.0" => "GCC-exception-2.0",
            "GCC-exception" => "GCC-exception-3.1",
            other => other,
        };
        return format!("{base}-only WITH {exception}");
    }
    let base = id.strip_suffix('+').unwrap_or(id);
    let later = later || base.len() < id.len();
    format!("{base}-{}", if later { "or-later" } else { "only" })
}

/// Returns what is compared: lower case, without what every name may have or lack.
fn key(text: &str) -> String {
    let lower = text.to_ascii_lowercase();
    let words = lower.split(|char: char| !char.is_ascii_alphanumeric() && char != '+' && char != '.');
    let mut key = String::new();
    for word in words.filter(|word| {
        !matches!(
            *word,
            "the"
                | "license"
                | "licence"
                | "licenses"
                | "licensed"
                | "version"
                | "v"
                | "ver"
                | "software"
                | "under"
                | "a"
                | "of"
                | "agreement"
                | "terms"
                | "style"
                | "see"
        )
    }) {
        let number =
            word.strip_prefix('v').filter(|rest| rest.starts_with(|char: char| char.is_ascii_digit()));
        let word = number.unwrap_or(word);
        let word = match word
            .find(|char: char| char.is_ascii_digit())
            .and_then(|digit| word.split_at_checked(digit))
        {
            // `mplv2.0`
            Some((name, version)) if name.len() > 2 && name.ends_with('v') => {
                key.push_str(name.trim_end_matches('v'));
                version
            }
            _ => word,
        };
        let word = word.trim_end_matches('.');
        key.push_str(word.strip_suffix(".0").unwrap_or(word));
    }
    key
}

/// Reads the family of GNU: `gplv2+`, `lgpl2.1`, `gnulessergeneralpublic3orlater`.
fn gnu(key: &str) -> Option<String> {
    let key = key.strip_prefix("gnu").unwrap_or(key);
    let families = [
        ("affero general public", "AGPL"),
        ("agpl", "AGPL"),
        ("lesser general public", "LGPL"),
        ("library or lesser general public", "LGPL"),
        ("library general public", "LGPL"),
        ("lgpl", "LGPL"),
        ("lesser gpl", "LGPL"),
        ("general public", "GPL"),
        ("gpl", "GPL"),
        ("free documentation", "GFDL"),
        ("fdl", "GFDL"),
        ("gfdl", "GFDL"),
    ];
    let (rest, family) = families.iter().find_map(|(name, family)| {
        let name: String = name.split(' ').collect();
        key.strip_prefix(name.as_str()).map(|rest| (rest.to_owned(), *family))
    })?;
    // Short forms often follow in brackets: `GNU General Public License v3 (GPLv3)`.
    let rest = rest.trim_start_matches(['v', ' ']);
    let end = rest.find(|char: char| !char.is_ascii_digit() && char != '.').unwrap_or(rest.len());
    let (version, tail) = rest.split_at_checked(end)?;
    let version = version.trim_end_matches('.');
    let after =
        ["+", "orlater", "ornewer", "andlater", "oranylater"].iter().find_map(|word| tail.strip_prefix(word));
    let (later, tail) = (after.is_some(), after.unwrap_or(tail));
    let tail = tail.strip_prefix("only").unwrap_or(tail);
    // A short form of the same may follow.
    let repeated = tail.strip_prefix(&family.to_ascii_lowercase()).map(|rest| {
        rest.trim_start_matches('v')
            .trim_start_matches(|char: char| char.is_ascii_digit() || char == '.' || char == '+')
    });
    let later = later || (repeated == Some("") && tail.ends_with('+'));
    if !tail.is_empty() && repeated != Some("") {
        return None;
    }
    let version = match (family, version) {
        ("GPL", "") => return Some("GPL-1.0-or-later".to_owned()),
        ("LGPL", "") => return Some("LGPL-2.0-or-later".to_owned()),
        ("AGPL", "") => return Some("AGPL-3.0-only".to_owned()),
        ("GFDL", "") => return Some("GFDL-1.1-or-later".to_owned()),
        (_, version) if version.contains('.') => version.to_owned(),
        (_, version) => format!("{version}.0"),
    };
    let id = format!("{family}-{version}-{}", if later { "or-later" } else { "only" });
    spdx::license_id(&id).map(|id| id.name.to_owned())
}

/// Other names, as [`key`] makes them, and their identifiers.
const NAMES: &[(&str, &str)] = &[
    ("0bsd", "0BSD"),
    ("bsdzeroclause", "0BSD"),
    ("academicfree", "AFL-3.0"),
    ("academicfreeafl", "AFL-3.0"),
    ("apache", "Apache-2.0"),
    ("apache1.1", "Apache-1.1"),
    ("apache2", "Apache-2.0"),
    ("apache2apache2", "Apache-2.0"),
    ("apacheasl", "Apache-2.0"),
    ("apacheasl2", "Apache-2.0"),
    ("apachefoundation2", "Apache-2.0"),
    ("asf2", "Apache-2.0"),
    ("asl", "Apache-2.0"),
    ("asl1.1", "Apache-1.1"),
    ("asl2", "Apache-2.0"),
    ("al2", "Apache-2.0"),
    ("artistic", "Artistic-1.0-Perl"),
    ("artistic2", "Artistic-2.0"),
    ("artistic1", "Artistic-1.0"),
    ("perl", "Artistic-1.0-Perl OR GPL-1.0-or-later"),
    ("perl5", "Artistic-1.0-Perl OR GPL-1.0-or-later"),
    ("sameasperl", "Artistic-1.0-Perl OR GPL-1.0-or-later"),
    ("boost", "BSL-1.0"),
    ("boost1", "BSL-1.0"),
    ("boostbsl1", "BSL-1.0"),
    ("bsl", "BSL-1.0"),
    ("bsd", "BSD-3-Clause"),
    ("bsd2clause", "BSD-2-Clause"),
    ("bsd2", "BSD-2-Clause"),
    ("2clausebsd", "BSD-2-Clause"),
    ("simplifiedbsd", "BSD-2-Clause"),
    ("bsdsimplified", "BSD-2-Clause"),
    ("freebsd", "BSD-2-Clause"),
    ("bsd3clause", "BSD-3-Clause"),
    ("bsd3", "BSD-3-Clause"),
    ("3clausebsd", "BSD-3-Clause"),
    ("newbsd", "BSD-3-Clause"),
    ("bsdnew", "BSD-3-Clause"),
    ("modifiedbsd", "BSD-3-Clause"),
    ("revisedbsd", "BSD-3-Clause"),
    ("edl1", "BSD-3-Clause"),
    ("eclipsedistribution1", "BSD-3-Clause"),
    ("bsd4clause", "BSD-4-Clause"),
    ("bsdwithadvertising", "BSD-4-Clause"),
    ("originalbsd", "BSD-4-Clause"),
    ("cc0", "CC0-1.0"),
    ("cc01", "CC0-1.0"),
    ("cc01universal", "CC0-1.0"),
    ("cc01universalcc01publicdomaindedication", "CC0-1.0"),
    ("creativecommonszero", "CC0-1.0"),
    ("ccby", "CC-BY-4.0"),
    ("ccby4", "CC-BY-4.0"),
    ("ccby3", "CC-BY-3.0"),
    ("ccbysa", "CC-BY-SA-4.0"),
    ("ccbysa4", "CC-BY-SA-4.0"),
    ("ccbysa3", "CC-BY-SA-3.0"),
    ("cddl", "CDDL-1.0"),
    ("cddl1", "CDDL-1.0"),
    ("cddl1.1", "CDDL-1.1"),
    ("commondevelopmentanddistribution", "CDDL-1.0"),
    ("commondevelopmentanddistributioncddl1", "CDDL-1.0"),
    ("commonpublic1", "CPL-1.0"),
    ("cpl", "CPL-1.0"),
    ("cpl1", "CPL-1.0"),
    ("eclipsepublic", "EPL-1.0"),
    ("eclipsepublic1", "EPL-1.0"),
    ("eclipsepublic2", "EPL-2.0"),
    ("eclipsepublicepl1", "EPL-1.0"),
    ("eclipsepublic2epl2", "EPL-2.0"),
    ("epl", "EPL-1.0"),
    ("epl1", "EPL-1.0"),
    ("epl2", "EPL-2.0"),
    ("europeanunionpubliclicence1.2eupl1.2", "EUPL-1.2"),
    ("eupl1.2", "EUPL-1.2"),
    ("expat", "MIT"),
    ("mit", "MIT"),
    ("mitexpat", "MIT"),
    ("mitx11", "MIT"),
    ("mitmit", "MIT"),
    ("themit", "MIT"),
    ("x11", "X11"),
    ("mitnoattribution", "MIT-0"),
    ("mit0", "MIT-0"),
    ("isc", "ISC"),
    ("iscisc", "ISC"),
    ("iscl", "ISC"),
    ("isclicenseiscl", "ISC"),
    ("hpnd", "HPND"),
    ("historicalpermissionnoticeanddisclaimerhpnd", "HPND"),
    ("ijg", "IJG"),
    ("mpl", "MPL-2.0"),
    ("mpl1.1", "MPL-1.1"),
    ("mpl2", "MPL-2.0"),
    ("mozillapublic1.1", "MPL-1.1"),
    ("mozillapublic2", "MPL-2.0"),
    ("mozillapublic2mpl2", "MPL-2.0"),
    ("mozillapublic1.1mpl1.1", "MPL-1.1"),
    ("ncsa", "NCSA"),
    ("universityofillinois/ncsaopensource", "NCSA"),
    ("ofl", "OFL-1.1"),
    ("ofl1.1", "OFL-1.1"),
    ("silopenfont1.1", "OFL-1.1"),
    ("silopenfont1.1ofl1.1", "OFL-1.1"),
    ("openldap", "OLDAP-2.8"),
    ("openssl", "OpenSSL"),
    ("php", "PHP-3.01"),
    ("php3", "PHP-3.0"),
    ("php3.01", "PHP-3.01"),
    ("postgresql", "PostgreSQL"),
    ("psf", "PSF-2.0"),
    ("psf2", "PSF-2.0"),
    ("psfl", "PSF-2.0"),
    ("psf2license", "PSF-2.0"),
    ("python", "Python-2.0"),
    ("pythonfoundation", "PSF-2.0"),
    ("pythonfoundation2", "PSF-2.0"),
    ("publicdomain", "LicenseRef-public-domain"),
    ("pd", "LicenseRef-public-domain"),
    ("ruby", "Ruby"),
    ("ruby's", "Ruby"),
    ("sleepycat", "Sleepycat"),
    ("unlicense", "Unlicense"),
    ("theunlicenseunlicense", "Unlicense"),
    ("unlicenseunlicense", "Unlicense"),
    ("upl", "UPL-1.0"),
    ("universalpermissive1", "UPL-1.0"),
    ("universalpermissiveupl", "UPL-1.0"),
    ("vim", "Vim"),
    ("w3c", "W3C"),
    ("wtfpl", "WTFPL"),
    ("zlib", "Zlib"),
    ("zliblibpng", "Zlib"),
    ("libpng", "Libpng"),
    ("zopepublic", "ZPL-2.1"),
    ("zpl2.1", "ZPL-2.1"),
    ("zpl", "ZPL-2.1"),
    ("unicode", "Unicode-DFS-2016"),
    ("sspl", "SSPL-1.0"),
    ("serversidepublic1", "SSPL-1.0"),
    ("elastic2", "Elastic-2.0"),
    ("elastic", "Elastic-2.0"),
    ("businesssource1.1", "BUSL-1.1"),
    ("bsl1.1", "BUSL-1.1"),
    ("busl", "BUSL-1.1"),
    ("proprietary", "LicenseRef-proprietary"),
    ("otherproprietary", "LicenseRef-proprietary"),
    ("unlicensed", "LicenseRef-proprietary"),
    ("commercial", "LicenseRef-proprietary"),
    ("allrightsreserved", "LicenseRef-proprietary"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_people_use() {
        for (name, id) in [
            ("Apache 2", "Apache-2.0"),
            ("Apache License, Version 2.0", "Apache-2.0"),
            ("The Apache Software License, Version 2.0", "Apache-2.0"),
            ("apache-2.0", "Apache-2.0"),
            ("ASL 2.0", "Apache-2.0"),
            ("BSD-3-clause License", "BSD-3-Clause"),
            ("3-Clause BSD License", "BSD-3-Clause"),
            ("New BSD", "BSD-3-Clause"),
            ("GPLv2+", "GPL-2.0-or-later"),
            ("GPL-2+", "GPL-2.0-or-later"),
            ("GPL v3", "GPL-3.0-only"),
            ("GPL-2.0", "GPL-2.0-only"),
            ("GPL-2.0+", "GPL-2.0-or-later"),
            ("GPL-3", "GPL-3.0-only"),
            ("LGPLv2.1", "LGPL-2.1-only"),
            ("LGPL-2+", "LGPL-2.0-or-later"),
            ("GPL+", "GPL-1.0-or-later"),
            ("GNU Lesser General Public License v3 or later (LGPLv3+)", "LGPL-3.0-or-later"),
            ("GNU General Public License v2 (GPLv2)", "GPL-2.0-only"),
            ("GNU Affero General Public License v3", "AGPL-3.0-only"),
            ("License :: OSI Approved :: MIT License", "MIT"),
            ("License :: OSI Approved :: Apache Software License", "Apache-2.0"),
            ("The MIT License (MIT)", "MIT"),
            ("Expat", "MIT"),
            ("MPLv2.0", "MPL-2.0"),
            ("Mozilla Public License 2.0 (MPL 2.0)", "MPL-2.0"),
            ("Eclipse Public License - v 2.0", "EPL-2.0"),
            ("Public Domain", "LicenseRef-public-domain"),
            ("Python Software Foundation License", "PSF-2.0"),
            ("GPL-2.0-with-classpath-exception", "GPL-2.0-only WITH Classpath-exception-2.0"),
        ] {
            assert_eq!(identify(name).as_deref(), Some(id), "{name}");
        }
        for name in ["", "see LICENSE", "Acme", "GPL-compatible", "mitigated"] {
            assert_eq!(identify(name), None, "{name}");
        }
    }

    #[test]
    fn every_identifier_of_the_table_exists() {
        for (name, expression) in NAMES {
            for id in expression.split(" OR ").filter(|id| !id.starts_with("LicenseRef-")) {
                assert!(spdx::license_id(id).is_some(), "{name}: {id}");
            }
        }
    }
}
