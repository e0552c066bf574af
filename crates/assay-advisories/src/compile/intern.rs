//! Equal texts become equal numbers, given in order of first appearance.

use std::collections::HashMap;
use std::rc::Rc;

#[derive(Debug, Default)]
pub(super) struct Interner {
    numbers: HashMap<Rc<[u8]>, u32>,
    values: Vec<Rc<[u8]>>,
}

impl Interner {
    pub(super) fn intern(&mut self, text: &str) -> u32 {
        self.intern_bytes(text.as_bytes())
    }

    pub(super) fn intern_bytes(&mut self, value: &[u8]) -> u32 {
        if let Some(&number) = self.numbers.get(value) {
            return number;
        }
        let number = u32::try_from(self.values.len()).unwrap_or(u32::MAX);
        let value: Rc<[u8]> = value.into();
        self.values.push(Rc::clone(&value));
        self.numbers.insert(value, number);
        number
    }

    pub(super) fn bytes(&self, number: u32) -> &[u8] {
        usize::try_from(number).ok().and_then(|number| self.values.get(number)).map_or(&[], |value| value)
    }

    pub(super) fn text(&self, number: u32) -> &str {
        std::str::from_utf8(self.bytes(number)).unwrap_or_default()
    }
}
