// The TypeScript SDK at the MCP endpoint of a server that trusts an issuer which is not its own: it finds that issuer by itself, and
// signs in there. Usage: node outside.mjs BASE_URL ISSUER LOGIN, with an editor's. Prints a line of JSON; exits 1 unless all is right.
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { browse, CALLBACK } from "../issuer/login.mjs";
import { Judge } from "./judge.mjs";

const [base, issuer, login] = process.argv.slice(2);
if (!base || !issuer || !login) {
  console.error("usage: node outside.mjs BASE_URL ISSUER LOGIN");
  process.exit(2);
}
const judge = new Judge();
let asked;
let answer;
let kept;
let verifier;
const person = {
  redirectUrl: CALLBACK,
  clientMetadata: { client_name: "judge", redirect_uris: [CALLBACK], token_endpoint_auth_method: "none" },
  // The issuer knows it already, as issuers outside mostly do.
  clientInformation: () => ({ client_id: "spa" }),
  tokens: () => kept,
  saveTokens: (tokens) => (kept = tokens),
  saveCodeVerifier: (given) => (verifier = given),
  codeVerifier: () => verifier,
  async redirectToAuthorization(url) {
    asked = url;
    answer = await browse(url, login);
  },
};
const transport = () => new StreamableHTTPClientTransport(new URL(`${base}/mcp`), { authProvider: person });
const first = transport();
try {
  await new Client({ name: "judge", version: "1.0.0" }).connect(first);
} catch (error) {
  if (!answer) throw error;
}
judge.is("it was sent to the issuer outside", asked?.origin, issuer);
judge.is("for this endpoint", asked?.searchParams.get("resource"), `${base}/mcp`);
await first.finishAuth(answer);
const client = new Client({ name: "judge", version: "1.0.0" });
await client.connect(transport());
await judge.works("outside", {
  tools: async () => (await client.listTools()).tools,
  call: (tool, args) => client.callTool({ name: tool, arguments: args }),
});
// What is for the MCP endpoint opens nothing else.
const api = await fetch(`${base}/api/external/v2/me`, { headers: { authorization: `Bearer ${kept.access_token}`, "x-origin-app": "judge" } });
judge.is("not for the API", api.status, 401);
await client.close();
judge.ends({});
