//! Programs that run another one named in their own words: `tini -- nginx`, `gosu redis redis-server`, `env A=1 python3 app.py`.

/// How a wrapper's words lead to the program it runs.
pub(crate) struct Wrapper {
    /// Its names.
    names: &'static [&'static str],
    /// Options that take the next word as their value.
    valued: &'static [&'static str],
    /// Words that stand between the options and the program: a user, a duration, a new root.
    before: usize,
    /// Whether the program is what is run for sure; `xargs` and `find` run theirs only for what they are given.
    pub(crate) sure: bool,
}

const fn wrapper(names: &'static [&'static str], valued: &'static [&'static str], before: usize) -> Wrapper {
    Wrapper { names, valued, before, sure: true }
}

/// The wrappers.
const WRAPPERS: &[Wrapper] = &[
    wrapper(&["tini", "tini-static", "docker-init", "catatonit"], &["-p", "-e"], 0),
    wrapper(&["dumb-init"], &["-r", "--rewrite"], 0),
    wrapper(&["su-exec", "gosu", "s6-setuidgid", "setuidgid"], &[], 1),
    wrapper(&["s6-envuidgid", "envuidgid", "envdir", "s6-envdir"], &[], 1),
    wrapper(
        &["chpst"],
        &["-u", "-U", "-b", "-e", "-/", "-n", "-l", "-L", "-m", "-d", "-o", "-p", "-f", "-c", "-r", "-t"],
        0,
    ),
    wrapper(
        &[
            "with-contenv",
            "s6-notifyoncheck",
            "fdmove",
            "foreground",
            "nohup",
            "setsid",
            "exec",
            "command",
            "time",
            "eatmydata",
            "linux64",
            "linux32",
        ],
        &["-a", "-o", "-f", "-d", "-s"],
        0,
    ),
    wrapper(&["env"], &["-u", "--unset", "-C", "--chdir", "-S", "--split-string"], 0),
    wrapper(&["nice"], &["-n", "--adjustment"], 0),
    wrapper(&["ionice"], &["-c", "-n", "-t"], 0),
    wrapper(&["chrt", "taskset"], &["-T", "-P", "-D"], 1),
    wrapper(&["prlimit"], &[], 0),
    wrapper(&["stdbuf"], &["-i", "-o", "-e"], 0),
    wrapper(&["timeout"], &["-s", "--signal", "-k", "--kill-after"], 1),
    wrapper(
        &["setpriv"],
        &[
            "--reuid",
            "--regid",
            "--groups",
            "--inh-caps",
            "--ambient-caps",
            "--bounding-set",
            "--securebits",
            "--pdeathsig",
            "--selinux-label",
            "--apparmor-profile",
        ],
        0,
    ),
    wrapper(&["sudo"], &["-u", "-g", "-h", "-p", "-C", "-D", "-R", "-T"], 0),
    wrapper(&["runuser"], &["-u", "-g", "-G"], 0),
    wrapper(&["unshare", "nsenter"], &["-S", "-G", "-t"], 0),
    wrapper(&["flock"], &["-w", "-E"], 1),
    wrapper(&["softlimit"], &["-a", "-m", "-d", "-s", "-l", "-o", "-p", "-f", "-c", "-r", "-t"], 0),
    wrapper(
        &["ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1", "ld-linux.so.2"],
        &["--library-path", "--preload", "--argv0", "--audit"],
        0,
    ),
    Wrapper {
        names: &["xargs"],
        valued: &["-I", "-n", "-P", "-L", "-d", "-E", "-s", "-a"],
        before: 0,
        sure: false,
    },
];

/// Programs that start what their own settings list, which nobody reads here.
const MANAGERS: &[&str] = &[
    "supervisord",
    "s6-svscan",
    "s6-svscanboot",
    "s6-rc",
    "s6-overlay-suexec",
    "runsvdir",
    "runsvdir-start",
    "runit",
    "runit-init",
    "svscan",
    "systemd",
    "init",
    "openrc",
    "openrc-init",
    "openrc-run",
    "monit",
    "circusd",
    "pm2",
    "pm2-runtime",
    "foreman",
    "honcho",
    "cron",
    "crond",
    "anacron",
    "atd",
    "inetd",
    "xinetd",
    "sshd",
    "run-parts",
    "make",
    "start-stop-daemon",
    "service",
    "invoke-rc.d",
    "forego",
    "overmind",
    "multirun",
    "horust",
    "dinit",
    "nomad",
    "consul-template",
    "envconsul",
    "watchexec",
    "entr",
    "chroot",
    "su",
    "find",
    "parallel",
    "script",
    "expect",
    "screen",
    "tmux",
    "git",
    "ssh",
];

/// Shells, by the name under which they are run.
pub(crate) const SHELLS: &[&str] =
    &["sh", "bash", "dash", "ash", "ksh", "ksh93", "mksh", "lksh", "oksh", "zsh", "rbash", "yash"];

/// Returns whether a program starts others by settings or words that are not followed.
pub(crate) fn is_manager(name: &str) -> bool {
    MANAGERS.contains(&name)
}

fn find(name: &str) -> Option<&'static Wrapper> {
    WRAPPERS.iter().find(|wrapper| wrapper.names.contains(&name))
}

/// Returns the wrapper of this name and the words of the program it runs; no words when they cannot be told apart.
pub(crate) fn unwrap<'w>(name: &str, words: &'w [String]) -> Option<(&'static Wrapper, &'w [String])> {
    let wrapper = find(name)?;
    let mut rest = words.get(1..).unwrap_or_default();
    let mut before = wrapper.before;
    while let Some((word, after)) = rest.split_first() {
        if word == "--" {
            rest = after;
            rest = rest.get(before..).unwrap_or_default();
            break;
        }
        if word.len() > 1 && word.starts_with('-') {
            // `env -S` has the program in its value.
            let takes = wrapper.valued.contains(&word.as_str())
                && !matches!(word.as_str(), "-S" | "--split-string" if name == "env");
            rest = after.get(usize::from(takes)..).unwrap_or_default();
            continue;
        }
        if name == "env" && word.split_once('=').is_some_and(|(name, _)| !name.contains('/')) {
            rest = after;
            continue;
        }
        if before == 0 {
            break;
        }
        before -= 1;
        rest = after;
    }
    Some((wrapper, rest))
}

/// What a shell is told to run.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ShellWork<'w> {
    /// The text after `-c`, and the words that follow it (`$0`, `$1` …).
    Text(&'w str, &'w [String]),
    /// A script and its words.
    Script(&'w [String]),
    /// What is typed or piped into it.
    Input,
}

/// Reads the words of a shell, its own name the first.
pub(crate) fn shell_work(words: &[String]) -> ShellWork<'_> {
    let mut rest = words.get(1..).unwrap_or_default();
    let mut text = false;
    while let Some((word, after)) = rest.split_first() {
        if word == "--" || word == "-" {
            rest = after;
            break;
        }
        if !(word.starts_with('-') || word.starts_with('+')) {
            break;
        }
        let is_long = word.starts_with("--");
        text |= !is_long && word.contains('c') && word.starts_with('-');
        let takes =
            (!is_long && word.ends_with('o')) || matches!(word.as_str(), "--rcfile" | "--init-file" | "-O");
        rest = after.get(usize::from(takes)..).unwrap_or_default();
    }
    match rest.split_first() {
        Some((first, after)) if text => ShellWork::Text(first, after),
        Some(_) => ShellWork::Script(rest),
        None => ShellWork::Input,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[track_caller]
    fn check(text: &str, want: &str) {
        let words = words(text);
        let name = assay_model::path::file_name(&words[0]).to_owned();
        let (_, rest) = unwrap(&name, &words).unwrap();
        assert_eq!(rest.join(" "), want, "{text}");
    }

    #[test]
    fn wrappers_lead_to_their_program() {
        check("tini -- nginx -g x", "nginx -g x");
        check("/sbin/tini -g -e 143 app", "app");
        check("gosu redis redis-server --port 1", "redis-server --port 1");
        check("/usr/bin/env -i A=1 -u B python3 -S", "python3 -S");
        check("env -S python3 -u", "python3 -u");
        check("timeout -s 9 30 curl x", "curl x");
        check("setpriv --reuid=1 --clear-groups app", "app");
        check("nice -n 5 app", "app");
        check("gosu", "");
    }

    #[test]
    fn shells_are_told_what_to_run() {
        let line = ["sh".to_owned(), "-ec".to_owned(), "a b".to_owned(), "zero".to_owned()];
        assert_eq!(shell_work(&line), ShellWork::Text("a b", &line[3..]));
        let line = words("bash -eu -o pipefail /run.sh x");
        assert_eq!(shell_work(&line), ShellWork::Script(&line[4..]));
        assert_eq!(shell_work(&words("bash -l")), ShellWork::Input);
    }
}
