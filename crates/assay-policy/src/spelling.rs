//! Words that are not those that were meant: how messages show them, and which ones were.

/// Returns the beginning of a word: a key of a thousand letters does not belong in a message.
pub fn shortened(text: &str) -> String {
    const SHOWN: usize = 60;
    text.chars().take(SHOWN).collect()
}

/// Returns the word that was probably meant: the one with the fewest letters to change, at most a third of them.
pub fn nearest<'w>(text: &str, words: &[&'w str]) -> Option<&'w str> {
    let text = shortened(text).to_lowercase();
    let near = words.iter().map(|word| (distance(&text, &word.to_lowercase()), *word)).min()?;
    (near.0 * 3 <= near.1.chars().count().max(3)).then_some(near.1)
}

/// Returns how many letters to insert, drop or replace make one word the other (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (line, letter) in one.chars().enumerate() {
        let mut next = vec![line + 1];
        for (place, (letters, above)) in other.iter().zip(row.windows(2)).enumerate() {
            let [diagonal, above] = *above else { continue };
            let left = next.get(place).copied().unwrap_or_default();
            let replaced = diagonal + usize::from(*letters != letter);
            next.push(replaced.min(above + 1).min(left + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_near() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(nearest("Exposre", &["data", "exposure"]), Some("exposure"));
        assert_eq!(nearest("imageage", &["imageAge", "images"]), Some("imageAge"));
        assert_eq!(nearest("anything", &["data", "exposure"]), None);
    }
}
