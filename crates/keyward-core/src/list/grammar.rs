//! The tables: what one list can be asked.

/// What a list can be asked.
#[derive(Clone, Copy, Debug)]
pub struct Grammar {
    /// The list's name, such as `deals`: part of what its cursors are bound to.
    pub name: &'static str,
    /// How it goes on.
    pub paging: Paging,
    /// The fields that it can be sorted by. A list that has some takes `offset` with `sort`.
    pub sorts: &'static [&'static str],
    /// What it can be filtered by.
    pub filters: &'static [FilterField],
    /// What `fields` can name; empty: it takes no `fields`.
    pub fields: &'static [&'static str],
    /// What `include` can name.
    pub includes: &'static [&'static str],
}

impl Grammar {
    /// A list that goes on by cursors, and takes nothing else.
    #[must_use]
    pub const fn plain(name: &'static str) -> Self {
        Self { name, paging: Paging::Cursor, sorts: &[], filters: &[], fields: &[], includes: &[] }
    }

    /// A single object: only what it shows can be asked, by `fields` and `include`.
    #[must_use]
    pub const fn of_one(self) -> Self {
        Self { paging: Paging::None, sorts: &[], filters: &[], ..self }
    }
}

/// How a list goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paging {
    /// By `cursor`; by `offset` where it is sorted.
    Cursor,
    /// By `offset` alone.
    Offset,
    /// It does not: there is one object.
    None,
}

/// One row of the table field × operators.
#[derive(Clone, Copy, Debug)]
pub struct FilterField {
    /// The field.
    pub name: &'static str,
    /// What it is compared with.
    pub kind: Kind,
    /// How.
    pub operators: &'static [Operator],
}

/// What a field is compared with.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// One of these values.
    Choice(&'static [&'static str]),
    /// `true` or `false`.
    Flag,
    /// An amount of money.
    Money,
    /// A moment: RFC 3339, or a date, which means its midnight in UTC.
    Moment,
    /// Any text, which is compared as a whole and to the letter. It can hold a comma, so it is a single value.
    Text,
}

/// How a field is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operator {
    /// Equal to one of a comma list: `filter[field]=a,b`.
    Eq,
    /// Greater: `filter[field][gt]=v`.
    Gt,
    /// Greater or equal.
    Gte,
    /// Less.
    Lt,
    /// Less or equal.
    Lte,
}

impl Operator {
    /// Every comparison that stands in brackets.
    pub const COMPARISONS: &'static [Self] = &[Self::Gt, Self::Gte, Self::Lt, Self::Lte];

    /// The word in the second brackets; equality has none.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Eq => "",
            Self::Gt => "gt",
            Self::Gte => "gte",
            Self::Lt => "lt",
            Self::Lte => "lte",
        }
    }

    /// The name of the parameter that filters this field so.
    #[must_use]
    pub fn parameter(self, field: &str) -> String {
        match self {
            Self::Eq => format!("filter[{field}]"),
            other => format!("filter[{field}][{}]", other.word()),
        }
    }
}

/// The most fields that a list is sorted by at once.
pub const MAX_SORT_FIELDS: usize = 4;
