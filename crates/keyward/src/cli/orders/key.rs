//! `keyward key`.

use super::Given;
use super::key_list::List;
use super::key_revoke::Revoke;
use crate::cli::CliError;
use crate::operate::{KeyEnd, NewKey, Order, rights};
use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum KeyOrder {
    /// Makes a key for a member and shows it once.
    Create {
        /// The account's slug.
        #[arg(long)]
        account: String,
        /// The user's e-mail address.
        #[arg(long)]
        user: String,
        /// The key's name.
        #[arg(long)]
        label: String,
        /// All that the user may do, or all that it may read. This or --scope must be given.
        #[arg(long, value_parser = ["full_access", "read_only"])]
        permission: Option<String>,
        /// A scope, such as deals:read; can be repeated.
        #[arg(long = "scope")]
        scopes: Vec<String>,
        /// The key ends after this time: days, hours or minutes, such as 90d, 12h or 30m. Without an end it lives until it is
        /// revoked.
        #[arg(long, value_name = "SPAN", value_parser = span, conflicts_with = "expires_at")]
        expires_in: Option<i64>,
        /// The key ends at this moment (RFC 3339, such as 2027-03-20T15:30:45Z).
        #[arg(long, value_name = "TIME", value_parser = moment)]
        expires_at: Option<i64>,
        /// An address or an address range that the key may be used from, such as 203.0.113.0/24; can be repeated. Without it:
        /// everywhere.
        #[arg(long = "allow-ip", visible_alias = "allowed-ip", value_name = "RANGE")]
        allow_ips: Vec<String>,
        /// Ends with 0 where the user has a live key with this label in the account, and these rights and ranges. It is not
        /// changed, and its secret not shown again.
        #[arg(long)]
        if_absent: bool,
        #[command(flatten)]
        given: Given,
    },
    /// Lists keys that were not revoked, in the order of their ids, one account after the other.
    List(List),
    /// Ends a key for good, or every key of a user, of an account or of all. When the command returns, they are dead.
    Revoke(Revoke),
    /// Gives a key a new secret and shows it once.
    Rotate {
        /// The key's id.
        key: i64,
        /// Seconds that the old secret stays valid.
        #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(i64).range(0..=604_800))]
        grace_seconds: i64,
        #[command(flatten)]
        given: Given,
    },
}

impl KeyOrder {
    pub(crate) async fn run(self) -> Result<(), CliError> {
        let (order, given) = match self {
            Self::Revoke(revoke) => return revoke.run().await,
            Self::List(list) => return list.run().await,
            Self::Create {
                account,
                user,
                label,
                permission,
                scopes,
                expires_in,
                expires_at,
                allow_ips,
                if_absent,
                given,
            } => {
                // Before anything is sent: a server of an earlier version takes no rights for all of them.
                rights(permission.as_deref(), &scopes)
                    .map_err(|error| CliError::from(error).of_configuration())?;
                let end = expires_in.map(KeyEnd::InSeconds).or(expires_at.map(KeyEnd::AtUnix));
                let allowed_ips = Some(allow_ips).filter(|ranges| !ranges.is_empty());
                let new = NewKey { account, user, label, permission, scopes, end, allowed_ips };
                let order = Order::KeyCreate(new);
                (if if_absent { order.if_absent(false) } else { order }, given)
            }
            Self::Rotate { key, grace_seconds, given } => (Order::KeyRotate { key, grace_seconds }, given),
        };
        given.give(order).await
    }
}

/// The longest life of a key that is asked for as a span: a hundred years, in seconds.
const LONGEST: i64 = 36_525 * 86_400;

/// A span in seconds.
pub(super) fn span(text: &str) -> Result<i64, String> {
    let wrong = || "it must be days, hours or minutes, such as 90d, 12h or 30m".to_owned();
    let (number, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or_else(wrong)?;
    let unit = match unit {
        "d" => 86_400,
        "h" => 3_600,
        "m" => 60,
        // Absent: a span without its unit is not guessed at.
        _ => return Err(wrong()),
    };
    // `parse` would also take a sign.
    // Absent: a mistake.
    let number: i64 = number
        .bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| number.parse().ok())
        .flatten()
        .ok_or_else(wrong)?;
    number.checked_mul(unit).filter(|seconds| (1..=LONGEST).contains(seconds)).ok_or_else(wrong)
}

/// A moment in seconds since the Unix epoch; of a fraction, the second that it began in.
pub(super) fn moment(text: &str) -> Result<i64, String> {
    let moment = text.parse::<jiff::Timestamp>();
    moment
        .map(jiff::Timestamp::as_second)
        .map_err(|_| "it must be a time such as 2027-03-20T15:30:45Z".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_a_number_of_days_hours_or_minutes_and_not_nothing() {
        assert_eq!((span("90d"), span("12h"), span("30m")), (Ok(90 * 86_400), Ok(12 * 3_600), Ok(30 * 60)));
        for bad in [
            "",
            "d",
            "90",
            "0d",
            "-1d",
            "+1d",
            "1.5h",
            "1w",
            "90D",
            " 1d",
            "1 d",
            "36526d",
            "99999999999999999999m",
            "1d12h",
            "é",
        ] {
            assert!(span(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_moment_has_a_zone_and_a_fraction_makes_no_key_live_longer() {
        assert_eq!((moment("1970-01-01T00:01:00Z"), moment("1970-01-01T00:01:00.9Z")), (Ok(60), Ok(60)));
        for bad in ["", "tomorrow", "2027-03-20", "2027-03-20T15:30:45"] {
            assert!(moment(bad).is_err(), "{bad}");
        }
    }
}
