// Read a deal, look at it, then change it, if nobody else has changed it since.
import { randomUUID } from "node:crypto";

type Deal = { title: string; loan_amount: number | null; archived: boolean };

const headers = { Authorization: `Bearer ${process.env.KEY}`, "X-Origin-App": "my-integration" };
const url = `${process.env.API}/deals/7`;

async function deal(response: Response): Promise<Deal> {
  if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
  return ((await response.json()) as { data: Deal }).data;
}

const read = await fetch(url, { headers });
const before = await deal(read);
if (before.archived) {
  console.log("The deal is archived: nothing is changed.");
} else {
  const changed = await fetch(url, {
    method: "PATCH",
    headers: {
      ...headers,
      "Content-Type": "application/json",
      "If-Match": read.headers.get("ETag") ?? "",
      "Idempotency-Key": randomUUID(),
    },
    body: JSON.stringify({ loan_amount: 35000000 }),
  });
  if (changed.status === 412) {
    console.error("Somebody else has changed the deal: read it again.");
    process.exitCode = 1;
  } else {
    console.log(`The loan amount is ${(await deal(changed)).loan_amount}.`);
  }
}
