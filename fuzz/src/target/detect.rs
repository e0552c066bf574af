//! What looks at text that people wrote: Dockerfiles, compose files, manifests, licences, and the user's own rules.
//!
//! The analyzers of the same crate are walked with all others.

use crate::Target;
use assay_detect::license::{Expression, text};
use assay_detect::lint::{Kind, checks, lint};
use assay_detect::malware::OwnRules;

pub(super) fn targets() -> Vec<Target> {
    let lints = Kind::ALL.into_iter().map(|kind| {
        let seeds = move || seeds(kind);
        Target::new(format!("lint-{}", kind.name()), seeds, move |data| {
            let linted = lint(kind, &String::from_utf8_lossy(data));
            assert!(linted.issues.iter().all(|issue| checks(kind).contains(&issue.check)));
            linted
        })
    });
    let texts = [
        Target::new(
            "license".to_owned(),
            || vec![b"GPLv2+ and (MIT or BSD with advertising)".to_vec(), b"|| ( GPL-2 MIT )".to_vec()],
            |data| {
                let read = Expression::read(&String::from_utf8_lossy(data));
                let written = read.as_ref().map(ToString::to_string);
                // What was written is understood, and of the same class.
                if let (Some(read), Some(written)) =
                    (&read, written.as_ref().filter(|text| text.len() <= 4096))
                {
                    let again = Expression::read(written).expect("an expression is one");
                    assert_eq!(again.class(), read.class(), "{written}");
                }
                written
            },
        ),
        Target::new(
            "license-text".to_owned(),
            || {
                vec![
                    b"Apache License Version 2.0, January 2004".to_vec(),
                    b"SPDX-License-Identifier: MIT".to_vec(),
                ]
            },
            |data| text::of(&String::from_utf8_lossy(data)),
        ),
        Target::new(
            "malware-rules".to_owned(),
            || {
                vec![b"rules: [{id: a, title: b, files: ['*.x'], marks: [[c, d], [e]]}]\npackages: [{name: npm/f}]\n".to_vec()]
            },
            |data| OwnRules::read(&String::from_utf8_lossy(data)).map_err(|error| error.to_string()).err(),
        ),
    ];
    lints.chain(texts).collect()
}

fn seeds(kind: Kind) -> Vec<Vec<u8>> {
    let texts: &[&str] = match kind {
        Kind::Dockerfile => &[
            "# escape=`\nARG V=1\nFROM a:${V:-2} AS b\nRUN --mount=type=cache,target=/c apt-get update `\n && curl -sL \"$(x)\" | sh\n",
            "FROM a\nRUN <<EOF\nset -e; (a; b) && c > d\nEOF\nCOPY --from=0 [\"a\", \"b/\"]\nHEALTHCHECK CMD x\nENV A=\"b c\" D=$A\n",
        ],
        Kind::Compose => &[
            "x: &b {privileged: true}\nservices:\n  a:\n    <<: *b\n    image: b:1\n    ports: [\"0.0.0.0:22:22/tcp\"]\n    volumes: [/:/x]\n",
        ],
        Kind::Kubernetes => &[
            "apiVersion: v1\nkind: List\nitems:\n- apiVersion: apps/v1\n  kind: Deployment\n  spec: {template: {spec: {containers: [{name: c, image: a, env: [{name: A_TOKEN, value: b}]}]}}}\n---\n# assay:ignore=* x\nkind: Pod\n",
        ],
    };
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}
