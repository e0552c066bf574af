//! JSON objects that are put together key by key.

use serde_json::Value;

/// Sets a key of an object; anything else is left as it is.
pub(crate) fn put(object: &mut Value, key: &str, value: impl Into<Value>) {
    if let Value::Object(object) = object {
        object.insert(key.to_owned(), value.into());
    }
}
