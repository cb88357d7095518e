// A call that waits when it is told to: after 429 and 503 for Retry-After and up to two seconds more, at most
// five attempts. Give a write an Idempotency-Key, which all its attempts share.
import { setTimeout as sleep } from "node:timers/promises";

async function call(path: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  headers.set("Authorization", `Bearer ${process.env.KEY}`);
  headers.set("X-Origin-App", "my-integration");
  for (let attempt = 1; ; attempt++) {
    const response = await fetch(`${process.env.API}${path}`, { ...init, headers });
    const refused = response.status === 429 || response.status === 503;
    if (!refused || attempt === 5) return response;
    await response.body?.cancel();
    const seconds = Number(response.headers.get("Retry-After") ?? 1);
    await sleep(1000 * (seconds + 2 * Math.random()));
  }
}

const response = await call("/deals?limit=1&fields=title");
if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
const { data } = (await response.json()) as { data: { id: number; title: string }[] };
for (const deal of data) console.log(`${deal.id}: ${deal.title}`);
