// The AI SDK: connects with a key and signing in, calls tools, and hands them to a model of Google's and one of OpenAI's.
// Usage: node ai_sdk.mjs BASE_URL API_KEY EMAIL PASSWORD, with an admin's key and an editor.
import { createGoogleGenerativeAI } from "@ai-sdk/google";
import { createMCPClient } from "@ai-sdk/mcp";
import { createOpenAI } from "@ai-sdk/openai";
import { generateText, stepCountIs } from "ai";
import { signIn } from "../oauth/sign_in.mjs";
import { Judge } from "./judge.mjs";
import { Gemini, OpenAI } from "./models.mjs";

const [base, key, email, password] = process.argv.slice(2);
if (!password) {
  console.error("usage: node ai_sdk.mjs BASE_URL API_KEY EMAIL PASSWORD");
  process.exit(2);
}

// What an application keeps, and a person who consents without a browser.
class Person {
  redirectUrl = "http://127.0.0.1:45456/callback";
  clientMetadata = {
    client_name: "AI SDK",
    redirect_uris: [this.redirectUrl],
    grant_types: ["authorization_code", "refresh_token"],
    response_types: ["code"],
    token_endpoint_auth_method: "none",
  };
  clientInformation = () => this.client;
  saveClientInformation = (client) => void (this.client = client);
  tokens = () => this.kept;
  saveTokens = (tokens) => void (this.kept = tokens);
  saveCodeVerifier = (verifier) => void (this.verifier = verifier);
  codeVerifier = () => this.verifier;
  state = () => "a state of 32 random characters...";
  storedState = () => "a state of 32 random characters...";
  saveState = () => {};
  async redirectToAuthorization(url) {
    this.answer = new URL(await signIn(url.href, { email, password })).searchParams;
  }
}

const judge = new Judge();
const options = { toolCallId: "call_1", messages: [] };
const withKey = await createMCPClient({ transport: { type: "http", url: `${base}/mcp/key`, headers: { authorization: `Bearer ${key}` } } });
const tools = await withKey.tools();
await judge.works("AI SDK", Object.keys(tools), (name, given) => tools[name].execute(given, options));

const google = new Gemini();
const openai = new OpenAI();
const models = [
  [google, createGoogleGenerativeAI({ apiKey: "none", fetch: google.fetch })("gemini-2.5-flash")],
  [openai, createOpenAI({ apiKey: "none", fetch: openai.fetch }).chat("gpt-5")],
];
for (const [said, model] of models) {
  const { text } = await generateText({ model, tools, prompt: "Two deals.", stopWhen: stepCountIs(3) });
  judge.is("a model that calls a tool: ends", text, "Done.");
  judge.is("a model that calls a tool: sees the deals", JSON.stringify(said.answered).includes("next_cursor"), true);
}
await withKey.close();

const person = new Person();
const connect = () => createMCPClient({ transport: { type: "http", url: `${base}/mcp`, authProvider: person } });
judge.is("asked to sign in", await connect().then(() => "connected", (error) => /unauthorized/i.test(`${error.name} ${error.message} ${error.cause}`)), true);
const { auth } = await import("@ai-sdk/mcp");
const answer = { serverUrl: new URL(`${base}/mcp`), authorizationCode: person.answer.get("code"), callbackState: person.answer.get("state") };
judge.is("authorized", await auth(person, answer), "AUTHORIZED");
const signedIn = await connect();
const theirs = await signedIn.tools();
judge.is("signed in: what it may not is not", Object.keys(theirs).includes("create_api_key"), false);
judge.is("signed in: a call", (await theirs.list_deals.execute({ limit: 1 }, options)).isError ?? false, false);
await signedIn.close();
judge.ends([
  { by: "@ai-sdk/google", as: "gemini", tools: google.shown },
  { by: "@ai-sdk/openai", as: "openai", tools: openai.shown },
]);
