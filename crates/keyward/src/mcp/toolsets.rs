//! Which tools an address offers: `?tools=deals,me` names toolsets or tools, `?read_only=true` leaves out what writes. A client
//! that carries fewer tools leaves its model more room; what is not offered is not called either.

use super::catalog::{Catalog, Entry};
use super::tools::Does;
use url::form_urlencoded;

/// The tools of an address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Offer {
    /// Toolsets and tools; `None`: all.
    names: Option<Vec<String>>,
    read_only: bool,
}

impl Offer {
    /// Reads the query of an address, or returns what is wrong with it. Parameters of other names are not ours.
    pub(super) fn of(query: Option<&str>, catalog: &Catalog) -> Result<Self, String> {
        let mut offer = Self::default();
        // Absent: an address without a query offers everything.
        for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            match name.as_ref() {
                "tools" => offer.names.get_or_insert_default().extend(named(&value, catalog)?),
                "read_only" => offer.read_only = flag(&value)?,
                // Absent: a parameter of another name narrows nothing.
                _ => {}
            }
        }
        Ok(offer)
    }

    /// Whether a tool is among them.
    pub(super) fn has(&self, entry: &Entry) -> bool {
        let named =
            |names: &Vec<String>| names.iter().any(|name| *name == entry.set || *name == entry.tool.name);
        let writes = entry.tool.does != Does::Reads;
        // Absent: an address that names no tools offers all of them.
        self.names.as_ref().is_none_or(named) && !(self.read_only && writes)
    }
}

/// The names of a list, each of which a tool or a toolset has. A name that none has would offer less than is meant.
fn named(list: &str, catalog: &Catalog) -> Result<Vec<String>, String> {
    let names = list.split(',').map(|name| name.trim().to_ascii_lowercase().replace('-', "_"));
    let names: Vec<String> = names.filter(|name| !name.is_empty()).collect();
    let sets = catalog.sets();
    let known = |name: &String| sets.contains(&name.as_str()) || catalog.find(name).is_some();
    if !names.is_empty() && names.iter().all(known) {
        return Ok(names);
    }
    let got: String = list.chars().take(64).flat_map(char::escape_debug).collect();
    let sets = sets.join(", ");
    Err(format!("tools takes toolsets ({sets}) and names of tools, separated by commas (got {got})"))
}

fn flag(value: &str) -> Result<bool, String> {
    match value {
        "true" | "1" | "" => Ok(true),
        "false" | "0" => Ok(false),
        // Absent: a mistake; neither is guessed.
        _ => Err("read_only must be true or false".to_owned()),
    }
}

/// The toolset of an operation: the first part of its path.
pub(super) fn set_of(path: &str) -> String {
    // Absent: never, a split has a first part.
    path.trim_start_matches('/').split('/').next().unwrap_or_default().replace('-', "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_offers_the_toolsets_that_it_names() {
        let catalog = Catalog::of("http://keyward.test", false);
        let offered = |query: Option<&str>| {
            let offer = Offer::of(query, &catalog)?;
            Ok::<_, String>(catalog.entries().filter(|entry| offer.has(entry)).count())
        };
        let all = offered(None).unwrap();
        assert_eq!((offered(Some("")), offered(Some("token=x&read_only=false"))), (Ok(all), Ok(all)));
        assert_eq!(offered(Some("tools=me,list_deals")), Ok(4));
        assert_eq!(offered(Some("tools=Me&tools=list_deals,")), Ok(4));
        assert_eq!(offered(Some("tools=api-keys")), offered(Some("tools=api_keys")));
        assert_eq!(offered(Some("tools=me&read_only=true")), Ok(2));
        assert!(offered(Some("read_only=true")).unwrap() < all);
        for (query, said) in [
            ("tools=deal", "tools takes toolsets (me, deals, "),
            ("tools=", "separated by commas (got )"),
            ("read_only=maybe", "read_only must be true or false"),
        ] {
            assert!(offered(Some(query)).unwrap_err().contains(said), "{query}");
        }
    }
}
