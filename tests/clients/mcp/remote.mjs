// mcp-remote, the bridge of clients that only know programs, as a judge of the MCP endpoint: it is started as such a client starts
// it, signs in, and is worked with over its standard streams.
// Usage: node remote.mjs BASE_URL EMAIL PASSWORD DIRECTORY, with an editor. Prints a line of JSON; exits 1 unless everything is right.
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { signIn } from "../oauth/sign_in.mjs";
import { Judge } from "./judge.mjs";

const [base, email, password, directory] = process.argv.slice(2);
if (!base || !email || !password || !directory) {
  console.error("usage: node remote.mjs BASE_URL EMAIL PASSWORD DIRECTORY");
  process.exit(2);
}
const bridge = join(dirname(dirname(fileURLToPath(import.meta.url))), "node_modules", "mcp-remote", "dist", "proxy.js");
// No browser is opened: there is no PATH to find one in.
const env = { HOME: directory, MCP_REMOTE_CONFIG_DIR: directory, PATH: directory };
const judge = new Judge();
let consents = 0;
for (const time of ["first", "again"]) {
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [bridge, `${base}/mcp`, "--allow-http", "--transport", "http-only"],
    env,
    stderr: "pipe",
  });
  let said = "";
  transport.stderr.on("data", (chunk) => {
    said += chunk;
    const url = /https?:\/\/\S*\/oauth\/authorize\?\S+/.exec(said)?.[0];
    if (url && /\s/.test(said.slice(said.indexOf(url) + url.length))) {
      said = "";
      consents += 1;
      signIn(url, { email, password }).then((back) => fetch(back)).catch((error) => console.error(`the sign-in failed: ${error.message}`));
    }
  });
  const client = new Client({ name: "desktop", version: "1.0.0" });
  await client.connect(transport, { timeout: 60_000 });
  await judge.works(`mcp-remote, ${time}`, {
    tools: async () => (await client.listTools()).tools,
    call: (tool, args) => client.callTool({ name: tool, arguments: args }),
    resources: async () => (await client.listResources()).resources,
    read: async (uri) => (await client.readResource({ uri })).contents[0].text,
  });
  await client.close();
}
judge.is("signed in once", consents, 1);
judge.ends({});
