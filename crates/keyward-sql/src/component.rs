//! The parts of the program that have tables.

use crate::reads::Reads;
use keyward_core::store::StoreError;

/// One step of a component's schema. A shipped one is frozen: change the schema by adding the next.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    /// What it does, in a few words.
    pub name: &'static str,
    /// The statements.
    pub sql: &'static str,
}

/// A part of the program with tables of its own in the one database.
#[derive(Clone, Copy, Debug)]
pub struct Component {
    /// Its name, such as `keyward` or `lev-deals`.
    pub name: &'static str,
    /// Its migrations in order; the first is version 1.
    pub migrations: &'static [Migration],
    /// Looks at every row that its lists can show ([`Reads::look_at`]).
    pub look_through: fn(&Reads<'_>) -> Result<(), StoreError>,
}
