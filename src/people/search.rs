//! Searching people by words.

use crate::name::word_pattern;

/// The words of a search that count.
const MOST_WORDS: usize = 8;

/// The patterns that a row's searched text must all fit.
pub fn patterns(search: &str) -> Vec<String> {
    let words = search.split_whitespace().take(MOST_WORDS);
    words.map(word_pattern).collect()
}
