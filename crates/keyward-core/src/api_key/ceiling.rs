//! How many live keys an account may have.

use crate::denial::Denial;
use crate::tier::Tier;

/// The ceiling of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyCeiling {
    /// The most live keys.
    pub most: u32,
    /// The tier that sets it; `None`: the operator, for this account.
    pub tier: Option<Tier>,
}

impl KeyCeiling {
    /// That one more key may be made beside `live` others. Keys over a lower ceiling live on.
    ///
    /// # Errors
    /// [`Denial::Invalid`], about `api_keys`.
    pub fn admits(self, live: u32) -> Result<(), Denial> {
        if live < self.most {
            return Ok(());
        }
        let whose = match self.tier {
            None => "this account".to_owned(),
            Some(tier) => format!("an account of tier {}", tier.name()),
        };
        let most = self.most;
        let text = format!("API key limit reached: {whose} may have {most} live keys; revoke one first");
        Err(Denial::invalid("api_keys", text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_key_below_the_ceiling_is_made_and_the_next_is_not() {
        let of_tier = "API key limit reached: an account of tier free may have 2 live keys; revoke one first";
        let own = "API key limit reached: this account may have 2 live keys; revoke one first";
        let none = "API key limit reached: this account may have 0 live keys; revoke one first";
        for (most, tier, live, refusal) in [
            (2, Some(Tier::Free), 0, None),
            (2, Some(Tier::Free), 1, None),
            (2, Some(Tier::Free), 2, Some(of_tier)),
            // The ceiling was lowered since.
            (2, Some(Tier::Free), 3, Some(of_tier)),
            (2, None, 1, None),
            (2, None, 2, Some(own)),
            (0, None, 0, Some(none)),
        ] {
            let refusal = refusal.map(|text| Denial::invalid("api_keys", text));
            assert_eq!(KeyCeiling { most, tier }.admits(live).err(), refusal, "{live} of {most}");
        }
    }
}
