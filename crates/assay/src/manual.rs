//! The commands that the manual and the examples of pipelines show are ones that the program takes.

mod tests {
    /// The pages that every build is for, and what is shown in them.
    const PAGES: &[(&str, &str)] = &[
        #[cfg(feature = "server")]
        ("api.md", include_str!("../../../docs/manual/api.md")),
        ("policy.md", include_str!("../../../docs/manual/policy.md")),
        ("gate.md", include_str!("../../../docs/manual/gate.md")),
        #[cfg(feature = "server")]
        ("builds.md", include_str!("../../../docs/manual/builds.md")),
        ("pipelines.md", include_str!("../../../docs/manual/pipelines.md")),
        ("github/action.yml", include_str!("../../../docs/pipelines/github/action.yml")),
        ("gitlab/assay.gitlab-ci.yml", include_str!("../../../docs/pipelines/gitlab/assay.gitlab-ci.yml")),
    ];

    /// Returns every command line: a line of an example that is one, or one inside a step of a pipeline.
    fn commands(page: &str, text: &str) -> Vec<String> {
        let all_code = !page.ends_with(".md");
        let mut inside = all_code;
        let mut found = Vec::new();
        let text = text.replace("\\\n", " ");
        for line in text.lines() {
            if line.starts_with("```") && !all_code {
                inside = !inside;
            }
            let line = line.trim().trim_start_matches("- ").trim_start_matches("run: ");
            let line = line.strip_prefix("sh '").and_then(|rest| rest.strip_suffix('\'')).unwrap_or(line);
            // What a command may be given is no example.
            let is_synopsis = [" [", " <", "… "].iter().any(|mark| line.contains(mark));
            if inside && line.starts_with("assay ") && !is_synopsis {
                found.push(line.to_owned());
            }
        }
        found
    }

    /// Splits a command line as a shell would, up to where it goes on with another; variables stand for themselves.
    fn words(line: &str) -> Vec<String> {
        let mut words = Vec::new();
        let (mut word, mut quote, mut any) = (String::new(), None, false);
        for letter in line.chars() {
            match (letter, quote) {
                ('"' | '\'', None) => (quote, any) = (Some(letter), true),
                (_, Some(end)) if letter == end => quote = None,
                (' ', None) => {
                    if any || !word.is_empty() {
                        words.push(std::mem::take(&mut word));
                    }
                    any = false;
                }
                ('|' | '>' | '<' | ';' | '&', None) if word.is_empty() => return words,
                ('#', None) if word.is_empty() && !any => return words,
                _ => word.push(letter),
            }
        }
        if any || !word.is_empty() {
            words.push(word);
        }
        words
    }

    #[test]
    fn every_documented_command_is_taken() {
        let mut wrong = Vec::new();
        for (page, text) in PAGES {
            let commands = commands(page, text);
            assert!(!commands.is_empty(), "{page} shows no command");
            wrong.extend(commands.iter().filter_map(|command| refused(page, command)));
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    /// Says why a command is not taken, if it is not.
    fn refused(page: &str, command: &str) -> Option<String> {
        let error = crate::cli().try_get_matches_from(words(command)).err()?;
        // What only prints is taken as well.
        error.use_stderr().then(|| format!("{page}: `{command}`: {error}"))
    }

    #[cfg(feature = "server")]
    #[test]
    #[allow(clippy::disallowed_methods, reason = "the pages are not part of the program")]
    fn so_is_that_of_every_other_page() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/manual");
        let (mut wrong, mut count) = (Vec::new(), 0);
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let page = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.extension().is_some_and(|end| end == "md") {
                let commands = commands(&page, &std::fs::read_to_string(&path).unwrap());
                count += commands.len();
                wrong.extend(commands.iter().filter_map(|command| refused(&page, command)));
            }
        }
        assert!(count > 100, "only {count} commands were found");
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}
