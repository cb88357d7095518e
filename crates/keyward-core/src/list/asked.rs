//! Reading a query by a list's table.

use crate::denial::Denial;
use crate::list::filter::Filter;
use crate::list::grammar::{Grammar, MAX_SORT_FIELDS, Paging};
use crate::list::page::{From, Window, take_limit, take_offset};
use crate::query::{Query, malformed, shown};

/// What a list is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Items on a page, at most.
    pub limit: u32,
    /// The cursor as it was sent, not yet opened. Only where nothing is sorted.
    pub cursor: Option<String>,
    /// The order; empty: by id.
    pub sort: Vec<SortKey>,
    /// Items to skip; `None` where the list goes on by cursors.
    pub offset: Option<u32>,
    /// What the items must be.
    pub filter: Filter,
    /// The fields to show besides the id; `None`: all.
    pub fields: Option<Vec<&'static str>>,
    /// What to show besides.
    pub include: Vec<&'static str>,
}

/// One step of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SortKey {
    /// The field. Items without a value come first.
    pub field: &'static str,
    /// Whether the order is turned around.
    pub descending: bool,
}

impl Asked {
    /// The part of the list that is asked for, given what the cursor opened to: an id, 0 without a cursor.
    #[must_use]
    pub fn window(&self, after: i64) -> Window {
        let from = match self.offset {
            Some(offset) => From::Offset(self.sort.clone(), offset),
            None => From::After(after),
        };
        Window { limit: self.limit, from }
    }

    /// Whether something is to be included.
    #[must_use]
    pub fn includes(&self, name: &str) -> bool {
        self.include.contains(&name)
    }
}

/// Takes what the grammar offers out of a query. The rest is the caller's, or unknown.
///
/// # Errors
/// [`Denial::QueryMalformed`], naming what is wrong.
pub fn read(grammar: &Grammar, query: &mut Query) -> Result<Asked, Denial> {
    let filter = Filter::take(grammar, query)?;
    let fields = match grammar.fields {
        [] => None,
        known => names(query, "fields", "field", known)?,
    };
    let include = match grammar.includes {
        [] => None,
        known => names(query, "include", "include", known)?,
    };
    let sort = match grammar.sorts {
        [] => None,
        known => query.take_list("sort").map(|text| order(&text, known)).transpose()?,
    };
    let (limit, cursor, offset) = match grammar.paging {
        Paging::None => (1, None, None),
        // Absent: from the first on.
        Paging::Offset => (take_limit(query)?, None, Some(take_offset(query)?.unwrap_or(0))),
        Paging::Cursor => {
            let limit = take_limit(query)?;
            let (cursor, offset) = place(grammar, query, sort.is_some())?;
            (limit, cursor, offset)
        }
    };
    // Absent: nothing is included.
    let include = include.unwrap_or_default();
    // Absent: in the order of ids.
    Ok(Asked { limit, cursor, sort: sort.unwrap_or_default(), offset, filter, fields, include })
}

/// Where the page begins, in a list that has cursors.
fn place(
    grammar: &Grammar,
    query: &mut Query,
    sorted: bool,
) -> Result<(Option<String>, Option<u32>), Denial> {
    // A client that cannot leave a parameter out sends it empty for the first page.
    let cursor = query.take("cursor").filter(|cursor| !cursor.is_empty());
    if grammar.sorts.is_empty() {
        return Ok((cursor, None));
    }
    let offset = take_offset(query)?;
    match (cursor, offset, sorted) {
        (Some(_), _, true) => {
            Err(malformed("cursor and sort cannot be combined; use offset pagination when sorting"))
        }
        (_, Some(_), false) => Err(malformed("offset needs sort; without sort, use cursor pagination")),
        // Absent: from the first on.
        (_, offset, true) => Ok((None, Some(offset.unwrap_or(0)))),
        (cursor, None, false) => Ok((cursor, None)),
    }
}

/// A comma list of known names, each once.
fn names(
    query: &mut Query,
    parameter: &str,
    word: &str,
    known: &'static [&'static str],
) -> Result<Option<Vec<&'static str>>, Denial> {
    let Some(text) = query.take_list(parameter) else { return Ok(None) };
    let mut found = Vec::new();
    for name in text.split(',') {
        let Some(known) = known.iter().find(|known| **known == name) else {
            let known = known.join(", ");
            return Err(malformed(format!("Unknown {word} '{}'; {parameter} takes {known}", shown(name))));
        };
        if !found.contains(known) {
            found.push(*known);
        }
    }
    Ok(Some(found))
}

fn order(text: &str, known: &'static [&'static str]) -> Result<Vec<SortKey>, Denial> {
    let mut keys: Vec<SortKey> = Vec::new();
    for part in text.split(',') {
        // Absent: ascending.
        let (name, descending) = part.strip_prefix('-').map_or((part, false), |name| (name, true));
        let Some(field) = known.iter().copied().find(|known| *known == name) else {
            let known = known.join(", ");
            let text = format!(
                "Unknown sort field '{}'; sort takes {known}, each with - for descending",
                shown(name)
            );
            return Err(malformed(text));
        };
        if keys.iter().any(|key| key.field == field) {
            return Err(malformed(format!("sort must name {field} only once")));
        }
        keys.push(SortKey { field, descending });
    }
    if keys.len() > MAX_SORT_FIELDS {
        return Err(malformed(format!("sort must name at most {MAX_SORT_FIELDS} fields")));
    }
    Ok(keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: Grammar = Grammar {
        sorts: &["title", "size"],
        fields: &["id", "title", "size"],
        includes: &["team"],
        ..Grammar::plain("things")
    };

    fn ask(grammar: &Grammar, text: &str) -> Result<Asked, String> {
        let mut query = Query::parse(Some(text)).unwrap();
        let asked = read(grammar, &mut query).map_err(|denial| denial.message())?;
        query.finish().map_err(|denial| denial.message())?;
        Ok(asked)
    }

    #[test]
    fn a_list_goes_on_by_cursor_and_a_sorted_one_by_offset() {
        let asked = ask(&LIST, "limit=7&cursor=abc").unwrap();
        assert_eq!((asked.limit, asked.cursor.as_deref(), asked.offset), (7, Some("abc"), None));
        assert_eq!(asked.window(9), Window { limit: 7, from: From::After(9) });
        let asked = ask(&LIST, "sort=-size,title&offset=20").unwrap();
        let keys =
            vec![SortKey { field: "size", descending: true }, SortKey { field: "title", descending: false }];
        assert_eq!(asked.window(0), Window { limit: 50, from: From::Offset(keys, 20) });
        let asked = ask(&Grammar { paging: Paging::Offset, ..Grammar::plain("keys") }, "offset=3").unwrap();
        assert_eq!(asked.window(0), Window { limit: 50, from: From::Offset(Vec::new(), 3) });
    }

    #[test]
    fn what_does_not_fit_is_named() {
        for (query, message) in [
            ("cursor=a&sort=title", "cursor and sort cannot be combined; use offset pagination when sorting"),
            (
                "cursor=a&sort=title&offset=1",
                "cursor and sort cannot be combined; use offset pagination when sorting",
            ),
            ("offset=1", "offset needs sort; without sort, use cursor pagination"),
            ("offset=-1&sort=title", "offset must be an integer from 0 to 2147483647"),
            (
                "sort=colour",
                "Unknown sort field 'colour'; sort takes title, size, each with - for descending",
            ),
            ("sort=", "Unknown sort field ''; sort takes title, size, each with - for descending"),
            ("sort=title,-title", "sort must name title only once"),
            ("fields=title,nope", "Unknown field 'nope'; fields takes id, title, size"),
            ("include=team,", "Unknown include ''; include takes team"),
            ("filter[title]=x", "Unknown filter 'title'; this list takes no filters"),
        ] {
            assert_eq!(ask(&LIST, query).unwrap_err(), message, "{query}");
        }
        for unknown in ["sort", "fields", "include", "offset"] {
            let told = ask(&Grammar::plain("plain"), &format!("{unknown}=1")).unwrap_err();
            assert_eq!(told, format!("Unknown query parameter '{unknown}'"));
        }
        for unknown in ["limit", "cursor", "sort", "offset"] {
            let told = ask(&LIST.of_one(), &format!("{unknown}=1")).unwrap_err();
            assert_eq!(told, format!("Unknown query parameter '{unknown}'"));
        }
    }

    #[test]
    fn an_empty_cursor_is_the_first_page() {
        assert_eq!(ask(&LIST, "limit=7&cursor=").unwrap(), ask(&LIST, "limit=7").unwrap());
        assert_eq!(ask(&LIST, "cursor=&sort=title").unwrap(), ask(&LIST, "sort=title").unwrap());
    }

    #[test]
    fn lists_are_taken_in_every_form_that_clients_write() {
        let asked = ask(&LIST, "sort=-size,title&fields=size,title&include=team").unwrap();
        for query in [
            "sort=-size&sort=title&fields=size&fields=title&include=team",
            "sort[]=-size&sort[]=title&fields[]=size&fields[]=title&include[]=team",
            "sort[0]=-size&sort[1]=title&fields[0]=size&fields[1]=title&include[0]=team",
        ] {
            assert_eq!(ask(&LIST, query).unwrap(), asked, "{query}");
        }
        for (query, once) in [
            ("limit=1&limit=1", "limit"),
            ("cursor=a&cursor=b", "cursor"),
            ("sort=title&offset=1&offset=2", "offset"),
        ] {
            let told = ask(&LIST, query).unwrap_err();
            let rule =
                format!("Query parameter '{once}' must be sent only once; send one value: {once}=value");
            assert_eq!(told, rule);
        }
    }

    #[test]
    fn names_are_taken_once_and_in_the_order_of_the_question() {
        let asked = ask(&LIST, "fields=size,title,size&include=team,team").unwrap();
        assert_eq!(asked.fields, Some(vec!["size", "title"]));
        assert_eq!(asked.include, ["team"]);
        assert!(asked.includes("team") && !asked.includes("properties"));
    }
}
