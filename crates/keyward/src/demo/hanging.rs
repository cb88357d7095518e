//! What hangs on the sample deals: figures that fit together, properties, and places in pipelines.

use keyward_core::clock::Timestamp;
use keyward_core::money::Cents;
use lev_deals::financials::{FIGURES, Figure, Financials};
use lev_deals::{Deal, DealId, Property};

const CITIES: &[(&str, &str, &str)] = &[
    ("Portland", "OR", "97205"),
    ("Denver", "CO", "80202"),
    ("Austin", "TX", "78701"),
    ("Raleigh", "NC", "27601"),
    ("Columbus", "OH", "43215"),
    ("Tucson", "AZ", "85701"),
    ("Savannah", "GA", "31401"),
];

/// Six of seven deals have financials: a price above the loan, a yield, what it costs.
pub(super) fn financials(number: usize, deal: &Deal) -> Option<Financials> {
    let n = i64::try_from(number).unwrap_or(0);
    if n % 7 == 3 {
        return None;
    }
    let loan = deal.loan_amount.map_or(100_000_000, Cents::get);
    let price = loan / 100 * (130 + n % 5 * 5);
    let figure = |name: &str| -> Option<Figure> {
        let money = |cents: i64| Cents::new(cents).map(Figure::Money);
        match name {
            "purchase_price" => money(price),
            "estimated_value" => money(price / 100 * 104),
            "in_place_noi" => money(price / 1_000 * (52 + n % 13)),
            "stabilized_noi" => money(price / 1_000 * (60 + n % 13)),
            "stabilized_occupancy" => {
                Some(Figure::Ratio(f64::from(90 + u32::try_from(n % 9).unwrap_or(0)) / 100.0))
            }
            "going_in_cap_rate" => {
                Some(Figure::Ratio(f64::from(52 + u32::try_from(n % 13).unwrap_or(0)) / 1000.0))
            }
            "capex" if n % 3 == 0 => money(price / 50),
            "land_cost" if n % 4 == 1 => money(price / 5),
            "total_cost" => money(price / 100 * 106),
            "existing_debt" if n % 5 == 2 => money(loan / 2),
            "other_closing_costs" => Some(Figure::Whole(25_000 + n % 10 * 1_000)),
            "cash_out" => Some(Figure::Flag(n % 6 == 1)),
            "recent_appraisal_available" => Some(Figure::Flag(n % 2 == 0)),
            _ => None,
        }
    };
    Some(Financials {
        id: 0,
        deal: DealId(0),
        figures: FIGURES.iter().map(|(name, _)| figure(name)).collect(),
        updated_at: Timestamp::from_unix(0),
    })
}

/// One to three properties.
pub(super) fn properties(number: usize, deal: &Deal) -> Vec<Property> {
    let n = i64::try_from(number).unwrap_or(0);
    let address = deal.title.split_whitespace().take(3).collect::<Vec<_>>().join(" ");
    (0..1 + n % 3)
        .map(|part| {
            let city = CITIES.get((number * 5) % CITIES.len()).copied();
            Property {
                id: 0,
                name: Some(if part == 0 {
                    deal.title.clone()
                } else {
                    format!("{}, part {}", deal.title, part + 1)
                }),
                address: Some(address.clone()),
                city: city.map(|(city, ..)| city.to_owned()),
                state: city.map(|(_, state, _)| state.to_owned()),
                zip: city.map(|(.., zip)| zip.to_owned()),
                asset_type_id: Some(1 + n % 7),
                units: (n % 7 == 0).then_some(24 + n % 200),
                square_footage: Some(f64::from(8_000 + u32::try_from(n * 137 % 240_000).unwrap_or(0))),
                year_built: Some(1925 + n * 7 % 100),
            }
        })
        .collect()
}

/// Most deals stand in the first pipeline, some in the second, a few nowhere.
pub(super) fn place(number: usize) -> Option<(usize, usize)> {
    match number % 8 {
        7 => None,
        3 => Some((1, number / 8 % 5)),
        _ => Some((0, number / 3 % 5)),
    }
}
