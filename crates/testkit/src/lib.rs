//! The test bench: the real router over a real database of either engine, with a clock that the
//! test moves and chance that a seed fixes. For tests only.

mod clock;
mod engine;
pub mod postgres;
pub mod process;
mod scene;
mod server;
mod site;

pub use clock::{MockClock, SeededChance};
pub use engine::{Database, Engine};
pub use server::{Reply, Request, TestServer};
pub use site::{PASSWORD, token_and_member, unpaced};
/// For macros.
pub use tokio;

/// Writes one behaviour and runs it on both engines: `both_engines! { async fn name(engine) { … } }`
/// makes the tests `name::sqlite` and `name::postgres`.
#[macro_export]
macro_rules! both_engines {
    ($($(#[$meta:meta])* async fn $name:ident($engine:ident) $body:block)*) => {$(
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            $(#[$meta])*
            async fn behaviour($engine: $crate::Engine) $body

            #[test]
            fn sqlite() {
                $crate::run(behaviour($crate::Engine::Sqlite));
            }

            #[test]
            fn postgres() {
                $crate::run(behaviour($crate::Engine::Postgres));
            }
        }
    )*};
}

/// Runs a test's future to its end on a runtime of its own.
pub fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime starts");
    runtime.block_on(test);
}
