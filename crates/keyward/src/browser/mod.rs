//! What pages with forms stand on: who is there, forms that only this browser can send, answers that nobody frames or keeps.
//!
//! | file | what |
//! | --- | --- |
//! | `visit.rs` | a request of a browser or of an OAuth client: its query, its form, its session |
//! | `body.rs` | its body, read only once somebody was charged for it |
//! | `site.rs` | from which site's page it comes |
//! | `pairs.rs` | parameters of a query or a form |
//! | `cookies.rs` | the cookies, and their names |
//! | `keys.rs` | the keys of signing in |
//! | `known.rs` | whether a user has signed in with this browser before |
//! | `answer.rs` | pages, redirects, refusals as pages |
//! | `open.rs` | routes without a credential of the API |
//! | `parts.rs` | what pages and the endpoints of OAuth clients share |
//! | `views.rs` | what each template shows |

mod answer;
mod body;
mod cookies;
mod keys;
mod known;
mod open;
mod pairs;
mod parts;
mod site;
pub(crate) mod views;
mod visit;

pub(crate) use body::Charged;
pub use keys::SignInKeys;
pub(crate) use open::{Open, open};
pub(crate) use pairs::Pairs;
pub(crate) use parts::WebParts;
pub(crate) use visit::Visit;
