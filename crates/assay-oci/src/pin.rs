//! Finds image references in the files that name them, and writes digests behind their tags.
//!
//! Nothing but the reference changes: comments, quotes, order and line ends stay byte for byte, since a person will review the
//! difference. Therefore files are not parsed into trees and printed again, but read line by line, with the place of each value.
//! What cannot be decided from the file alone (a variable, a template) is reported, never guessed.

mod dockerfile;
mod yaml;

use crate::reference::Reference;
use assay_model::{Digest, Platform};
use std::ops::Range;

/// The largest file that is looked at, in bytes; manifests of whole clusters have a few.
pub const MAX_FILE: u64 = 64 << 20;
/// References of one file that are reported.
const MAX_SPOTS: usize = 100_000;
/// Letters of a reference: names have at most 255, tags 128, digests 135.
const MAX_REFERENCE: usize = 1024;

/// What kind of file it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// A Dockerfile or Containerfile.
    Dockerfile,
    /// YAML or JSON: Kubernetes manifests, compose files, values of Helm charts, pipelines.
    Yaml,
}

impl FileKind {
    /// Judges by name and, where that says nothing, by content.
    pub fn of(name: &str, text: &str) -> Self {
        let lower = name.to_ascii_lowercase();
        let stem = lower.rsplit(['/', '\\']).next().unwrap_or(&lower);
        let named = ["dockerfile", "containerfile"].iter().any(|kind| {
            stem == *kind
                || stem.strip_prefix(kind).is_some_and(|rest| rest.starts_with(['.', '-', '_']))
                || stem.strip_suffix(kind).is_some_and(|rest| rest.ends_with('.'))
        });
        let is_yaml = [".yaml", ".yml", ".json"].iter().any(|end| stem.ends_with(end));
        let starts_so = || {
            let first = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'));
            let word = first.and_then(|line| line.split_ascii_whitespace().next()).unwrap_or("");
            word.eq_ignore_ascii_case("from") || word.eq_ignore_ascii_case("arg")
        };
        if named || (!is_yaml && starts_so()) { Self::Dockerfile } else { Self::Yaml }
    }
}

/// How a reference stands in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// As one text.
    Whole,
    /// Only its tag is here.
    Tag,
    /// Its digest belongs here; the place may be without a value, or with an empty one.
    Digest { quoted: bool },
}

/// What is to be done about a reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It has a digest.
    Pinned,
    /// It has none.
    Open,
    /// It cannot be pinned, and why.
    Skipped(&'static str),
}

/// A reference in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spot {
    /// The line, from 1.
    pub line: usize,
    /// The reference as the file has it, put together where it stands in parts.
    pub text: String,
    /// The reference, where it is one.
    pub reference: Option<Reference>,
    /// For which platform it is wanted, where the file says so.
    pub platform: Option<Platform>,
    /// What is to be done.
    pub state: State,
    range: Range<usize>,
    form: Form,
}

impl Spot {
    fn whole(line: usize, range: Range<usize>, text: &str) -> Self {
        let (reference, state) = judge(text);
        Self { line, text: text.to_owned(), reference, platform: None, state, range, form: Form::Whole }
    }

    /// Returns what stands in its place once it is pinned to `digest`.
    fn pinned(&self, text: &str, digest: &Digest) -> Option<String> {
        let now = text.get(self.range.clone())?;
        let before = now.split('@').next().unwrap_or(now);
        Some(match self.form {
            Form::Whole => {
                // A name without a tag means `latest`, and whoever reads it later should see which tag the digest was.
                let has_tag = before.rsplit('/').next().is_some_and(|last| last.contains(':'));
                let has_digest = now.contains('@');
                let tag = if has_tag || has_digest { "" } else { ":latest" };
                format!("{before}{tag}@{digest}")
            }
            Form::Tag => format!("{before}@{digest}"),
            Form::Digest { quoted: true } => digest.to_string(),
            Form::Digest { quoted: false } => {
                let space = if now.is_empty() { " " } else { "" };
                format!("{space}\"{digest}\"")
            }
        })
    }
}

/// Judges a reference by itself.
fn judge(text: &str) -> (Option<Reference>, State) {
    if text.contains("{{") || text.contains('$') || text.contains("<%") {
        return (None, State::Skipped("it depends on a variable"));
    }
    if text.len() > MAX_REFERENCE {
        return (None, State::Skipped("it is no image reference"));
    }
    match text.parse::<Reference>() {
        Ok(reference) if reference.digest().is_some() => (Some(reference), State::Pinned),
        Ok(reference) => (Some(reference), State::Open),
        Err(_) => (None, State::Skipped("it is no image reference")),
    }
}

/// Finds the references of a file, in their order.
pub fn find(kind: FileKind, text: &str) -> Vec<Spot> {
    let mut spots = match kind {
        FileKind::Dockerfile => dockerfile::find(text),
        FileKind::Yaml => yaml::find(text),
    };
    let is_cut = spots.len() > MAX_SPOTS;
    spots.sort_by_key(|spot| spot.range.start);
    spots.dedup_by(|a, b| a.range == b.range);
    if is_cut {
        spots.truncate(MAX_SPOTS);
        // Whoever is told of all that is left must be told of this.
        if let Some(last) = spots.last_mut() {
            last.state = State::Skipped("the file has more references than are looked at");
        }
    }
    spots
}

/// Returns the file with the digests of those references for which there is one.
pub fn rewrite(text: &str, spots: &[Spot], digest: impl Fn(&Spot) -> Option<Digest>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for spot in spots {
        let Some(new) = digest(spot).and_then(|digest| spot.pinned(text, &digest)) else { continue };
        // Places that overlap, or are not of this text, stay as they are.
        let Some(between) = text.get(done..spot.range.start) else { continue };
        out.push_str(between);
        out.push_str(&new);
        done = spot.range.end;
    }
    out.push_str(text.get(done..).unwrap_or_default());
    out
}

/// Returns the lines of a text with their numbers, from 1, and where each begins; without their line ends.
fn lines(text: &str) -> impl Iterator<Item = (usize, usize, &str)> {
    let mut start = 0;
    text.split_inclusive('\n').enumerate().map(move |(at, line)| {
        let here = start;
        start += line.len();
        let line = line.strip_suffix('\n').unwrap_or(line);
        (at + 1, here, line.strip_suffix('\r').unwrap_or(line))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn digest() -> Digest {
        format!("sha256:{}", "ab".repeat(32)).parse().unwrap()
    }

    /// Pins everything, with `@D` in place of the digest.
    fn pin(kind: FileKind, text: &str) -> String {
        let spots = find(kind, text);
        let open = |spot: &Spot| (spot.state == State::Open).then(digest);
        let once = rewrite(text, &spots, open);
        let again = rewrite(&once, &find(kind, &once), open);
        assert_eq!(once, again, "pinning twice is pinning once");
        once.replace(&digest().to_string(), "D")
    }

    fn skipped(kind: FileKind, text: &str) -> Vec<(String, &'static str)> {
        let reason = |spot: Spot| match spot.state {
            State::Skipped(reason) => Some((spot.text, reason)),
            State::Open | State::Pinned => None,
        };
        find(kind, text).into_iter().filter_map(reason).collect()
    }

    #[test]
    fn dockerfiles_are_pinned() {
        let text = "# syntax=docker/dockerfile:1\r\n\
            ARG BASE=debian:12 # no comment here, and part of the value\n\
            ARG BUILDER=golang:1.23\n\
            FROM --platform=$BUILDPLATFORM ${BUILDER} AS build\n\
            RUN --mount=type=bind,from=busybox:1.36,target=/b \\\n  # FROM comment:1\n  echo FROM x:1\n\
            COPY <<EOF /x\nFROM inside:1\nEOF\n\
            FROM build AS two\n\
            from  nginx   as three\n\
            COPY --from=build /a /b\nCOPY --from=0 /a /b\n\
            copy --chown=1:1 --from=registry.example:5000/tools:2 /a /b\n\
            FROM scratch\n\
            FROM alpine:3.20@sha256:eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee\n\
            FROM \\\n  debian:12 \\\n  AS last\n";
        let expected = text
            .replace("docker/dockerfile:1\r", "docker/dockerfile:1@D\r")
            .replace("BUILDER=golang:1.23", "BUILDER=golang:1.23@D")
            .replace("from=busybox:1.36,", "from=busybox:1.36@D,")
            .replace("from  nginx   as", "from  nginx:latest@D   as")
            .replace("tools:2 /a", "tools:2@D /a")
            .replace("  debian:12 \\", "  debian:12@D \\");
        assert_eq!(pin(FileKind::Dockerfile, text), expected);
        let variables = "ARG V=1\nFROM debian:${V}\nFROM ${NONE}\nFROM ${X:-debian:12}\n";
        let names: Vec<_> =
            skipped(FileKind::Dockerfile, variables).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["debian:${V}", "${NONE}", "${X:-debian:12}"]);
        let platform = find(FileKind::Dockerfile, "FROM --platform=linux/arm64 debian:12\n");
        assert_eq!(platform[0].platform.as_ref().unwrap().to_string(), "linux/arm64");
    }

    #[test]
    fn manifests_are_pinned() {
        let text = "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - name: a\n    image: nginx:1.25 # the web\n\
            \x20 - image: \"registry.example/app:2\"\n    name: b\n  - {name: c, image: 'busybox:1', x: [1]}\n\
            \x20 volumes:\n  - name: v\n    image:\n      reference: quay.io/data:1\n      pullPolicy: Always\n\
            ---\ndata:\n  script: |\n    image: not:this\n\n    image: nor:this\n  image: after:1\n";
        let expected = text
            .replace("nginx:1.25", "nginx:1.25@D")
            .replace("app:2", "app:2@D")
            .replace("busybox:1", "busybox:1@D")
            .replace("quay.io/data:1", "quay.io/data:1@D")
            .replace("after:1", "after:1@D");
        assert_eq!(pin(FileKind::Yaml, text), expected);
        let json = r#"{"spec": {"containers": [{"image": "nginx:1", "name": "image"}, {"image":"b:2"}]}}"#;
        assert_eq!(pin(FileKind::Yaml, json), json.replace("nginx:1", "nginx:1@D").replace("b:2", "b:2@D"));
        let pretty = "{\n  \"image\": \"nginx:1\",\n  \"other\": \"image: x\"\n}\n";
        assert_eq!(pin(FileKind::Yaml, pretty), pretty.replace("nginx:1", "nginx:1@D"));
    }

    #[test]
    fn compose_files_are_pinned_but_for_what_they_build() {
        let text = "services:\n  db:\n    image: postgres:16\n  app:\n    build: .\n    image: acme/app:1\n  web:\n    image: acme/web:${TAG:-1}\n";
        assert_eq!(pin(FileKind::Yaml, text), text.replace("postgres:16", "postgres:16@D"));
        let names: Vec<_> = skipped(FileKind::Yaml, text).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["acme/app:1", "acme/web:${TAG:-1}"]);
    }

    #[test]
    fn values_of_helm_charts_are_pinned_where_they_have_a_tag() {
        let text = "image:\n  registry: quay.io\n  repository: acme/app\n  # the tag\n  tag: \"1.2\"\n  pullPolicy: Always\n\
            sidecar:\n  image:\n    repository: docker.io/library/busybox\n    tag: 1.36   # plain\n    digest: \"\"\n\
            other:\n  repository: acme/x\n  tag: v1\n  digest:\nnone:\n  repository: acme/y\n  tag: \"\"\n";
        let expected = text
            .replace("\"1.2\"", "\"1.2@D\"")
            .replace("digest: \"\"", "digest: \"D\"")
            .replace("digest:\n", "digest: \"D\"\n");
        assert_eq!(pin(FileKind::Yaml, text), expected);
        let spots = find(FileKind::Yaml, text);
        assert_eq!(spots[0].text, "quay.io/acme/app:1.2");
        assert_eq!(spots[1].text, "docker.io/library/busybox:1.36");
        assert_eq!(skipped(FileKind::Yaml, text), [("acme/y".to_owned(), "its tag is not in the file")]);
    }

    #[test]
    fn a_file_without_end_is_said_to_be_cut_off() {
        for (kind, line) in [(FileKind::Dockerfile, "FROM a:1\n"), (FileKind::Yaml, "- image: a:1\n")] {
            let spots = find(kind, &line.repeat(MAX_SPOTS + 5));
            assert_eq!(spots.len(), MAX_SPOTS);
            assert!(matches!(spots.last().unwrap().state, State::Skipped(_)), "{kind:?}");
        }
        // References that all are one place count as well: what follows them was not looked at.
        let same = format!("ARG A=a:1\n{}FROM b:1\n", "FROM $A\n".repeat(MAX_SPOTS + 5));
        let spots = find(FileKind::Dockerfile, &same);
        assert!(matches!(spots.last().unwrap().state, State::Skipped(_)), "{spots:?}");
        // A default of many letters, named many times, is kept once at most.
        let long = "a".repeat(1 << 20);
        let text = format!("ARG A={long}\n{}", "FROM $A\n".repeat(100_000));
        let kept: usize = find(FileKind::Dockerfile, &text).iter().map(|spot| spot.text.len()).sum();
        assert!(kept < 1 << 20, "{kept}");
    }

    #[test]
    fn kinds_are_told_by_name_then_content() {
        for name in ["Dockerfile", "a/Dockerfile.dev", "app.dockerfile", "Containerfile", "x/dockerfile-arm"]
        {
            assert_eq!(FileKind::of(name, ""), FileKind::Dockerfile, "{name}");
        }
        assert_eq!(FileKind::of("dockerfiles.yaml", "FROM x"), FileKind::Yaml);
        assert_eq!(FileKind::of("-", "# c\nfrom debian\n"), FileKind::Dockerfile);
        assert_eq!(FileKind::of("-", "image: x\n"), FileKind::Yaml);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn only_references_change_and_pinning_is_idempotent(
            text in r#"((FROM|ARG A=|COPY --from=|image:|- image:|tag:|repository:|digest:|\{image: |"image":|  |\\\n|\n|#|"|'|\||<<E|E)[ a-z:/@${}é,]{0,8}){0,20}"#
        ) {
            for kind in [FileKind::Dockerfile, FileKind::Yaml] {
                let spots = find(kind, &text);
                prop_assert_eq!(&rewrite(&text, &spots, |_| None), &text);
                let open = |spot: &Spot| (spot.state == State::Open).then(digest);
                let once = rewrite(&text, &spots, open);
                let left = find(kind, &once).iter().filter(|spot| spot.state == State::Open).count();
                prop_assert_eq!(left, 0, "{:?}\n{}\n{}", kind, text, once);
                let added: usize = spots.iter().filter(|spot| spot.state == State::Open).count();
                prop_assert_eq!(once.matches("sha256:ab").count(), added);
                prop_assert_eq!(once.lines().count(), text.lines().count());
            }
        }
    }
}
