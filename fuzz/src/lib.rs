//! What the fuzz targets share: two tables with a field of every kind, and a store that holds them.

mod shelf;
mod tables;

pub use shelf::{Engine, engine};
pub use tables::tables;
