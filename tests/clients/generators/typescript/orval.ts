// The round of calls with the client that orval has made for fetch. BASE and KEY are in the environment.
import assert from "node:assert/strict";
import * as lev from "./client/lev.js";

const HOUR = 3_600_000;
// The client asks for paths; where they lie is its user's to say.
const plain = globalThis.fetch;
globalThis.fetch = (path, options) => plain(new URL(String(path), process.env.BASE), options);
const as = (key: string) => ({ headers: { Authorization: `Bearer ${key}`, "X-Origin-App": "round" } });
const [mine, now] = [as(process.env.KEY ?? ""), Date.now()];

function of<S extends number, A extends { status: number }>(status: S, answer: A): Extract<A, { status: S }> {
  assert.equal(answer.status, status, JSON.stringify(answer));
  return answer as Extract<A, { status: S }>;
}

const body = {
  title: "Round",
  loan_amount: 16777217.25,
  loan_type: "construction" as const,
  estimated_close_date: "2027-03-31",
};
const made = of(201, await lev.postDeals(body, mine)).data.data;
console.log("made", made.loan_amount);
const read = of(200, await lev.getDealsDealId(made.id, undefined, mine)).data.data;
console.log(`read ${read.loan_amount}, to close on ${read.estimated_close_date}`);
const from = async (time: number) => {
  const query = {
    "filter[created_at][gte]": new Date(time).toISOString(),
    "filter[loan_type]": ["construction" as const, "land" as const],
    "filter[loan_amount]": [16777217.25],
  };
  return of(200, await lev.getDeals(query, mine)).data.data.length;
};
console.log(`found ${await from(now - HOUR)} made since an hour ago, ${await from(now + HOUR)} made an hour from now`);
const changed = of(200, await lev.patchDealsDealId(made.id, { loan_amount: 16777217.5 }, mine)).data.data;
console.log("changed to", changed.loan_amount);

const seen = new Set<number | undefined>();
let [cursor, total]: [string | undefined, number] = [undefined, 0];
do {
  const page: lev.GetDeals200 = of(200, await lev.getDeals({ limit: 2, cursor }, mine)).data;
  for (const deal of page.data) seen.add(deal.id);
  total = page.pagination.total;
  cursor = page.pagination.next_cursor ?? undefined;
} while (cursor !== undefined);
assert(seen.has(made.id) && seen.size === total, `${seen.size} of ${total}`);
console.log("walked over all deals");
const gone = of(200, await lev.deleteDealsDealId(made.id, mine)).data.data;
const archived = of(200, await lev.getDealsDealId(made.id, undefined, mine)).data.data;
assert(gone.deleted && archived.archived);
console.log("archived");

const status = async (secret: string) => (await lev.getMe(as(secret))).status;
const end = new Date(now + 24 * HOUR);
const key = of(201, await lev.postApiKeys({ label: "round", expires_at: end.toISOString() }, mine)).data.data;
assert(Math.abs(Date.parse(key.expires_at ?? "") - Number(end)) < 2_000, `${key.expires_at}`);
assert.equal(await status(key.api_key), 200);
console.log("a key that ends in a day works");
const rotated = of(200, await lev.postApiKeysKeyIdRotate(key.id, undefined, mine)).data.data;
assert.equal(await status(rotated.api_key), 200);
console.log("rotated: the new secret works, the old one is", await status(key.api_key));
const revoked = of(200, await lev.deleteApiKeysKeyId(key.id, undefined, mine)).data.data;
assert(revoked.deleted);
console.log("revoked:", await status(rotated.api_key));
