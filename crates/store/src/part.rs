//! Which part of a list that goes by number is read.

/// The entries on one side of a number, the nearest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Those before it, newest first.
    Before(i64),
    /// Those after it, oldest first.
    After(i64),
}

impl Part {
    /// The number.
    pub(crate) const fn bound(self) -> i64 {
        match self {
            Part::Before(number) | Part::After(number) => number,
        }
    }

    /// The statement of this side: that which reads down, or that which reads up.
    pub(crate) const fn either<'s>(self, down: &'s str, up: &'s str) -> &'s str {
        match self {
            Part::Before(_) => down,
            Part::After(_) => up,
        }
    }

    /// `number < ` or `number > `, and the order that goes with it.
    pub(crate) const fn words(self) -> (&'static str, &'static str) {
        match self {
            Part::Before(_) => ("<", "DESC"),
            Part::After(_) => (">", "ASC"),
        }
    }
}
