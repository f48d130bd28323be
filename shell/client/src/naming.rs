//! A name of its own for a device that nobody named: the suggestion, with a number where it is taken. The app has
//! the same rule (`web/src/account/name.ts`).

use bartizan_domain::limits::MAX_NAME_CHARS;
use bartizan_domain::text::Name;

/// `name`, or with the first number from 2 on that none of `taken` has. A long name gives way to its number.
pub(crate) fn numbered(name: &Name, taken: &[Name]) -> Name {
    let free = |candidate: &Name| !taken.contains(candidate);
    // Of more candidates than there are names one is free.
    let last = taken.len().saturating_add(2);
    let candidates = (2..=last).filter_map(|number| with(name, number));
    let mut all = std::iter::once(name.clone()).chain(candidates);
    all.find(free).unwrap_or_else(|| name.clone())
}

fn with(name: &Name, number: usize) -> Option<Name> {
    let end = format!(" {number}");
    let room = MAX_NAME_CHARS.saturating_sub(end.chars().count());
    let start: String = name.as_str().chars().take(room).collect();
    Name::parse(&format!("{}{end}", start.trim_end())).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        Name::parse(text).unwrap()
    }

    #[test]
    fn a_taken_name_gets_the_first_free_number() {
        let taken = ["laptop", "laptop 2", "laptop 4", "Phone"].map(name);
        for (from, to) in [
            ("laptop", "laptop 3"),
            ("Phone", "Phone 2"),
            ("laptop 4", "laptop 4 2"),
            ("desk", "desk"),
        ] {
            assert_eq!(numbered(&name(from), &taken).as_str(), to);
        }
        let none: [Name; 0] = [];
        assert_eq!(numbered(&name("laptop"), &none).as_str(), "laptop");
    }

    #[test]
    fn a_name_of_full_length_gives_way_to_its_number() {
        let long = "\u{1f512}".repeat(MAX_NAME_CHARS);
        let mut taken = vec![name(&long)];
        for number in 2..12 {
            let next = numbered(&name(&long), &taken);
            assert!(next.as_str().ends_with(&format!(" {number}")));
            assert!(next.as_str().chars().count() <= MAX_NAME_CHARS);
            taken.push(next);
        }
    }
}
