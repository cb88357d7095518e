//! Every tool: one for each operation that is served, under the name that Lev gives it.

use crate::routes::OperationId::{self, *};

/// What a call does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Does {
    /// It changes nothing.
    Reads,
    /// It adds something: called again, it adds it again, unless it is said to be the same call.
    Adds,
    /// It sets something: called again, it changes nothing more.
    Sets,
    /// It puts something in the place of what cannot be had back: called again, it changes nothing more.
    Overwrites,
    /// It takes something away: called again, it takes nothing more.
    Takes,
    /// It takes something away and makes another: called again, it takes away what it has made.
    Replaces,
}

/// A tool.
#[derive(Clone, Copy, Debug)]
pub struct Tool {
    /// Its name.
    pub name: &'static str,
    /// The operation that it calls.
    pub operation: OperationId,
    /// What a call does.
    pub does: Does,
    /// Its name for people.
    pub title: &'static str,
    /// What the result holds, as the member of its data is called.
    pub holds: &'static str,
    /// What is said when a write was done.
    pub done: &'static str,
    /// What it is for, for a model.
    pub about: &'static str,
}

const fn read(
    name: &'static str,
    operation: OperationId,
    title: &'static str,
    holds: &'static str,
    about: &'static str,
) -> Tool {
    Tool { name, operation, does: Does::Reads, title, holds, done: "", about }
}

const fn write(
    does: Does,
    (name, operation): (&'static str, OperationId),
    title: &'static str,
    (holds, done): (&'static str, &'static str),
    about: &'static str,
) -> Tool {
    Tool { name, operation, does, title, holds, done, about }
}

/// All of them, in the order in which they are listed: what a model needs first comes first.
#[rustfmt::skip]
pub const TOOLS: &[Tool] = &[
    read("get_my_profile", GetMe, "My profile", "profile",
        "Who you act for: the user, the account of your calls, what you may do there, and how many calls are left. Call it first."),
    read("list_available_accounts", GetMeAccounts, "My accounts", "accounts",
        "The accounts that the user is a member of. switch_account acts in another one."),
    write(Does::Sets, ("switch_account", PatchMeActiveAccount), "Switch account", ("account", "You now act in this account"),
        "Acts in another account of the user from the next call on. It takes the slug that list_available_accounts returns, and holds until the next switch. An API key is bound to its account."),
    read("list_deals", GetDeals, "List deals", "deals",
        "The deals that the user may see, in pages, by ascending id unless sort says otherwise; archived ones too, unless archived is false. Filters for kind, plan, amount and dates. For one deal with its financials, properties and team: get_deal."),
    read("get_deal", GetDealsDealId, "Get a deal", "deal",
        "One deal by the id that list_deals returns, archived or not, with its financials, properties, team and pipelines where include asks for them."),
    write(Does::Adds, ("create_deal", PostDeals), "Create a deal", ("deal", "Deal created successfully"),
        "Creates a deal. Only the title is required; the rest can be added later with update_deal."),
    write(Does::Overwrites, ("update_deal", PatchDealsDealId), "Update a deal", ("deal", "Deal updated successfully"),
        "Changes what is sent and nothing else: leave out what is to stay. null clears a value; an empty text or list counts as left out."),
    write(Does::Takes, ("delete_deal", DeleteDealsDealId), "Archive a deal", ("result", "Deal archived successfully"),
        "Archives a deal: get_deal still returns it, and so does list_deals unless archived is false. No tool undoes it. Ask the user first."),
    write(Does::Sets, ("move_deal_to_pipeline_status", PostDealsDealIdPipeline), "Move a deal in a pipeline", ("pipeline", "Deal moved successfully"),
        "Moves a deal to a status of a pipeline, by the ids that list_pipelines returns; without pipeline_status_id to the first one."),
    read("get_deal_financials", GetDealsDealIdFinancials, "Financials of a deal", "financials",
        "The figures of a deal: price, income, values, costs. Ratios are decimals, so 0.95 is 95 %."),
    read("list_deal_properties", GetDealsDealIdProperties, "Properties of a deal", "properties",
        "The properties of a deal, with address, type and size."),
    read("list_deal_team", GetDealsDealIdTeam, "Team of a deal", "team",
        "Who works on a deal, in which role, and who leads it."),
    write(Does::Adds, ("add_deal_team_member", PostDealsDealIdTeam), "Add to a deal's team", ("member", "Added to the deal's team"),
        "Adds a member of the account to a deal's team. list_team_members returns the ids of users."),
    write(Does::Takes, ("remove_deal_team_member", DeleteDealsDealIdTeamUserId), "Take off a deal's team", ("result", "Taken off the deal's team"),
        "Takes a user off a deal's team. The user stays a member of the account."),
    read("list_pipelines", GetPipelines, "List pipelines", "pipelines",
        "The account's pipelines, with their statuses in order."),
    read("get_pipeline", GetPipelinesPipelineId, "Get a pipeline", "pipeline",
        "One pipeline by its id, with its statuses in order."),
    read("list_team_members", GetAccountTeam, "List team members", "members",
        "Who is in the account, and who is invited, with roles."),
    write(Does::Adds, ("invite_team_member", PostAccountTeam), "Invite to the account", ("member", "Invited"),
        "Invites somebody into the account by an e-mail address, with a role. Ask the user first: it lets a person in."),
    write(Does::Overwrites, ("update_team_member", PatchAccountTeamUserId), "Change a role", ("member", "Role changed"),
        "Changes the role of a member of the account: admin, editor or viewer. Ask the user first."),
    write(Does::Takes, ("remove_team_member", DeleteAccountTeamUserId), "Remove from the account", ("result", "Removed from the account"),
        "Removes a member from the account, or withdraws an invitation. The member's API keys in the account end. Ask the user first."),
    read("list_api_keys", GetApiKeys, "List API keys", "api_keys",
        "The user's API keys in this account, without their secrets; with all, which only admins may use, everyone's."),
    read("get_api_key", GetApiKeysKeyId, "Get an API key", "api_key",
        "One API key by the id that list_api_keys returns, without its secret."),
    write(Does::Overwrites, ("rename_api_key", PatchApiKeysKeyId), "Rename an API key", ("api_key", "API key renamed"),
        "Changes the label of one of the user's own API keys. Its secret and what it may do stay."),
    write(Does::Adds, ("create_api_key", PostApiKeys), "Create an API key", ("api_key", "API key created; its secret is shown only this once"),
        "Creates an API key that acts for the user. Its secret is in the result, so it will be in this conversation; the console is the better place to make one. Only when the user asks for it."),
    write(Does::Replaces, ("rotate_api_key", PostApiKeysKeyIdRotate), "Rotate an API key", ("api_key", "API key rotated; its new secret is shown only this once"),
        "Gives an API key a new secret. The old one ends at once, or after grace_seconds; after 300 seconds where the key rotates itself. The new one is in the result, so it will be in this conversation. Only when the user asks for it."),
    write(Does::Takes, ("revoke_api_key", DeleteApiKeysKeyId), "Revoke an API key", ("result", "API key revoked"),
        "Ends an API key at once, wherever it is used. This cannot be undone. Ask the user first."),
    read("validate_api_key", PostAuthValidateApiKey, "Validate an API key", "validation",
        "Whether an API key that the user gives is good now, and for what."),
    read("check_health", GetHealth, "Health", "health",
        "Whether the API answers, and its version."),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routes::table;

    #[test]
    fn every_operation_has_one_tool_and_reads_are_what_commit_nothing() {
        for row in table() {
            let tools: Vec<&Tool> = TOOLS.iter().filter(|tool| tool.operation == row.id).collect();
            assert_eq!(tools.len(), 1, "{}", row.id.name());
            let reads = tools.iter().all(|tool| tool.does == Does::Reads);
            assert_eq!(reads, !row.commits, "{}", row.id.name());
        }
        assert_eq!(TOOLS.len(), OperationId::ALL.len());
        for tool in TOOLS {
            assert!(tool.name.len() <= 64 && tool.name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'));
            assert_eq!(tool.done.is_empty(), tool.does == Does::Reads, "{}", tool.name);
        }
    }
}
