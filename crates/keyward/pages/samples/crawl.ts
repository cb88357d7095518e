// Every deal, page by page: each page names the cursor of the next.
type Deal = { id: number; title: string };
type Page<T> = {
  data: T[];
  pagination: { total: number; limit: number; cursor: string | null; has_more: boolean; next_cursor: string | null };
};

const headers = { Authorization: `Bearer ${process.env.KEY}`, "X-Origin-App": "my-integration" };

async function* pages<T>(path: string, query: Record<string, string>): AsyncGenerator<Page<T>> {
  const search = new URLSearchParams(query);
  for (;;) {
    const response = await fetch(`${process.env.API}${path}?${search}`, { headers });
    if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
    const page = (await response.json()) as Page<T>;
    yield page;
    const { has_more, next_cursor } = page.pagination;
    if (!has_more || next_cursor === null) return;
    search.set("cursor", next_cursor);
  }
}

const deals: Deal[] = [];
let total = 0;
for await (const page of pages<Deal>("/deals", { limit: "200", fields: "title" })) {
  deals.push(...page.data);
  total = page.pagination.total;
}

// `total` is that of the last page: it can have changed since the first.
console.log(`${deals.length} deals of ${total}`);

export {};
