//! From which site's page a request comes, as the browser says it (Fetch Metadata, `Sec-Fetch-*`): no page can set these
//! headers or leave them out, and a client that is no browser sends none.
//!
//! All of it is asked before anybody is charged: a page that somebody has open elsewhere must not use up what the people at
//! that address, or the one who is signed in, may do.

use super::Visit;
use http::HeaderMap;
use keyward_core::denial::{Denial, OAuthDenial};

impl Visit {
    /// Whether the browser says that one of our own pages has sent this.
    pub(crate) fn is_from_here(&self) -> bool {
        is_from_here(&self.headers)
    }

    /// Whether the browser says that a page of another site, or of a sibling, has sent this.
    pub(crate) fn is_from_elsewhere(&self) -> bool {
        is_from_elsewhere(&self.headers)
    }

    /// Refuses a form of another site.
    pub(crate) fn refuse_form_of_another_site(&self) -> Result<(), Denial> {
        if self.is_from_elsewhere() { Err(Denial::FormUnusable) } else { Ok(()) }
    }

    /// Refuses a page that another site loads without showing it: as an image or by a script, or in a frame, which is charged
    /// before the browser finds out that it may not show it. Another site can only send its visitor here, as an application
    /// does that has somebody sign in.
    pub(crate) fn refuse_load_of_another_site(&self) -> Result<(), Denial> {
        if is_from_elsewhere(&self.headers) && !is_navigation(&self.headers) {
            return Err(Denial::PlaceForeign);
        }
        Ok(())
    }

    /// Refuses what another site sends to an endpoint of OAuth clients by a form, or without the CORS protocol: it could not
    /// read the answer, so no client does that.
    pub(crate) fn refuse_no_cors(&self) -> Result<(), Denial> {
        if is_from_elsewhere(&self.headers) && !says(&self.headers, "sec-fetch-mode", b"cors") {
            let text =
                "A page of another site calls this endpoint by fetch in the mode cors, and not by a form";
            return Err(Denial::OAuth(OAuthDenial::RequestMalformed(text)));
        }
        Ok(())
    }
}

fn says(headers: &HeaderMap, name: &str, value: &[u8]) -> bool {
    headers.get(name).is_some_and(|said| said.as_bytes() == value)
}

pub(super) fn is_from_here(headers: &HeaderMap) -> bool {
    says(headers, "sec-fetch-site", b"same-origin")
}

/// A site that cannot be read is another one.
fn is_from_elsewhere(headers: &HeaderMap) -> bool {
    let said = headers.contains_key("sec-fetch-site");
    said && !is_from_here(headers) && !says(headers, "sec-fetch-site", b"none")
}

/// Whether the whole page of a browser is to be this. The first browsers with the other two headers send no
/// `Sec-Fetch-Dest`.
fn is_navigation(headers: &HeaderMap) -> bool {
    let whole = !headers.contains_key("sec-fetch-dest") || says(headers, "sec-fetch-dest", b"document");
    whole && says(headers, "sec-fetch-mode", b"navigate")
}
