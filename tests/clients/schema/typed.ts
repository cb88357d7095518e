// A page of deals by types that were made from the OpenAPI document. A mistake in a path, a parameter or a member of an
// answer does not compile.
import createClient from "openapi-fetch";
import type { paths } from "../build/schema/api.js";

const [base] = process.argv.slice(2);
const api = createClient<paths>({
  baseUrl: base,
  headers: { Authorization: `Bearer ${process.env.KEY}` },
});
const header = { "X-Origin-App": "typed-client" };

const { data: page, error } = await api.GET("/api/external/v2/deals", { params: { query: { limit: 2 }, header } });
if (error) throw new Error(`${error.error.code}: ${error.error.message}`);
const title: string | undefined = page.data[0]?.title;
if (title === undefined) throw new Error("There is no deal.");
console.log(title);

// An error has its own type, also for an answer that a client rarely sees.
const path = { deal_id: 9007199254740991 };
const absent = await api.GET("/api/external/v2/deals/{deal_id}", { params: { path, header } });
if (absent.response.status !== 404 || absent.error?.error.code !== "NOT_FOUND") throw new Error("It is there.");
