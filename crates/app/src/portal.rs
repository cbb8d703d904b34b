//! The customer portal: a member comes by a link that the site's own systems asked for, sees its memberships and
//! changes them.
//!
//! Links are made with a key's [`Access`](crate::Access) (`link`); whoever comes by one is a
//! [`PortalVisit`](crate::PortalVisit), which is what reading (`page`) and changing (`change`) take. Nothing here
//! holds a rule of contracts: what may be done is asked of the domain, and done by [`crate::contracts`].

mod change;
mod link;
mod page;

pub use change::PortalChange;
pub use guildhall_domain::portal::PortalPowers;
pub use link::{PortalCustomer, PortalLink};
pub use page::{Cancellation, MayDo, Membership, PortalPage};
