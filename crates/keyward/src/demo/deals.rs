//! Sample deals, varied enough to filter and sort, and the same on every start but for the clock.

use super::hanging;
use keyward_core::clock::Timestamp;
use keyward_core::id::{AccountId, UserId};
use keyward_core::money::Cents;
use lev_deals::values::{BUSINESS_PLANS, LOAN_TYPES, TRANSACTION_TYPES};
use lev_deals::write::SeedDeal;
use lev_deals::{Deal, DealId};

const DAY: i64 = 86_400;
const PLACES: &[&str] = &[
    "Alder Street",
    "Birch Avenue",
    "Canal Row",
    "Dock Road",
    "Elm Court",
    "Foundry Lane",
    "Granary Square",
    "Harbor View",
    "Ironworks",
    "Juniper Hill",
    "Kings Cross",
    "Linden Park",
    "Mill Yard",
];
const KINDS: &[&str] =
    &["Apartments", "Office", "Warehouse", "Retail Center", "Hotel", "Medical Plaza", "Self Storage"];

/// The deals of the first or the second account. `users` are admin, editor, viewer, the other admin, and both.
pub(super) fn of(account: usize, users: &[UserId], now: Timestamp) -> Vec<SeedDeal> {
    let count = if account == 0 { 600 } else { 25 };
    (0..count)
        .map(|number| {
            let deal = deal(account, number, now);
            SeedDeal {
                team: team(account, number, users),
                financials: hanging::financials(number, &deal),
                properties: hanging::properties(number, &deal),
                place: hanging::place(number),
                deal,
            }
        })
        .collect()
}

fn deal(account: usize, number: usize, now: Timestamp) -> Deal {
    let n = i64::try_from(number).unwrap_or(0);
    // Steps that share no factor with the lengths, so that the combinations differ from deal to deal.
    let age = (n * 37 + 11) % 720;
    let created_at = now.plus_seconds(-(age + 1) * DAY - n * 61);
    let updated_at = created_at.plus_seconds((n * 7) % (age + 1) * DAY);
    let place = pick(PLACES, number * 5 + account).unwrap_or_default();
    let kind = pick(KINDS, number * 3 + account).unwrap_or_default();
    Deal {
        id: DealId(0),
        owner_account: AccountId(0),
        title: format!("{} {place} {kind}", 100 + number),
        // Every 20th has no amount yet; the others run from 0.5 to 74 million, some with cents.
        loan_amount: if number % 20 == 19 {
            None
        } else {
            Cents::new(50_000_000 + (n * 7_919 % 7_350) * 1_000_000 + n % 4 * 25)
        },
        loan_type: pick(LOAN_TYPES, number),
        transaction_type: pick(TRANSACTION_TYPES, number * 2),
        business_plan: if number % 11 == 10 { None } else { pick(BUSINESS_PLANS, number * 3 + 1) },
        description: number.is_multiple_of(3).then(|| format!("Financing for {kind} at {place}.")),
        estimated_close_date: (number % 5 != 4).then(|| date(now.plus_seconds((n * 13 % 365) * DAY))),
        close_date: (number % 17 == 16).then(|| date(updated_at)),
        version: 1,
        created_at,
        updated_at,
        archived_at: (number % 12 == 11).then_some(updated_at),
    }
}

/// In the first account the editor is on 40 teams, the viewer on 15, the one who is in both on 25; in the second, on 10.
/// The admins lead what nobody else does.
fn team(account: usize, number: usize, users: &[UserId]) -> Vec<UserId> {
    let member = |index: usize, on: bool| users.get(index).copied().filter(|_| on);
    let members = if account == 0 {
        [
            member(1, number.is_multiple_of(15)),
            member(4, number % 24 == 1),
            member(2, number.is_multiple_of(40)),
            member(0, number % 2 == 1),
        ]
    } else {
        [member(4, number % 5 < 2), member(3, true), None, None]
    };
    members.into_iter().flatten().collect()
}

fn pick(values: &[&'static str], index: usize) -> Option<&'static str> {
    values.get(index % values.len().max(1)).copied()
}

fn date(moment: Timestamp) -> String {
    moment.to_string().chars().take(10).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_teams_are_as_large_as_promised() {
        let users: Vec<UserId> = (1..=5).map(UserId).collect();
        let on = |account, user| {
            of(account, &users, Timestamp::from_unix(2_000_000_000))
                .iter()
                .filter(|seed| seed.team.contains(&user))
                .count()
        };
        assert_eq!(
            (on(0, UserId(2)), on(0, UserId(3)), on(0, UserId(5)), on(1, UserId(5))),
            (40, 15, 25, 10)
        );
        assert_eq!(
            (on(0, UserId(4)), on(1, UserId(1)), on(1, UserId(2))),
            (0, 0, 0),
            "nobody is on a team elsewhere"
        );
    }
}
