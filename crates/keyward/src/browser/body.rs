//! The body of a browser's request, or of an OAuth client's: read only once somebody was charged for it.

use super::{Pairs, Visit};
use crate::body_room::Owner;
use crate::call::gathered;
use crate::problem::Problem;
use bytes::Bytes;
use keyward_core::denial::{Denial, OAuthDenial};
use keyward_core::header::is_form;
use keyward_core::header_text::text;
use keyward_core::principal::Principal;
use keyward_core::rate_limit::{Bucket, Charge, Purpose};

/// The longest form.
const FORM: usize = 8 * 1024;
/// The longest form of a person who is signed in: that of consent carries all that stood in the query of its page.
const FORM_IN_SESSION: usize = 32 * 1024;

/// Somebody was charged for this request: an address, an account, or a user. A body is read only with it, so a handler that
/// forgets to charge does not compile.
#[derive(Debug)]
pub(crate) struct Charged(());

impl Visit {
    /// Charges the client's address.
    pub(crate) fn charge(&self, purpose: Purpose) -> Result<Charged, Denial> {
        self.charge_to(Bucket::address(self.address, purpose), purpose, 1)
    }

    /// Charges a bucket that holds so many times what an address may.
    pub(crate) fn charge_to(&self, bucket: Bucket, purpose: Purpose, times: u32) -> Result<Charged, Denial> {
        let limit = self.web.charger.of_address(purpose).saturating_mul(times);
        if limit == 0 {
            return Ok(Charged(()));
        }
        self.web.charger.take(Charge { bucket, limit }).map(Charged)
    }

    /// Charges a caller, as on the API: its account, or the user where it acts in none. Not for what another site sends with
    /// the caller's cookie, or loads.
    pub(crate) fn charge_caller(&self, who: &Principal, purpose: Purpose) -> Result<Charged, Denial> {
        match purpose {
            Purpose::Reads => self.refuse_load_of_another_site()?,
            // Absent: every other form is looked at.
            _ => self.refuse_form_of_another_site()?,
        }
        self.web.charger.enter(who, purpose).map(Charged)
    }

    /// Charges the client's address for a form, unless another site has sent it.
    pub(crate) fn charge_form(&self, purpose: Purpose) -> Result<Charged, Denial> {
        self.refuse_form_of_another_site()?;
        self.charge(purpose)
    }

    /// Charges the client's address for a page, unless another site loads it.
    pub(crate) fn charge_page(&self, purpose: Purpose) -> Result<Charged, Denial> {
        self.refuse_load_of_another_site()?;
        self.charge(purpose)
    }

    /// Charges the address of an OAuth client, unless it is a page of another site that is none.
    pub(crate) fn charge_client(&self, purpose: Purpose) -> Result<Charged, Denial> {
        self.refuse_no_cors()?;
        self.charge(purpose)
    }

    /// Charges the person who is signed in for a write, or the address where nobody is.
    pub(crate) fn charge_person(&self) -> Result<Charged, Denial> {
        match &self.session {
            Some(caller) => self.charge_caller(&Principal::of(caller.clone()), Purpose::Writes),
            None => self.charge_form(Purpose::Forms),
        }
    }

    /// Reads the whole body, of so many bytes at most.
    pub(crate) async fn read_body(&mut self, _: Charged, limit: usize) -> Result<Bytes, Problem> {
        // Absent: a stranger, whose share is the least.
        let owner = self.session.as_ref().map_or(Owner::Stranger, |caller| Owner::User(caller.user));
        let room = self.web.bodies.place(owner, self.address);
        let body = self.take_body();
        Ok(gathered(body, limit, room).await?)
    }

    /// Reads the form; of its names only `resource` may stand twice (RFC 8707 §2).
    pub(crate) async fn read_form(&mut self, charged: Charged) -> Result<(), Problem> {
        self.read_form_with(charged, &["resource"]).await
    }

    /// Reads a form in which these names may stand twice.
    pub(crate) async fn read_form_with(&mut self, charged: Charged, several: &[&str]) -> Result<(), Problem> {
        let declared = self.headers.get("content-type").and_then(text);
        if !declared.is_some_and(is_form) {
            let text = "Content-Type must be application/x-www-form-urlencoded";
            return Err(Denial::OAuth(OAuthDenial::RequestMalformed(text)).into());
        }
        let longest = if self.session.is_some() { FORM_IN_SESSION } else { FORM };
        let bytes = self.read_body(charged, longest).await?;
        self.form = Pairs::read(&bytes);
        if self.form.is_doubled_but_for(several) {
            return Err(Denial::OAuth(OAuthDenial::RequestMalformed("A parameter stands twice")).into());
        }
        Ok(())
    }
}
