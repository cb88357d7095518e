// Google's SDK and LangChain hand our tools to a model of Google's, and call what it asks for.
// Usage: node converters.mjs BASE_URL API_KEY
import { GoogleGenAI, mcpToTool } from "@google/genai";
import { HumanMessage, ToolMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import { ChatGoogleGenerativeAI } from "@langchain/google-genai";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { Judge } from "./judge.mjs";
import { Gemini } from "./models.mjs";

const [base, key] = process.argv.slice(2);
if (!key) {
  console.error("usage: node converters.mjs BASE_URL API_KEY");
  process.exit(2);
}

const judge = new Judge();
const client = new Client({ name: "converters", version: "1.0.0" });
await client.connect(new StreamableHTTPClientTransport(new URL(`${base}/mcp/key`), { requestInit: { headers: { authorization: `Bearer ${key}` } } }));
const { tools } = await client.listTools();
await judge.works("converters", tools.map(({ name }) => name), (name, given) => client.callTool({ name, arguments: given }));

// Both libraries ask Google by the fetch of the process; whatever else goes to our server.
const ours = globalThis.fetch;
async function asking(model, work) {
  globalThis.fetch = (to, request) => (String(to.url ?? to).includes("googleapis.com") ? model.fetch(to, request) : ours(to, request));
  try {
    return await work();
  } finally {
    globalThis.fetch = ours;
  }
}

const google = new Gemini();
const answer = await asking(google, () =>
  new GoogleGenAI({ apiKey: "none" }).models.generateContent({ model: "gemini-2.5-flash", contents: "Two deals.", config: { tools: [mcpToTool(client)] } }),
);
judge.is("@google/genai: ends", answer.text, "Done.");
judge.is("@google/genai: sees the deals", JSON.stringify(google.answered).includes("next_cursor"), true);

const chain = new Gemini();
const offered = tools.map(({ name, description, inputSchema }) =>
  tool(async (given) => (await client.callTool({ name, arguments: given })).content[0].text, { name, description, schema: inputSchema }),
);
await asking(chain, async () => {
  const model = new ChatGoogleGenerativeAI({ apiKey: "none", model: "gemini-2.5-flash", maxRetries: 0 }).bindTools(offered);
  const asked = [new HumanMessage("Two deals.")];
  const called = await model.invoke(asked);
  judge.is("@langchain/google-genai: calls", called.tool_calls.map(({ name }) => name), ["list_deals"]);
  const [call] = called.tool_calls;
  const result = await offered.find(({ name }) => name === call.name).invoke(call.args);
  const last = await model.invoke([...asked, called, new ToolMessage({ content: result, tool_call_id: call.id ?? "1", name: call.name })]);
  judge.is("@langchain/google-genai: ends", last.text, "Done.");
});
await client.close();
judge.ends([
  { by: "@google/genai", as: "gemini", tools: google.shown },
  { by: "@langchain/google-genai", as: "gemini", tools: chain.shown },
]);
