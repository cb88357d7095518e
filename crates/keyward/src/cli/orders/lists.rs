//! Orders that list: a page after the other is asked for and printed, so that nothing waits for the end of a long list.

use super::{Given, plain};
use crate::cli::CliError;
use crate::cli::written::{unshown, write_out};
use crate::operate::Order;
use clap::Args;
use serde_json::Value;
use std::io::{self, ErrorKind, Write};

/// How much of a list is printed.
#[derive(Debug, Args)]
pub(crate) struct Paging {
    /// Ends after so many. Without it all are printed.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) limit: Option<u64>,
}

/// How the items of a list are printed.
pub(super) struct Form {
    /// The member of an item that the list goes on after.
    pub(super) cursor: &'static str,
    /// An item for people, on one line.
    pub(super) line: fn(&Value) -> String,
    /// For programs a line for each item, and not one array.
    pub(super) by_line: bool,
}

/// A page of a list.
struct Page {
    items: Vec<Value>,
    next: Option<Value>,
}

impl Page {
    fn read(mut answer: Value) -> Result<Self, CliError> {
        // A server of an earlier version answers with all there are.
        let items =
            if answer.is_array() { Some(answer.take()) } else { answer.get_mut("items").map(Value::take) };
        let Some(Value::Array(items)) = items else {
            return Err(CliError::unavailable("the server's answer is no list"));
        };
        let next = answer.get_mut("next").map(Value::take).filter(|next| !next.is_null());
        Ok(Self { items, next })
    }

    /// Leaves as many items; whether more follow these.
    fn cut(&mut self, most: u64) -> bool {
        // Absent: more than a page can have.
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let follow = self.items.len() > most || self.items.len() == most && self.next.is_some();
        self.items.truncate(most);
        follow
    }
}

impl Given {
    /// Prints a list, from its begin or from where it was to go on.
    pub(super) async fn list(
        self,
        (form, paging): (Form, Paging),
        order: impl Fn(Option<Value>) -> Order,
    ) -> Result<(), CliError> {
        let addressee = self.addressee()?;
        let mut out = Out { form, json: self.json, opened: false, begun: false };
        // Absent: no bound, and the list ends by itself.
        let (mut after, mut left) = (None, paging.limit.unwrap_or(u64::MAX));
        loop {
            let mut page = Page::read(addressee.tell(order(after)).await?)?;
            let follow = page.cut(left);
            // Absent: never, no page has as many.
            left = left.saturating_sub(page.items.len().try_into().unwrap_or(u64::MAX));
            let ends = left == 0 || page.next.is_none();
            let goes_on = out.write(&page.items, ends)?;
            if ends && follow {
                out.say_where_to_go_on(&page.items);
            }
            if ends || !goes_on {
                return Ok(());
            }
            after = page.next;
        }
    }
}

struct Out {
    form: Form,
    json: bool,
    /// The array.
    opened: bool,
    /// An item was printed.
    begun: bool,
}

impl Out {
    /// Prints a page; `false`: nobody reads any more.
    fn write(&mut self, items: &[Value], ends: bool) -> Result<bool, CliError> {
        let text = self.text(items, ends);
        match write_out(&text) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
            written => written.map(|()| true).map_err(|error| unshown(&error)),
        }
    }

    fn text(&mut self, items: &[Value], ends: bool) -> String {
        let mut text = String::new();
        let array = self.json && !self.form.by_line;
        if array && !self.opened {
            text.push('[');
        }
        self.opened = true;
        for (number, item) in items.iter().enumerate() {
            match (array, self.json) {
                (true, _) if self.begun || number > 0 => text.push_str(&format!(",{item}")),
                (true, _) => text.push_str(&item.to_string()),
                (false, true) => text.push_str(&format!("{item}\n")),
                (false, false) => text.push_str(&format!("{}\n", (self.form.line)(item))),
            }
        }
        self.begun |= !items.is_empty();
        if array && ends {
            text.push_str("]\n");
        }
        text
    }

    /// For people; a program has the last item.
    fn say_where_to_go_on(&self, items: &[Value]) {
        let cursor = items.last().and_then(|item| item.get(self.form.cursor)).map(plain);
        if let Some(cursor) = cursor.filter(|_| !self.json) {
            // If it cannot be said, the list is printed all the same.
            let _ = writeln!(io::stderr(), "keyward: more follow: --after {cursor}");
        }
    }
}

/// The value of a member for people; a dash where there is none.
pub(super) fn field(item: &Value, name: &str) -> String {
    // Absent: shown as a dash.
    item.get(name).filter(|value| !value.is_null()).map_or_else(|| "-".to_owned(), plain)
}

/// Where a list of numbered items goes on.
pub(super) fn number(after: Option<Value>, begin: Option<i64>) -> i64 {
    // Absent: at the first item.
    after.as_ref().and_then(Value::as_i64).or(begin).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn out(json: bool, by_line: bool) -> Out {
        Out {
            form: Form { cursor: "id", line: |item| field(item, "id"), by_line },
            json,
            opened: false,
            begun: false,
        }
    }

    fn printed(mut out: Out, pages: &[&[i64]]) -> String {
        let texts = pages.iter().enumerate().map(|(number, page)| {
            let items: Vec<Value> = page.iter().map(|id| json!({ "id": id })).collect();
            out.text(&items, number + 1 == pages.len())
        });
        texts.collect()
    }

    #[test]
    fn a_list_is_one_array_for_programs_whatever_its_pages_are() {
        for pages in [&[&[1, 2, 3][..]][..], &[&[1], &[], &[2, 3]], &[&[], &[1, 2, 3], &[]]] {
            let text = printed(out(true, false), pages);
            assert_eq!(text, "[{\"id\":1},{\"id\":2},{\"id\":3}]\n", "{pages:?}");
        }
        assert_eq!(printed(out(true, false), &[&[]]), "[]\n");
        assert_eq!(printed(out(true, true), &[&[1], &[2]]), "{\"id\":1}\n{\"id\":2}\n");
        assert_eq!(printed(out(false, false), &[&[1], &[2]]), "1\n2\n");
    }

    #[test]
    fn a_page_is_cut_where_the_list_is_to_end_and_says_whether_more_follow() {
        let page = |next: Value| Page::read(json!({ "items": [1, 2], "next": next })).unwrap();
        for (next, most, left, follow) in [
            (json!(2), 1, 1, true),
            (json!(2), 2, 2, true),
            (json!(2), 3, 2, false),
            (json!(null), 2, 2, false),
            (json!(null), 1, 1, true),
        ] {
            let mut page = page(next.clone());
            assert_eq!((page.cut(most), page.items.len()), (follow, left), "{next} {most}");
        }
        let all = Page::read(json!([1, 2, 3])).unwrap();
        assert_eq!((all.items.len(), all.next), (3, None), "of an earlier version");
        assert!(Page::read(json!({ "id": 1 })).is_err() && Page::read(json!(null)).is_err());
    }
}
