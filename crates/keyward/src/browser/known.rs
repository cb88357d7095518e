//! Whether a user has signed in with this browser before: what strangers try at the user's address is no reason to let it
//! wait then.

use super::Visit;
use super::answer::add_cookie;
use super::body::Charged;
use super::cookies::Cookie;
use axum::body::Body;
use http::Response;
use keyward_core::denial::Denial;
use keyward_core::id::UserId;
use keyward_core::known_browser::{KNOWN_SECONDS, Mark};
use keyward_core::rate_limit::{Bucket, Purpose};
use keyward_core::secret::Secret;

/// So many times what one browser may try is what all browsers of a user may.
const OF_A_USER: u32 = 5;

impl Visit {
    fn marks(&self) -> Vec<Mark> {
        let value = Cookie::Known.of(&self.headers, self.https());
        let read = |value| Some(self.oauth()?.keys.known.marks(value, self.shared.clock.now()));
        // Absent: without a mark the browser is nobody's, and its address is charged.
        value.and_then(read).unwrap_or_default()
    }

    /// Charges a try to sign in, before it is known at whose address: the browser where somebody has signed in with it before,
    /// so that others at its address do not use up what it may try, else the address. What was charged.
    pub(crate) fn charge_sign_in(&self) -> Result<(Charged, Option<Mark>), Denial> {
        self.refuse_form_of_another_site()?;
        let mark = self.marks().first().copied();
        let charged = match &mark {
            Some(mark) => self.charge_browser(mark),
            None => self.charge(Purpose::SignIn),
        };
        // A browser that has used up what it may try is one among others at its address.
        match charged {
            Err(Denial::RateLimited(..)) if mark.is_some() => Ok((self.charge(Purpose::SignIn)?, None)),
            charged => Ok((charged?, mark)),
        }
    }

    /// Each sign-in gives a new mark, so all browsers of a user share a bucket besides.
    fn charge_browser(&self, mark: &Mark) -> Result<Charged, Denial> {
        self.charge_to(Bucket::Browser(mark.number(), Purpose::SignIn), Purpose::SignIn, 1)?;
        self.charge_to(Bucket::User(mark.user(), Purpose::SignIn), Purpose::SignIn, OF_A_USER)
    }

    /// The mark of this user, made for the password with this hash.
    pub(crate) fn mark_of(&self, user: UserId, hash: &Secret) -> Option<Mark> {
        let known = &self.oauth()?.keys.known;
        self.marks().into_iter().find(|mark| mark.user() == user && known.is_of(mark, hash))
    }

    /// With the mark that this user has signed in, by the password with this hash.
    pub(crate) fn with_mark(
        &self,
        mut response: Response<Body>,
        user: UserId,
        hash: &Secret,
    ) -> Response<Body> {
        let now = self.shared.clock.now();
        let value = self.oauth().and_then(|server| server.keys.known.value(&self.marks(), user, hash, now));
        if let Some(value) = value {
            add_cookie(&mut response, &Cookie::Known.set(&value, Some(KNOWN_SECONDS), self.https()));
        }
        response
    }
}
