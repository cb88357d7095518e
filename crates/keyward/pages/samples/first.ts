// The first three deals: title and amount.
type Deal = { title: string; loan_amount: number | null };

const response = await fetch(`${process.env.API}/deals?limit=3&fields=title,loan_amount`, {
  headers: { Authorization: `Bearer ${process.env.KEY}`, "X-Origin-App": "my-integration" },
});
if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
const { data } = (await response.json()) as { data: Deal[] };
for (const deal of data) console.log(`${deal.title}: ${deal.loan_amount}`);

export {};
