//! Random schemas, changes and queries, made out of bytes: the same bytes make the same case, and fewer
//! or smaller bytes make a simpler one, so that whoever supplies them can shrink what fails.

mod queries;
mod schema;
mod steps;
mod values;

pub use queries::{filter, query};
pub use schema::{FieldSketch, TableSketch, schema};
pub use steps::{Step, step};

/// Decisions read from bytes. When the bytes are used up, every decision is the first and simplest one.
pub struct Choices<'b> {
    bytes: &'b [u8],
}

impl<'b> Choices<'b> {
    /// Decisions from these bytes.
    pub const fn new(bytes: &'b [u8]) -> Self {
        Self { bytes }
    }

    /// A number from 0 to below `count`, which is at most 65,536.
    pub fn below(&mut self, count: usize) -> usize {
        let take = if count > 256 { 2 } else { 1 };
        let (taken, rest) = self.bytes.split_at(take.min(self.bytes.len()));
        self.bytes = rest;
        taken.iter().fold(0, |number, byte| number << 8 | usize::from(*byte)) % count.max(1)
    }

    /// True once in so many times.
    pub fn once_in(&mut self, times: usize) -> bool {
        self.below(times) + 1 == times
    }

    /// One of these.
    pub fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len())]
    }
}
