//! The frame of a page.

use super::html::Entry;
use askama::Template;

/// Everything that the frame shows.
#[derive(Template)]
#[template(path = "layout.html")]
pub(super) struct Layout<'a> {
    pub(super) title: &'a str,
    pub(super) description: &'a str,
    pub(super) path: &'a str,
    pub(super) markdown_path: &'a str,
    pub(super) nav: &'a [Group],
    /// HTML of our own making.
    pub(super) content: &'a str,
    pub(super) toc: &'a [Entry],
    /// JSON of our own making.
    pub(super) explorer: Option<&'a str>,
    pub(super) version: &'a str,
    pub(super) server_version: &'a str,
}

/// A group of the menu.
pub(super) struct Group {
    pub(super) name: &'static str,
    pub(super) items: Vec<Item>,
}

/// A page in the menu.
pub(super) struct Item {
    pub(super) name: &'static str,
    pub(super) path: &'static str,
    /// Whether it is the page that is shown.
    pub(super) current: bool,
}
