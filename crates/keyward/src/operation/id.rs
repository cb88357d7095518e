//! The names of operations.

macro_rules! operations {
    ($($variant:ident => $name:literal),* $(,)?) => {
        /// Every operation, by the name that clients generate code from.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[expect(missing_docs, reason = "the names say method and path")]
        pub enum OperationId { $($variant),* }

        impl OperationId {
            /// Every operation.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// Its `operationId`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }
        }
    };
}

operations! {
    GetHealth => "getHealth",
    PostAuthValidateApiKey => "postAuthValidateApiKey",
    GetMe => "getMe",
    GetMeAccounts => "getMeAccounts",
    PatchMeActiveAccount => "patchMeActiveAccount",
    GetAccountTeam => "getAccountTeam",
    PostAccountTeam => "postAccountTeam",
    PatchAccountTeamUserId => "patchAccountTeamUserId",
    DeleteAccountTeamUserId => "deleteAccountTeamUserId",
    GetApiKeys => "getApiKeys",
    PostApiKeys => "postApiKeys",
    GetApiKeysKeyId => "getApiKeysKeyId",
    PatchApiKeysKeyId => "patchApiKeysKeyId",
    PostApiKeysKeyIdRotate => "postApiKeysKeyIdRotate",
    DeleteApiKeysKeyId => "deleteApiKeysKeyId",
    GetDeals => "getDeals",
    PostDeals => "postDeals",
    GetDealsDealId => "getDealsDealId",
    PatchDealsDealId => "patchDealsDealId",
    DeleteDealsDealId => "deleteDealsDealId",
    GetDealsDealIdFinancials => "getDealsDealIdFinancials",
    GetDealsDealIdProperties => "getDealsDealIdProperties",
    GetDealsDealIdTeam => "getDealsDealIdTeam",
    PostDealsDealIdTeam => "postDealsDealIdTeam",
    DeleteDealsDealIdTeamUserId => "deleteDealsDealIdTeamUserId",
    PostDealsDealIdPipeline => "postDealsDealIdPipeline",
    GetPipelines => "getPipelines",
    GetPipelinesPipelineId => "getPipelinesPipelineId",
}
