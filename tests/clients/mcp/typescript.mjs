// The TypeScript SDKs as judges of the MCP endpoint: each signs in by itself, headless, and works with deals.
// Usage: node typescript.mjs BASE_URL EMAIL PASSWORD, with an editor. Prints a line of JSON; exits 1 unless everything is right.
import { Client as FirstClient } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport as FirstTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { Client as SecondClient, StreamableHTTPClientTransport as SecondTransport } from "@modelcontextprotocol/client";
import { signIn } from "../oauth/sign_in.mjs";
import { Judge } from "./judge.mjs";

const [base, email, password] = process.argv.slice(2);
if (!base || !email || !password) {
  console.error("usage: node typescript.mjs BASE_URL EMAIL PASSWORD");
  process.exit(2);
}

// What an application keeps, and a person who consents without a browser.
class Person {
  constructor(name) {
    this.name = name;
    this.consents = 0;
  }
  get redirectUrl() {
    return "http://127.0.0.1:45455/callback";
  }
  get clientMetadata() {
    return {
      client_name: this.name,
      redirect_uris: [this.redirectUrl],
      grant_types: ["authorization_code", "refresh_token"],
      response_types: ["code"],
      token_endpoint_auth_method: "none",
    };
  }
  clientInformation() {
    return this.client;
  }
  saveClientInformation(client) {
    this.client = client;
  }
  tokens() {
    return this.kept;
  }
  saveTokens(tokens) {
    this.kept = tokens;
  }
  saveCodeVerifier(verifier) {
    this.verifier = verifier;
  }
  codeVerifier() {
    return this.verifier;
  }
  saveDiscoveryState(state) {
    this.found = state;
  }
  discoveryState() {
    return this.found;
  }
  async redirectToAuthorization(url) {
    this.consents += 1;
    this.answer = new URL(await signIn(url.href, { email, password })).searchParams;
  }
}

const judge = new Judge();
const wires = [
  ["sdk", FirstClient, FirstTransport, (answer) => answer.get("code"), undefined],
  ["client", SecondClient, SecondTransport, (answer) => answer, undefined],
  ["client, modern", SecondClient, SecondTransport, (answer) => answer, { versionNegotiation: { mode: "auto" } }],
];
for (const [name, Client, Transport, finished, options] of wires) {
  const person = new Person(`TypeScript ${name}`);
  const connect = async () => {
    const client = new Client({ name: "typescript-judge", version: "1.0.0" }, options);
    const transport = new Transport(new URL(`${base}/mcp`), { authProvider: person });
    await client.connect(transport);
    return [client, transport];
  };
  const first = new Transport(new URL(`${base}/mcp`), { authProvider: person });
  try {
    await new Client({ name: "typescript-judge", version: "1.0.0" }, options).connect(first);
    judge.is(`${name}: asked to sign in`, false, true);
  } catch (error) {
    judge.is(`${name}: asked to sign in`, /unauthorized/i.test(`${error.name} ${error.message} ${error.constructor.name}`), true);
  }
  await first.finishAuth(finished(person.answer));
  const [client] = await connect();
  await judge.works(name, {
    tools: async () => (await client.listTools()).tools,
    call: (tool, args) => client.callTool({ name: tool, arguments: args }),
    resources: async () => (await client.listResources()).resources,
    read: async (uri) => (await client.readResource({ uri })).contents[0].text,
  });
  judge.is(`${name}: signed in once`, person.consents, 1);
  await client.close();
}
judge.ends({ flows: wires.length });
