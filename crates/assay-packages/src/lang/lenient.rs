//! Lenient reading of JSON, YAML and TOML for lockfiles and manifests.
//!
//! Other people's files hold values of the wrong type (`"license": {...}`, `"version": null`). A derived `Deserialize` would
//! reject the whole file, so values are *filled* instead: what has an unexpected type is skipped, and when the text breaks
//! off, what was read before stays. Nothing is built that is not asked for, and the depth is that of the Rust types.

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// A place that a value is read into; whatever is not overridden is skipped.
pub(crate) trait Fill {
    /// Takes a string, or a number or truth value as written by the decoder.
    fn text(&mut self, _text: &str) {}

    /// Takes a truth value.
    fn flag(&mut self, _flag: bool) {}

    /// Takes a list.
    fn list<'de, A: SeqAccess<'de>>(&mut self, mut list: A) -> Result<(), A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    /// Takes a table.
    fn table<'de, A: MapAccess<'de>>(&mut self, mut table: A) -> Result<(), A::Error> {
        while table.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(())
    }
}

/// Reads the next value into a place.
pub(crate) struct Place<'a, T>(pub(crate) &'a mut T);

impl<'de, T: Fill> DeserializeSeed<'de> for Place<'_, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T: Fill> Visitor<'de> for Place<'_, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_bool<E>(self, flag: bool) -> Result<(), E> {
        self.0.flag(flag);
        Ok(())
    }

    fn visit_i64<E>(self, number: i64) -> Result<(), E> {
        self.0.text(&number.to_string());
        Ok(())
    }

    fn visit_u64<E>(self, number: u64) -> Result<(), E> {
        self.0.text(&number.to_string());
        Ok(())
    }

    fn visit_i128<E>(self, number: i128) -> Result<(), E> {
        self.0.text(&number.to_string());
        Ok(())
    }

    fn visit_u128<E>(self, number: u128) -> Result<(), E> {
        self.0.text(&number.to_string());
        Ok(())
    }

    fn visit_f64<E>(self, number: f64) -> Result<(), E> {
        self.0.text(&number.to_string());
        Ok(())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.0.text(text);
        Ok(())
    }

    fn visit_bytes<E>(self, _: &[u8]) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_none<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<(), A::Error> {
        self.0.list(list)
    }

    fn visit_map<A: MapAccess<'de>>(self, table: A) -> Result<(), A::Error> {
        self.0.table(table)
    }
}

/// A string; anything else leaves it as it was.
impl Fill for String {
    fn text(&mut self, text: &str) {
        self.clear();
        self.push_str(text);
    }
}

/// A string that may be absent.
impl Fill for Option<String> {
    fn text(&mut self, text: &str) {
        *self = Some(text.to_owned());
    }
}

/// A truth value, absent meaning false.
impl Fill for bool {
    fn flag(&mut self, flag: bool) {
        *self = flag;
    }
}

/// A list; a value that breaks off in the middle stays as far as it was read.
impl<T: Fill + Default> Fill for Vec<T> {
    fn list<'de, A: SeqAccess<'de>>(&mut self, mut list: A) -> Result<(), A::Error> {
        loop {
            let mut value = T::default();
            let result = list.next_element_seed(Place(&mut value));
            match result {
                Ok(Some(())) => self.push(value),
                Ok(None) => return Ok(()),
                Err(error) => {
                    self.push(value);
                    return Err(error);
                }
            }
        }
    }
}

/// A table, in the order of the file.
#[derive(Debug, Clone)]
pub(crate) struct Table<T>(pub(crate) Vec<(String, T)>);

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Fill + Default> Fill for Table<T> {
    fn table<'de, A: MapAccess<'de>>(&mut self, mut table: A) -> Result<(), A::Error> {
        loop {
            let mut key = String::new();
            if table.next_key_seed(Place(&mut key))?.is_none() {
                return Ok(());
            }
            let mut value = T::default();
            let result = table.next_value_seed(Place(&mut value));
            self.0.push((key, value));
            result?;
        }
    }
}

/// Names given as a list, as the keys of a table, or as a single string.
#[derive(Debug, Clone, Default)]
pub(crate) struct Names(pub(crate) Vec<String>);

impl Fill for Names {
    fn text(&mut self, text: &str) {
        self.0.push(text.to_owned());
    }

    fn list<'de, A: SeqAccess<'de>>(&mut self, list: A) -> Result<(), A::Error> {
        let mut names: Vec<Option<String>> = Vec::new();
        let result = names.list(list);
        self.0.extend(names.into_iter().flatten());
        result
    }

    fn table<'de, A: MapAccess<'de>>(&mut self, table: A) -> Result<(), A::Error> {
        let mut entries: Table<()> = Table::default();
        let result = entries.table(table);
        self.0.extend(entries.0.into_iter().map(|(key, ())| key));
        result
    }
}

/// A value nobody asks about.
impl Fill for () {}

/// Defines a struct that is filled from a table: `"key" => field: Type`.
macro_rules! record {
    ($(#[$meta:meta])* $vis:vis struct $name:ident { $($key:literal => $field:ident: $type:ty,)* }) => {
        $(#[$meta])*
        #[derive(Debug, Default)]
        $vis struct $name { $($field: $type,)* }

        impl $crate::lang::lenient::Fill for $name {
            fn table<'de, A: serde::de::MapAccess<'de>>(&mut self, mut table: A) -> Result<(), A::Error> {
                let mut key = String::new();
                while table.next_key_seed($crate::lang::lenient::Place(&mut key))?.is_some() {
                    match key.as_str() {
                        $($key => table.next_value_seed($crate::lang::lenient::Place(&mut self.$field))?,)*
                        _ => { table.next_value::<serde::de::IgnoredAny>()?; }
                    }
                    key.clear();
                }
                Ok(())
            }
        }
    };
}
pub(crate) use record;

/// Reads JSON into `value`; after an error, `value` holds what came before it.
pub(crate) fn json<T: Fill>(text: &str, value: &mut T) -> Result<(), String> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    Place(value).deserialize(&mut deserializer).map_err(|error| error.to_string())?;
    deserializer.end().map_err(|error| error.to_string())
}

/// Reads YAML into `value`; after an error, `value` holds what came before it.
pub(crate) fn yaml<T: Fill>(text: &str, value: &mut T) -> Result<(), String> {
    // The library's own limits are meant for settings; a large monorepo's lockfile has some hundred thousand nodes.
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! { max_nodes: 4_000_000, max_events: 10_000_000 },
    };
    serde_saphyr::with_deserializer_from_str_with_options(text, options, |deserializer| {
        Place(value).deserialize(deserializer)
    })
    .map_err(|error| first_line(&error.to_string()))
}

/// Reads TOML into `value`; damaged parts are left out.
pub(crate) fn toml<T: Fill>(text: &str, value: &mut T) -> Result<(), String> {
    let (table, errors) = toml::de::DeTable::parse_recoverable(text);
    let read = Place(value).deserialize(toml::de::Deserializer::from(table));
    match errors.first() {
        Some(error) => Err(error.message().to_owned()),
        None => read.map_err(|error| error.message().to_owned()),
    }
}

/// Error reports with a drawing of the place in the file do not belong in a one-sentence warning.
fn first_line(message: &str) -> String {
    message.lines().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    record! {
        struct Lock {
            "name" => name: Option<String>,
            "dev" => dev: bool,
            "packages" => packages: Table<Names>,
        }
    }

    #[test]
    fn skips_wrong_types_and_keeps_what_came_before_damage() {
        let mut lock = Lock::default();
        let result = json(
            r#"{"name":{"a":[1]},"dev":"x","packages":{"a":["b",1,null],"c":{"d":1},"e":"f","g":"#,
            &mut lock,
        );
        assert!(result.is_err());
        let read: Vec<_> =
            lock.packages.0.iter().map(|(key, names)| (key.as_str(), names.0.join(","))).collect();
        assert_eq!(read, [("a", "b,1".into()), ("c", "d".into()), ("e", "f".into()), ("g", String::new())]);
        assert_eq!((lock.name, lock.dev), (None, false));
    }

    #[test]
    fn reads_all_three_formats_alike() {
        for (read, text) in [
            (json as fn(&str, &mut Lock) -> _, r#"{"name":"x","dev":true,"packages":{"a":["b"]}}"#),
            (yaml, "name: x\ndev: true\npackages:\n  a: [b]\n"),
            (toml, "name = 'x'\ndev = true\n[packages]\na = ['b']\n"),
        ] {
            let mut lock = Lock::default();
            assert_eq!(read(text, &mut lock), Ok(()));
            assert_eq!(lock.name.as_deref(), Some("x"));
            assert!(lock.dev);
            assert_eq!(lock.packages.0.len(), 1);
        }
    }

    #[test]
    fn depth_is_bounded() {
        let deep = "[".repeat(200_000);
        let mut names = Names::default();
        assert!(json(&deep, &mut names).is_err());
        assert!(yaml(&deep, &mut names).is_err());
        assert!(toml(&format!("a = {deep}"), &mut names).is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn total(text in "[ -~\n]{0,80}") {
            let mut lock = Lock::default();
            let _ = json(&text, &mut lock);
            let _ = yaml(&text, &mut lock);
            let _ = toml(&text, &mut lock);
        }
    }
}
