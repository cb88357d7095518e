//! The round of calls with the client that openapi-generator has made. BASE and KEY are in the environment.

use chrono::{DateTime, Duration, FixedOffset, NaiveDate, SubsecRound, Utc};
use lev::apis::configuration::Configuration;
use lev::apis::{account_api, api_keys_api, deals_api, Error};
use lev::models::post_deals_request::LoanType;
use lev::models::{GetDeals200Response, PatchDealsDealIdRequest, PostApiKeysRequest, PostDealsRequest};
use std::collections::HashSet;
use std::env::var;

const APP: &str = "round";

fn client(key: &str) -> Configuration {
    let mut configuration = Configuration::new();
    configuration.base_path = var("BASE").unwrap();
    configuration.bearer_access_token = Some(key.to_owned());
    configuration
}

async fn status(secret: &str) -> u16 {
    match account_api::get_me(&client(secret), APP, None).await {
        Ok(_) => 200,
        Err(Error::ResponseError(refused)) => refused.status.as_u16(),
        Err(error) => panic!("{error}"),
    }
}

/// A page of deals. So many parameters stand between those that are used.
async fn list(
    mine: &Configuration,
    limit: Option<i32>,
    cursor: Option<&str>,
    kinds: Option<Vec<String>>,
    amounts: Option<Vec<f64>>,
    from: Option<DateTime<FixedOffset>>,
) -> GetDeals200Response {
    let answer = deals_api::get_deals(
        mine, APP, None, None, limit, cursor, None, None, None, None, kinds, None, None, None, amounts, None, None, None,
        None, None, from, None, None, None, None, None, None,
    );
    answer.await.unwrap()
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let mine = client(&var("KEY").unwrap());
    let now: DateTime<FixedOffset> = Utc::now().fixed_offset();

    let mut body = PostDealsRequest::new("Round".to_owned());
    body.loan_amount = Some(Some(16777217.25));
    body.loan_type = Some(Some(LoanType::Construction));
    body.estimated_close_date = Some(NaiveDate::from_ymd_opt(2027, 3, 31));
    let made = deals_api::post_deals(&mine, APP, body, None, None).await.unwrap().data;
    println!("made {}", made.loan_amount.unwrap());
    let read = deals_api::get_deals_deal_id(&mine, APP, made.id, None, None, None, None).await.unwrap().data;
    let close = read.estimated_close_date.flatten().unwrap();
    println!("read {}, to close on {close}", read.loan_amount.flatten().unwrap());
    let mut found = Vec::new();
    for from in [now - Duration::hours(1), now + Duration::hours(1)] {
        let kinds = ["construction", "land"].map(str::to_owned).to_vec();
        let page = list(&mine, None, None, Some(kinds), Some(vec![16777217.25]), Some(from)).await;
        found.push(page.data.len());
    }
    println!("found {} made since an hour ago, {} made an hour from now", found[0], found[1]);
    let mut change = PatchDealsDealIdRequest::new();
    change.loan_amount = Some(Some(16777217.5));
    let changed = deals_api::patch_deals_deal_id(&mine, APP, made.id, change, None, None, None).await.unwrap().data;
    println!("changed to {}", changed.loan_amount.unwrap());

    let (mut seen, mut cursor) = (HashSet::new(), None);
    let total = loop {
        let page = list(&mine, Some(2), cursor.as_deref(), None, None, None).await;
        seen.extend(page.data.iter().map(|deal| deal.id));
        cursor = page.pagination.next_cursor.flatten();
        if cursor.is_none() {
            break page.pagination.total;
        }
    };
    assert!(seen.contains(&made.id) && seen.len() == usize::try_from(total).unwrap(), "{seen:?} of {total}");
    println!("walked over all deals");
    let gone = deals_api::delete_deals_deal_id(&mine, APP, made.id, None, None, None).await.unwrap().data;
    let after = deals_api::get_deals_deal_id(&mine, APP, made.id, None, None, None, None).await.unwrap().data;
    assert!(gone.deleted && after.archived == Some(true));
    println!("archived");

    let end = now + Duration::days(1);
    let mut wanted = PostApiKeysRequest::new("round".to_owned());
    wanted.expires_at = Some(Some(end));
    let key = api_keys_api::post_api_keys(&mine, APP, wanted, None, None).await.unwrap().data;
    assert_eq!(key.expires_at, Some(end.trunc_subsecs(0)));
    assert_eq!(status(&key.api_key).await, 200);
    println!("a key that ends in a day works");
    let rotated = api_keys_api::post_api_keys_key_id_rotate(&mine, APP, key.id, None, None, None).await.unwrap().data;
    assert_eq!(status(&rotated.api_key).await, 200);
    println!("rotated: the new secret works, the old one is {}", status(&key.api_key).await);
    let revoked = api_keys_api::delete_api_keys_key_id(&mine, APP, key.id, None, None, None).await.unwrap().data;
    assert!(revoked.deleted);
    println!("revoked: {}", status(&rotated.api_key).await);
}
