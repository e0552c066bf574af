//! Whether everybody reads the same in a JSON document.
//!
//! Runtimes are written in Go, whose `encoding/json` (<https://pkg.go.dev/encoding/json#Unmarshal>) finds a member by its name in any
//! case, and lets the last of several win, merged into what the earlier ones left. A manifest with `layers` and `Layers` would be one
//! image here and another where it runs. No tool writes such documents, so none is read.

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use std::collections::HashSet;
use std::fmt;

/// A document that a container runtime reads as well.
pub(crate) trait Named {
    /// The members that mean something, wherever in the document they stand.
    const NAMES: &'static [&'static str];
}

/// A manifest or index that is changed, with whatever others wrote into it.
impl Named for serde_json::Value {
    const NAMES: &'static [&'static str] = OF_MANIFESTS;
}

impl<T: Named> Named for Vec<T> {
    const NAMES: &'static [&'static str] = T::NAMES;
}

/// The members of manifests and indexes, of their descriptors, and of the platforms of these.
pub(crate) const OF_MANIFESTS: &[&str] = &[
    "schemaVersion",
    "mediaType",
    "artifactType",
    "config",
    "layers",
    "blobs",
    "manifests",
    "subject",
    "annotations",
    "digest",
    "size",
    "urls",
    "data",
    "platform",
    "architecture",
    "os",
    "os.version",
    "os.features",
    "variant",
    "features",
];

/// The members of configurations.
pub(crate) const OF_CONFIGURATIONS: &[&str] = &[
    "created",
    "author",
    "architecture",
    "os",
    "os.version",
    "os.features",
    "variant",
    "config",
    "rootfs",
    "history",
    "type",
    "diff_ids",
    "created_by",
    "comment",
    "empty_layer",
    "User",
    "ExposedPorts",
    "Env",
    "Entrypoint",
    "Cmd",
    "Shell",
    "Volumes",
    "WorkingDir",
    "Labels",
    "StopSignal",
    "ArgsEscaped",
    "Healthcheck",
    "Test",
];

/// Members that are maps in Go, too: their keys are data, which case tells apart.
const MAPS: [&str; 4] = ["annotations", "Labels", "ExposedPorts", "Volumes"];

/// Checks that no name in a document stands twice, or is one of `names` but for its case.
pub(crate) fn check(bytes: &[u8], names: &[&str]) -> Result<(), serde_json::Error> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    Walk { names, is_map: false }.deserialize(&mut reader)?;
    reader.end()
}

/// Tells whether Go takes two names for one; besides the case of letters it folds the long s and the sign of kelvin.
fn same(one: &str, other: &str) -> bool {
    let fold = |char: char| match char {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        other => other.to_ascii_lowercase(),
    };
    one.chars().map(fold).eq(other.chars().map(fold))
}

/// Walks through a document.
#[derive(Clone, Copy)]
struct Walk<'a> {
    names: &'a [&'a str],
    is_map: bool,
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut seen = HashSet::new();
        while let Some(name) = map.next_key::<String>()? {
            let shown = || name.chars().take(80).collect::<String>();
            let other = || self.names.iter().find(|known| same(known, &name));
            if !self.is_map
                && !self.names.contains(&name.as_str())
                && let Some(other) = other()
            {
                return Err(A::Error::custom(format!(
                    "`{}` is not `{other}`, but container runtimes read it as that",
                    shown()
                )));
            }
            if seen.contains(&name) {
                return Err(A::Error::custom(format!("`{}` stands there twice", shown())));
            }
            let is_map = !self.is_map && MAPS.contains(&name.as_str());
            map.next_value_seed(Walk { is_map, ..self })?;
            seen.insert(name);
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element_seed(Walk { is_map: false, ..self })?.is_some() {}
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> String {
        check(text.as_bytes(), OF_MANIFESTS).map_or_else(|error| error.to_string(), |()| String::new())
    }

    #[test]
    fn what_go_reads_otherwise_is_refused() {
        for (text, words) in [
            (r#"{"Manifests":[]}"#, "`Manifests` is not `manifests`"),
            (r#"{"manifests":[{"digest":"a","DIGEST":"b"}]}"#, "`DIGEST` is not `digest`"),
            (r#"{"manifests":[{"platform":{"os":"unknown","oS":"linux"}}]}"#, "`oS` is not `os`"),
            ("{\"manife\u{17f}ts\":[]}", "is not `manifests`"),
            (r#"{"manife\u017fts":[]}"#, "is not `manifests`"),
            (r#"{"layers":[],"layers":[]}"#, "`layers` stands there twice"),
            (r#"{"x":1,"x":2}"#, "`x` stands there twice"),
            (r#"{"annotations":{"a":"b","a":"c"}}"#, "`a` stands there twice"),
            (r#"{"config":{},"l\u0061yers":[],"layers":[]}"#, "`layers` stands there twice"),
            (r#"{"manifests":[]} {}"#, "trailing characters"),
        ] {
            assert!(said(text).contains(words), "{text}: {}", said(text));
        }
    }

    #[test]
    fn what_everybody_reads_alike_is_read() {
        for text in [
            r#"{"schemaVersion":2,"manifests":[{"digest":"a","platform":null},{"digest":"b","size":1.5}]}"#,
            r#"{"annotations":{"Digest":"a","digest":"b","OS":"c"},"x":{"y":[true,-1,"z"]},"X":1}"#,
            "[]",
        ] {
            assert_eq!(said(text), "", "{text}");
        }
        let labels = r#"{"config":{"Labels":{"Author":"a","author":"b","USER":"c"},"Volumes":{"/Os":{}}}}"#;
        check(labels.as_bytes(), OF_CONFIGURATIONS).unwrap();
        check(br#"{"config":{"User":"nobody","user":"root"}}"#, OF_CONFIGURATIONS).unwrap_err();
    }
}
