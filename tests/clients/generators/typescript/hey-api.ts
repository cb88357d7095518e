// The round of calls with the client that hey-api has made. BASE and KEY are in the environment.
import assert from "node:assert/strict";
import { createClient } from "./client/client/index.js";
import * as lev from "./client/index.js";

const HOUR = 3_600_000;
const headers = { "X-Origin-App": "round" };
const as = (key: string) => createClient({ baseUrl: process.env.BASE, auth: key, throwOnError: true });
const [client, now] = [as(process.env.KEY ?? ""), Date.now()];
const usual = { client, headers, throwOnError: true } as const;

const { data: { data: made } } = await lev.postDeals({
  ...usual,
  body: { title: "Round", loan_amount: 16777217.25, loan_type: "construction", estimated_close_date: "2027-03-31" },
});
console.log("made", made.loan_amount);
const path = { deal_id: made.id };
const { data: { data: read } } = await lev.getDealsDealId({ ...usual, path });
console.log(`read ${read.loan_amount}, to close on ${read.estimated_close_date}`);
const from = async (time: number) => {
  const query = {
    "filter[created_at][gte]": new Date(time).toISOString(),
    "filter[loan_type]": ["construction" as const, "land" as const],
    "filter[loan_amount]": [16777217.25],
  };
  return (await lev.getDeals({ ...usual, query })).data.data.length;
};
console.log(`found ${await from(now - HOUR)} made since an hour ago, ${await from(now + HOUR)} made an hour from now`);
const { data: { data: changed } } = await lev.patchDealsDealId({ ...usual, path, body: { loan_amount: 16777217.5 } });
console.log("changed to", changed.loan_amount);

const seen = new Set<number | undefined>();
let [cursor, total]: [string | undefined, number] = [undefined, 0];
do {
  const { data: page }: { data: lev.GetDealsResponse } = await lev.getDeals({ ...usual, query: { limit: 2, cursor } });
  for (const deal of page.data) seen.add(deal.id);
  total = page.pagination.total;
  cursor = page.pagination.next_cursor ?? undefined;
} while (cursor !== undefined);
assert(seen.has(made.id) && seen.size === total, `${seen.size} of ${total}`);
console.log("walked over all deals");
const { data: { data: gone } } = await lev.deleteDealsDealId({ ...usual, path });
const { data: { data: archived } } = await lev.getDealsDealId({ ...usual, path });
assert(gone.deleted && archived.archived);
console.log("archived");

const status = async (secret: string) => {
  const { response } = await lev.getMe({ client: as(secret), headers, throwOnError: false });
  return response?.status;
};
const end = new Date(now + 24 * HOUR);
const { data: { data: key } } = await lev.postApiKeys({
  ...usual,
  body: { label: "round", expires_at: end.toISOString() },
});
assert(Math.abs(Date.parse(key.expires_at ?? "") - Number(end)) < 2_000, `${key.expires_at}`);
assert.equal(await status(key.api_key), 200);
console.log("a key that ends in a day works");
const { data: { data: rotated } } = await lev.postApiKeysKeyIdRotate({ ...usual, path: { key_id: key.id } });
assert.equal(await status(rotated.api_key), 200);
console.log("rotated: the new secret works, the old one is", await status(key.api_key));
const { data: { data: revoked } } = await lev.deleteApiKeysKeyId({ ...usual, path: { key_id: key.id } });
assert(revoked.deleted);
console.log("revoked:", await status(rotated.api_key));
