//! Turning the pages of lists that go by number, newest first: on to older entries and back to newer ones, each page
//! a range of an index, however far down it lies.

use guildhall_store::Part;

/// Which page is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Turn {
    /// The newest entries.
    #[default]
    First,
    /// Entries right before the one with this number.
    Older(i64),
    /// Entries right after the one with this number.
    Newer(i64),
}

/// A page, newest first, and where its neighbours lie.
#[derive(Debug)]
pub struct Leaf<T> {
    /// The entries.
    pub items: Vec<T>,
    /// What [`Turn::Newer`] takes for the page before; nothing on the first.
    pub newer: Option<i64>,
    /// What [`Turn::Older`] takes for the page after; nothing on the last.
    pub older: Option<i64>,
}

impl Turn {
    /// By the numbers in an address: older entries than one, or newer ones.
    pub fn of(older_than: Option<i64>, newer_than: Option<i64>) -> Self {
        match (older_than, newer_than) {
            (_, Some(number)) => Turn::Newer(number),
            (Some(number), None) => Turn::Older(number),
            (None, None) => Turn::First,
        }
    }

    /// Whether it goes back to newer entries.
    pub(crate) const fn goes_back(self) -> bool {
        matches!(self, Turn::Newer(_))
    }

    /// What is read for it.
    pub(crate) const fn part(self) -> Part {
        match self {
            Turn::First => Part::Before(i64::MAX),
            Turn::Older(number) => Part::Before(number),
            Turn::Newer(number) => Part::After(number),
        }
    }

    /// The page before an empty one.
    pub(crate) const fn before_nothing(self) -> Option<i64> {
        match self {
            // From the number itself on.
            Turn::Older(number) => Some(number.saturating_sub(1)),
            Turn::First | Turn::Newer(_) => None,
        }
    }
}

impl<T> Leaf<T> {
    /// Of what was read for a turn, one entry more than fit if there are so many. Nothing if going back came to the
    /// beginning before the page was full: then the first page is the one.
    pub(crate) fn of(mut read: Vec<T>, turn: Turn, limit: usize, number: fn(&T) -> i64) -> Option<Self> {
        let more = read.len() > limit;
        if turn.goes_back() && read.len() < limit {
            return None;
        }
        read.truncate(limit);
        if turn.goes_back() {
            read.reverse();
        }
        let (first, last) = (read.first().map(number), read.last().map(number));
        let (newer, older) = match turn {
            Turn::First => (None, last.filter(|_| more)),
            Turn::Older(_) => (first.or(turn.before_nothing()), last.filter(|_| more)),
            Turn::Newer(_) => (first.filter(|_| more), last),
        };
        Some(Self { items: read, newer, older })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Turns the pages of a list of these numbers to its end and back.
    fn pages(numbers: &[i64], limit: usize) -> (Vec<Vec<i64>>, Vec<Vec<i64>>) {
        let read = |turn: Turn| {
            let mut found: Vec<i64> = numbers.to_vec();
            found.sort_unstable();
            match turn.part() {
                Part::Before(bound) => {
                    found.retain(|number| *number < bound);
                    found.reverse();
                }
                Part::After(bound) => found.retain(|number| *number > bound),
            }
            found.truncate(limit + 1);
            Leaf::of(found, turn, limit, |number| *number)
        };
        let leaf = |turn| read(turn).or_else(|| read(Turn::First)).expect("a page");
        let (mut on, mut back) = (Vec::new(), Vec::new());
        let mut now = leaf(Turn::First);
        loop {
            on.push(now.items.clone());
            match now.older {
                Some(older) => now = leaf(Turn::Older(older)),
                None => break,
            }
        }
        loop {
            back.push(now.items.clone());
            match now.newer {
                Some(newer) => now = leaf(Turn::Newer(newer)),
                None => break,
            }
        }
        back.reverse();
        (on, back)
    }

    #[test]
    fn the_way_back_is_the_way_there() {
        for count in 0..9 {
            let numbers: Vec<i64> = (0..count).map(|number| number * 3 + 1).collect();
            let (on, back) = pages(&numbers, 3);
            assert_eq!(on, back, "{count}");
            assert_eq!(on.concat().len() as i64, count);
        }
    }

    #[test]
    fn an_empty_page_leads_back_to_what_was_before_it() {
        let leaf = Leaf::of(Vec::<i64>::new(), Turn::Older(5), 3, |number| *number).expect("a page");
        assert_eq!((leaf.newer, leaf.older), (Some(4), None));
    }
}
