//! `GET /account/team`: the members of the account.

use crate::call::{Call, Reply};
use crate::problem::Problem;
use keyward_core::id::UserId;
use keyward_core::page::{CursorList, take_limit};
use keyward_core::permit::{Permit, ReadAccount};
use serde::Serialize;

#[derive(Serialize)]
struct Member<'a> {
    user_id: UserId,
    first_name: &'a str,
    last_name: &'a str,
    email: &'a str,
    role: &'static str,
    photo_url: Option<&'a str>,
}

pub(crate) async fn handle(mut call: Call, permit: Permit<ReadAccount>) -> Result<Reply, Problem> {
    let list = CursorList { name: "team", account: permit.member()?.account, filter: "" };
    let limit = take_limit(&mut call.query)?;
    let cursor = call.query.take("cursor");
    call.finish_query()?;
    let after = call.after(list, cursor.as_deref())?;
    let listed = call.reads().list_team(&permit, after, limit).await?;
    let members: Vec<Member<'_>> = listed
        .items
        .iter()
        .map(|member| Member {
            user_id: member.user.id,
            first_name: &member.user.first_name,
            last_name: &member.user.last_name,
            email: &member.user.email,
            role: member.role.name(),
            photo_url: member.user.photo_url.as_deref(),
        })
        .collect();
    let pagination = call.pagination(list, (limit, cursor), &listed, |member| member.user.id.0);
    Ok(Reply::page(&members, &pagination))
}
