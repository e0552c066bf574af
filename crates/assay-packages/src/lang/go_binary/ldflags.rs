//! The version that a release build gave to its main module by the linker's `-X`
//! (<https://pkg.go.dev/cmd/link>), as the build settings keep it: `build -ldflags="-X main.version=1.2.3"`.
//!
//! A program built from a checkout is `(devel)` to Go before 1.24, although it is a release: traefik, consul, helm and many others
//! are made like that. Only what can hardly be anything else is believed: a variable called `version` in a package of the
//! main module itself, a full version of three numbers, of the major number that the module's path asks for, and no other such
//! variable that says something else. `-trimpath` leaves the flags out.

/// Names of variables that hold the program's own version, in lower case.
const NAMES: &[&str] = &["version", "appversion", "buildversion", "releaseversion", "gitversion", "gittag"];
/// Words of a command line that are looked at; real ones have some dozens.
const MAX_WORDS: usize = 4096;

/// Returns the main module's version by a value of the build setting `-ldflags`, as a module version.
pub(super) fn version(module: &str, setting: &str) -> Option<String> {
    let flags = unquote(setting);
    let mut found: Option<String> = None;
    let mut words = words(&flags).into_iter();
    while let Some(word) = words.next() {
        let definition = match word.strip_prefix("--").or_else(|| word.strip_prefix('-')) {
            Some("X") => words.next(),
            Some(flag) => flag.strip_prefix("X=").map(str::to_owned),
            None => None,
        };
        let Some((variable, value)) = definition.as_deref().and_then(|definition| definition.split_once('='))
        else {
            continue;
        };
        if !is_version_of(module, variable) {
            continue;
        }
        // A development build under the same variable (`dev`, `latest`) says nothing, and neither does a second opinion.
        let version = release(module, value)?;
        if found.as_ref().is_some_and(|known| *known != version) {
            return None;
        }
        found = Some(version);
    }
    found
}

/// Returns whether a variable, as `path/of/package.name`, is the version of the module.
fn is_version_of(module: &str, variable: &str) -> bool {
    let Some((package, name)) = variable.rsplit_once('.') else { return false };
    let inside = package.strip_prefix(module).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    // A vendored copy of another module is none of this one's packages.
    let own = package == "main" || inside && !package.contains("/vendor/");
    own && NAMES.contains(&name.to_ascii_lowercase().as_str())
}

/// Returns a release as a module version: three numbers, perhaps a stage before the release, of the path's major number.
fn release(module: &str, value: &str) -> Option<String> {
    let text = value.strip_prefix('v').unwrap_or(value);
    let (numbers, stage) = match text.find(['-', '+']) {
        Some(at) => text.split_at_checked(at)?,
        None => (text, ""),
    };
    let parts: Vec<&str> = numbers.split('.').collect();
    let number =
        |part: &&str| !part.is_empty() && part.len() < 10 && part.bytes().all(|byte| byte.is_ascii_digit());
    let staged =
        stage.len() < 40 && stage.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-+.".contains(&byte));
    // `git describe` counts commits since a release (`1.2.3-4-gabcdef`): that is no release.
    let described = stage.contains("-g") || stage.contains("dirty");
    if parts.len() != 3 || !parts.iter().all(number) || !staged || described {
        return None;
    }
    let major = parts.first()?;
    let wanted = module.rsplit_once('/').and_then(|(_, last)| last.strip_prefix('v')).filter(number);
    match wanted {
        Some(wanted) if wanted != *major => None,
        // Modules without a number in their path are of major version 0 or 1, or from before modules.
        None if !matches!(*major, "0" | "1") => {
            Some(format!("v{text}+incompatible")).filter(|_| !text.contains('+'))
        }
        _ => Some(format!("v{text}")),
    }
}

/// Undoes Go's quoting of the whole value.
fn unquote(setting: &str) -> String {
    let inner = |quote| setting.strip_prefix(quote).and_then(|rest: &str| rest.strip_suffix(quote));
    if let Some(raw) = inner('`') {
        return raw.to_owned();
    }
    let Some(quoted) = inner('"') else { return setting.to_owned() };
    let mut text = String::with_capacity(quoted.len());
    let mut chars = quoted.chars();
    while let Some(char) = chars.next() {
        text.extend(if char == '\\' { chars.next() } else { Some(char) });
    }
    text
}

/// Splits a command line at blanks outside of quotes, as `go build` does.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let (mut word, mut quote, mut any) = (String::new(), None, false);
    for char in line.chars() {
        match (quote, char) {
            (Some(open), close) if open == close => quote = None,
            (None, '\'' | '"') => (quote, any) = (Some(char), true),
            (None, ' ' | '\t' | '\n') => {
                if any && words.len() < MAX_WORDS {
                    words.push(std::mem::take(&mut word));
                }
                (any, word) = (false, String::new());
            }
            _ => {
                word.push(char);
                any = true;
            }
        }
    }
    if any && words.len() < MAX_WORDS {
        words.push(word);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(module: &str, setting: &str, expected: &str) {
        assert_eq!(version(module, setting).unwrap_or_default(), expected, "{setting}");
    }

    #[test]
    fn releases_are_read() {
        let traefik = "github.com/traefik/traefik/v3";
        let own = r#""-s -w -X github.com/traefik/traefik/v3/pkg/version.Version=v3.1.2 -X github.com/traefik/traefik/v3/pkg/version.Codename=munster""#;
        check(traefik, own, "v3.1.2");
        check("example.com/app", r#""-X main.version=1.2.3""#, "v1.2.3");
        check("example.com/app", r#""-X \"main.version=1.2.3\" -X 'main.date=Jan 1'""#, "v1.2.3");
        check("example.com/app", "-X=main.Version=0.9.0-rc.1", "v0.9.0-rc.1");
        check("example.com/app", "`-X main.version=1.2.3 -X example.com/app/v.Version=v1.2.3`", "v1.2.3");
        check(
            "github.com/docker/cli",
            r#""-X github.com/docker/cli/cli/version.Version=24.0.7""#,
            "v24.0.7+incompatible",
        );
    }

    #[test]
    fn what_is_no_release_stays_unknown() {
        let module = "example.com/app";
        for setting in [
            "",
            "-X",
            "-X main.version",
            "-X main.version=dev",
            "-X main.version=1.2",
            "-X main.version=1.2.3-4-gabcdef0",
            "-X main.version=1.2.3-dirty",
            "-X main.version=abcdef0",
            "-X main.commit=1.2.3",
            "-X example.com/application.version=1.2.3",
            "-X example.com/app/vendor/example.com/lib.version=1.2.3",
            "-X other.com/lib.version=1.2.3",
            "-X main.version=1.2.3 -X main.Version=1.2.4",
            "-Xmain.version=1.2.3",
        ] {
            check(module, setting, "");
        }
        check("example.com/app/v2", "-X main.version=1.2.3", "");
        check("github.com/old/app", "-X main.version=20.1.0+ce", "");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn any_flags_are_survived(setting in "(-X|=|main\\.version|[ \"'`\\\\v.]|[0-9]{1,3}){0,32}") {
            version("main", &setting);
        }
    }
}
