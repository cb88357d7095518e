//! `keyward key revoke`: by an id, by the text of a key that leaked, or every key of somebody.

use super::Given;
use crate::cli::CliError;
use crate::config::Config;
use crate::operate::{KeyText, Order, Whose};
use clap::Args;
use keyward_core::api_key::KeyFormat;
use keyward_core::secret::Secret;
use std::io::{BufRead, IsTerminal, Read};
use zeroize::Zeroizing;

#[derive(Debug, Args)]
pub(crate) struct Revoke {
    /// The key's id, or the key itself. With -, a text that holds the key is read from standard input, so that it stands in no
    /// list of processes.
    // A list, so that no error of the command line repeats a second one.
    #[arg(value_name = "KEY", required_unless_present_any = ["user", "account", "all"], conflicts_with_all = ["user", "account", "all"])]
    key: Vec<String>,
    /// Every key of this user: the e-mail address, or id: and the user's id, as id:7.
    #[arg(long, conflicts_with = "all")]
    user: Option<String>,
    /// Every key of this account: the slug, or id: and its id. With --user, those of that user in this account.
    #[arg(long, conflicts_with = "all")]
    account: Option<String>,
    /// Every key that there is.
    #[arg(long)]
    all: bool,
    /// What the key made ends with it: keys that it made or rotated, what these have made, and open invitations.
    #[arg(long, conflicts_with_all = ["user", "account", "all"])]
    with_descendants: bool,
    #[command(flatten)]
    given: Given,
}

impl Revoke {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let Self { key, user, account, all, with_descendants, given } = self;
        let order = |config: &Config| match (&*key, user, account) {
            ([], Some(user), Some(account)) => Ok(revoke_all(Whose::Member { user, account })),
            ([], Some(user), None) => Ok(revoke_all(Whose::User(user))),
            ([], None, Some(account)) => Ok(revoke_all(Whose::Account(account))),
            ([], None, None) if all => Ok(revoke_all(Whose::All)),
            ([key], None, None) => one(key, with_descendants, config),
            // Absent: neither a key nor somebody is named, and nothing ends.
            _ => Err(said("name one key, or say whose keys: --user, --account or --all".to_owned())),
        };
        given.give_by(order).await
    }
}

fn revoke_all(whose: Whose) -> Order {
    Order::KeyRevokeAll { whose }
}

fn one(key: &str, descendants: bool, config: &Config) -> Result<Order, CliError> {
    let format = KeyFormat::new(&config.keys.prefix).map_err(|error| said(error.to_string()))?;
    let key = key.trim();
    // What cannot be an id is no text of a key either, and is refused as such.
    match key.parse() {
        Ok(key) => Ok(Order::KeyRevoke { key, descendants }),
        Err(_) if key == "-" => the_key_in(&standard_input()?, descendants, &format),
        Err(_) => the_key_in(key, descendants, &format),
    }
}

/// The order to end the one key in a text. Errors say nothing of the text.
fn the_key_in(text: &str, descendants: bool, format: &KeyFormat) -> Result<Order, CliError> {
    let prefix = format.prefix();
    match (&*format.found_in(text), text.contains(prefix)) {
        ([key], _) => Ok(Order::KeyRevokeText { text: KeyText(Secret::new((*key).to_owned())), descendants }),
        ([], true) => Err(said(format!(
            "there is no whole key: after {prefix} come 49 letters and digits, the last six of them a checksum, which is wrong \
             here; copy the whole key, or find its id by how it begins (keyward key list) and revoke that"
        ))),
        ([], false) => Err(said(format!("there is no key, which begins with {prefix}, and no id of one"))),
        (keys, _) => Err(said(format!("there are {} keys; give one at a time", keys.len()))),
    }
}

/// The longest text that is searched for a key.
const MOST: u64 = 1024 * 1024;

/// All that stands there; where somebody types, one line.
fn standard_input() -> Result<Zeroizing<String>, CliError> {
    let input = std::io::stdin().lock();
    let typed = input.is_terminal();
    let mut input = input.take(MOST + 1);
    let mut bytes = Zeroizing::new(Vec::new());
    if typed {
        input.read_until(b'\n', &mut bytes)?;
    } else {
        input.read_to_end(&mut bytes)?;
    }
    if input.limit() == 0 {
        return Err(said(
            "more than 1 MiB stands on standard input; give the lines around the key".to_owned(),
        ));
    }
    Ok(Zeroizing::new(String::from_utf8_lossy(&bytes).into_owned()))
}

fn said(text: String) -> CliError {
    CliError::Said(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Command};
    use clap::Parser;
    use keyward_core::random::OsRandom;

    fn format() -> KeyFormat {
        KeyFormat::new("lev_sk_").unwrap()
    }

    fn key() -> String {
        format().generate(&OsRandom).unwrap().expose().to_owned()
    }

    #[test]
    fn a_text_names_a_key_if_it_holds_exactly_one() {
        let (one, two) = (key(), key());
        let found = |text: &str| match the_key_in(text, true, &format()) {
            Ok(Order::KeyRevokeText { text, descendants: true }) => Ok(text.0.expose().to_owned()),
            Ok(other) => panic!("{other:?}"),
            Err(error) => Err(error.to_string()),
        };
        for text in [one.clone(), format!(" {one}\r\n"), format!("A=1\nKEY='{one}'\n# {one}\n{}", &two[..55])]
        {
            assert_eq!(found(&text), Ok(one.clone()));
        }
        let mut typo = one.clone();
        typo.replace_range(20..21, if &one[20..21] == "x" { "y" } else { "x" });
        let table = [
            (format!("{one}\n{two}"), "there are 2 keys; give one at a time"),
            (typo, "copy the whole key"),
            (one[..50].to_owned(), "copy the whole key"),
            ("seven".to_owned(), "there is no key"),
            (String::new(), "there is no key"),
        ];
        for (text, why) in table {
            let error = found(&text).unwrap_err();
            assert!(error.contains(why) && !error.contains('\n'), "{error}");
            assert!(text.len() < 20 || !error.contains(&text[8..16]), "it repeats the text: {error}");
        }
    }

    #[test]
    fn a_number_is_an_id() {
        let config = Config::default();
        assert_eq!(one(" 7 ", true, &config).unwrap(), Order::KeyRevoke { key: 7, descendants: true });
        assert!(one("7a", false, &config).is_err() && one("", false, &config).is_err());
    }

    #[test]
    fn one_key_or_somebody_is_named_and_no_error_repeats_a_key() {
        let parsed =
            |arguments: &[&str]| Cli::try_parse_from([&["keyward", "key", "revoke"], arguments].concat());
        let text = key();
        for good in [&["7"][..], &["-"], &[&text], &["--user", "a@b", "--account", "c"], &["--all"]] {
            assert!(matches!(parsed(good).map(|cli| cli.command), Ok(Command::Key(_))), "{good:?}");
        }
        for bad in [&[][..], &[&text, "--user", "a@b"], &["7", "--all"], &["--all", "--account", "c"]] {
            let error = parsed(bad).unwrap_err().to_string();
            assert!(!error.contains(&text), "{error}");
        }
    }
}
