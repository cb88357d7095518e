// The round of calls with the client that openapi-generator has made for fetch. BASE and KEY are in the environment.
import assert from "node:assert/strict";
import { AccountApi, APIKeysApi, Configuration, DealsApi, ResponseError } from "./client/index.js";

const HOUR = 3_600_000;
const xOriginApp = "round";
const configuration = (key: string) => new Configuration({ basePath: process.env.BASE, accessToken: key });
const mine = configuration(process.env.KEY ?? "");
const [deals, keys, now] = [new DealsApi(mine), new APIKeysApi(mine), Date.now()];

const { data: made } = await deals.postDeals({
  xOriginApp,
  postDealsRequest: {
    title: "Round",
    loanAmount: 16777217.25,
    loanType: "construction",
    estimatedCloseDate: new Date("2027-03-31"),
  },
});
console.log("made", made.loanAmount);
const { data: read } = await deals.getDealsDealId({ xOriginApp, dealId: made.id });
console.log(`read ${read.loanAmount}, to close on ${read.estimatedCloseDate?.toISOString().slice(0, 10)}`);
const from = async (time: number) => {
  const filter = { filterLoanType: ["construction", "land"] as const, filterLoanAmount: [16777217.25] };
  const list = await deals.getDeals({
    xOriginApp,
    filterCreatedAtGte: new Date(time),
    filterLoanType: [...filter.filterLoanType],
    filterLoanAmount: filter.filterLoanAmount,
  });
  return list.data.length;
};
console.log(`found ${await from(now - HOUR)} made since an hour ago, ${await from(now + HOUR)} made an hour from now`);
const { data: changed } = await deals.patchDealsDealId({
  xOriginApp,
  dealId: made.id,
  patchDealsDealIdRequest: { loanAmount: 16777217.5 },
});
console.log("changed to", changed.loanAmount);

const seen = new Set<number | undefined>();
let [cursor, total]: [string | undefined, number] = [undefined, 0];
do {
  const page = await deals.getDeals({ xOriginApp, limit: 2, cursor });
  for (const deal of page.data) seen.add(deal.id);
  total = page.pagination.total;
  cursor = page.pagination.nextCursor ?? undefined;
} while (cursor !== undefined);
assert(seen.has(made.id) && seen.size === total, `${seen.size} of ${total}`);
console.log("walked over all deals");
const { data: gone } = await deals.deleteDealsDealId({ xOriginApp, dealId: made.id });
const { data: archived } = await deals.getDealsDealId({ xOriginApp, dealId: made.id });
assert(gone.deleted && archived.archived);
console.log("archived");

const status = async (secret: string) => {
  try {
    await new AccountApi(configuration(secret)).getMe({ xOriginApp });
    return 200;
  } catch (refused) {
    return refused instanceof ResponseError ? refused.response.status : refused;
  }
};
const end = new Date(now + 24 * HOUR);
const { data: key } = await keys.postApiKeys({ xOriginApp, postApiKeysRequest: { label: "round", expiresAt: end } });
assert(Math.abs(Number(key.expiresAt) - Number(end)) < 2_000, `${key.expiresAt}`);
assert.equal(await status(key.apiKey), 200);
console.log("a key that ends in a day works");
const { data: rotated } = await keys.postApiKeysKeyIdRotate({ xOriginApp, keyId: key.id });
assert.equal(await status(rotated.apiKey), 200);
console.log("rotated: the new secret works, the old one is", await status(key.apiKey));
const { data: revoked } = await keys.deleteApiKeysKeyId({ xOriginApp, keyId: key.id });
assert(revoked.deleted);
console.log("revoked:", await status(rotated.apiKey));
