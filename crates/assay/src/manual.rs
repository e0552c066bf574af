//! The commands that the manual's pages about policies, builds and pipelines show are ones that the program takes.

mod tests {
    /// The pages, and what is shown in them.
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
        for line in text.lines() {
            if line.starts_with("```") && !all_code {
                inside = !inside;
            }
            let line = line.trim().trim_start_matches("- ").trim_start_matches("run: ");
            let line = line.strip_prefix("sh '").and_then(|rest| rest.strip_suffix('\'')).unwrap_or(line);
            if inside && line.starts_with("assay ") {
                found.push(line.to_owned());
            }
        }
        found
    }

    /// Splits a command line as a shell would; variables stand for themselves.
    fn words(line: &str) -> Vec<String> {
        let mut words = Vec::new();
        let (mut word, mut quoted, mut any) = (String::new(), false, false);
        for letter in line.chars() {
            match letter {
                '"' => (quoted, any) = (!quoted, true),
                ' ' if !quoted => {
                    if any || !word.is_empty() {
                        words.push(std::mem::take(&mut word));
                    }
                    any = false;
                }
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
            for command in commands {
                if let Err(error) = crate::cli().try_get_matches_from(words(&command)) {
                    wrong.push(format!("{page}: `{command}`: {error}"));
                }
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}
