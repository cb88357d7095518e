//! Of a token that is of another kind, or for somebody else.

use super::super::claims::OTHER_MARKS;
use super::super::compact::Typ;
use super::super::rules::{CLIENT_CLAIMS, Rules};
use super::{Finding, RefusedToken, takes};

impl Finding<'_> {
    pub(super) fn of_type(&self, rules: &Rules) -> String {
        let typ = self.head("typ");
        let kind = Typ::of(typ.as_deref());
        match (self.of_mark(rules), kind) {
            (Some(mark), _) => mark,
            (None, Typ::Other) => {
                // Absent: never, a token without `typ` is of another kind.
                let typ = RefusedToken::value(&typ.unwrap_or_default());
                format!("No setting takes typ {typ:?}: send the access token.")
            }
            (None, _) if rules.kinds.contains(&kind) => self.of_payload(rules),
            (None, Typ::AccessToken | Typ::Jwt | Typ::Absent) => {
                let names = rules.kinds.iter().map(|own| own.name()).chain([kind.name()]);
                let beside = if self.needs_payload_typ(rules) {
                    " With payload_typ = \"Bearer\", for its nonce."
                } else {
                    ""
                };
                takes("accept_typ", &names.collect::<Vec<_>>()) + beside
            }
        }
    }

    /// What other kinds of tokens have.
    fn of_mark(&self, rules: &Rules) -> Option<String> {
        let is_mark = |mark: &&&str| {
            self.has(mark) && !rules.excuses(mark) && !(**mark == "nonce" && self.needs_payload_typ(rules))
        };
        if let Some(mark) = OTHER_MARKS.iter().find(is_mark) {
            return Some(format!("It has {mark}, as an ID token or a logout token: send the access token."));
        }
        let used = self.claim("token_use").filter(|token_use| token_use != "access")?;
        let used = RefusedToken::value(&used);
        Some(format!("Its token_use is {used:?}: send the access token."))
    }

    fn needs_payload_typ(&self, rules: &Rules) -> bool {
        rules.payload_typ.is_none()
            && self.has("nonce")
            && self.claim("typ").is_some_and(|typ| typ == "Bearer")
    }

    /// The `typ` of its header is taken.
    fn of_payload(&self, rules: &Rules) -> String {
        if self.needs_payload_typ(rules) {
            return takes("payload_typ", &"Bearer");
        }
        match (rules.payload_typ, rules.audience_claim) {
            (Some(wanted), _) if self.claim("typ").as_deref() != Some(wanted) => format!(
                "Its claim typ is not {wanted:?}, as payload_typ asks for: send the access token, or leave payload_typ out."
            ),
            (_, Some(claim)) if !self.audiences().is_empty() => format!(
                "Its aud is its own client, or it has no {claim}, so with audience_claim it may be an ID token: send the access token."
            ),
            // Absent: neither is set, or has to do with it.
            _ => "It has none of scope, scp, azp and client_id, so nothing shows that it is an access token."
                .to_owned(),
        }
    }

    pub(super) fn of_audience(&self, rules: &Rules) -> String {
        // All of them: an advice without some would have the operator drop them.
        let with = |found: &str| {
            let names: Vec<String> =
                rules.audiences.iter().cloned().chain([RefusedToken::value(found)]).collect();
            takes(rules.audience_setting, &names)
        };
        if let Some(found) = self.audiences().first() {
            return with(found) + " Set it only if the token is meant for this API.";
        }
        // Absent: never, an entry without an audience is refused at the start.
        let own = rules.audiences.first().map_or("", String::as_str);
        let ask =
            format!("It names no audience: have the client ask for {own:?}, or have the issuer add it.");
        // Absent: none is set, so either may be.
        let stand_in = |claim: &&&str| rules.audience_claim.is_none_or(|set| set == **claim);
        match CLIENT_CLAIMS.iter().filter(stand_in).find_map(|claim| Some((claim, self.claim(claim)?))) {
            Some((_, client)) if rules.audience_claim.is_some() => with(&client),
            Some((claim, client)) => {
                format!("{ask} Where it cannot: audience_claim = {claim:?} with {}", with(&client))
            }
            None => ask,
        }
    }
}
