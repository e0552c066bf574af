//! Files whose name or place hides them: dot files among programs, names of blanks, programs among data.

use assay_analyze::{Analyzer, AnalyzerId, Fact, File, Select, Sink};
use assay_model::Detail;
use assay_model::observation::{Observation, Topic};

/// Looks at the paths of all files.
pub(super) struct Hidden;

/// Folders in which a name that begins with a dot is out of place.
const NO_DOTS: &[&str] = &[
    "bin/",
    "sbin/",
    "usr/bin/",
    "usr/sbin/",
    "usr/local/bin/",
    "lib/",
    "usr/lib/",
    "etc/cron.d/",
    "dev/",
    "boot/",
];

/// What package managers and build tools put there all the same.
const KNOWN: &[&str] =
    &[".placeholder", ".keep", ".gitkeep", ".build-id", ".hmac", ".npmignore", ".package-lock.json"];

impl Analyzer for Hidden {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "deep-hidden", revision: 1 }
    }

    fn select(&self) -> &'static [Select] {
        &[Select::Any]
    }

    fn reads(&self) -> bool {
        false
    }

    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        if let Some(why) = why(file.path, file.name(), file.node.mode) {
            let details =
                vec![Detail::new("why", why), Detail::new("mode", format!("{:04o}", file.node.mode))];
            out.fact(Fact::Observation(Box::new(Observation::new(Topic::Hidden, details))));
        }
    }
}

fn why(path: &str, name: &str, mode: u32) -> Option<&'static str> {
    let folder = path.strip_suffix(name).unwrap_or(path);
    if name.trim() != name
        || name.chars().any(|char| char.is_control() || ('\u{200b}'..='\u{200f}').contains(&char))
    {
        return Some("its name has blanks or invisible characters at its ends or in it");
    }
    if name.chars().all(|char| char == '.') {
        return Some("its name is nothing but dots");
    }
    let known = KNOWN.iter().any(|known| name == *known || known.starts_with(".h") && name.ends_with(known));
    if name.starts_with('.') && NO_DOTS.contains(&folder) && !known {
        return Some("a dot hides it among programs or libraries");
    }
    let data = ["dev/", "tmp/", "var/tmp/", "run/", "dev/shm/"].iter().any(|at| folder.starts_with(at));
    (data && mode & 0o111 != 0).then_some("it can be executed, and lies where nothing is installed")
}

#[cfg(test)]
mod tests {
    use super::why;

    #[track_caller]
    fn check(path: &str, mode: u32, hidden: bool) {
        let name = path.rsplit('/').next().unwrap();
        assert_eq!(why(path, name, mode).is_some(), hidden, "{path}");
    }

    #[test]
    fn what_hides_is_seen() {
        check("usr/bin/.sshd", 0o755, true);
        check("usr/lib/.x", 0o644, true);
        check("usr/lib/.libcrypto.so.3.hmac", 0o644, false);
        check("root/.bashrc", 0o644, false);
        check("usr/lib/node_modules/a/.npmignore", 0o644, false);
        check("var/lib/...", 0o644, true);
        check("etc/passwd ", 0o644, true);
        check("tmp/x", 0o755, true);
        check("tmp/x", 0o644, false);
        check("usr/bin/ls", 0o755, false);
    }
}
