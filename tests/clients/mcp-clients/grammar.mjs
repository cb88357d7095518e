// Grammars for local models, of every tool: llama.cpp's own converter, and that of node-llama-cpp; llama.cpp itself reads both.
// Usage: node grammar.mjs BASE_URL API_KEY
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { getLlama } from "node-llama-cpp";
import { Judge } from "./judge.mjs";

const [base, key] = process.argv.slice(2);
if (!key) {
  console.error("usage: node grammar.mjs BASE_URL API_KEY");
  process.exit(2);
}

// The converter comes in the package, which brings the source of its llama.cpp as a bundle of git.
const CONVERT = `
import json, sys
from json_schema_to_grammar import SchemaConverter
for tool in json.load(sys.stdin):
    converter = SchemaConverter(prop_order={}, allow_fetch=False, dotall=False, raw_pattern=False)
    try:
        converter.visit(converter.resolve_refs(tool["inputSchema"], "tool"), "")
        print(json.dumps({"grammar": converter.format_grammar()}))
    except Exception as error:
        print(json.dumps({"error": str(error)}))
`;
function converted(tools) {
  const bundle = fileURLToPath(new URL("../llama/gitRelease.bundle", import.meta.resolve("node-llama-cpp")));
  const folder = mkdtempSync(join(tmpdir(), "llama-"));
  try {
    execFileSync("git", ["clone", "--quiet", "--bare", bundle, join(folder, "source")]);
    const source = execFileSync("git", ["--git-dir", join(folder, "source"), "show", "HEAD:examples/json_schema_to_grammar.py"]);
    writeFileSync(join(folder, "json_schema_to_grammar.py"), source);
    const said = execFileSync("python3", ["-c", CONVERT], { cwd: folder, input: JSON.stringify(tools), encoding: "utf8" });
    return said.trim().split("\n").map((line) => JSON.parse(line));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function ask(method) {
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params: {} });
  const headers = { authorization: `Bearer ${key}`, "content-type": "application/json", accept: "application/json, text/event-stream" };
  const answer = await fetch(`${base}/mcp/key`, { method: "POST", headers, body });
  return (await answer.json()).result;
}

const judge = new Judge();
const { tools } = await ask("tools/list");
judge.is("all tools", tools.length >= 26, true);
const llama = await getLlama({ gpu: false, build: "never", skipDownload: true, logLevel: "error" });
const works = async (what, make) => judge.is(what, await make().then(() => "a grammar", (error) => error.message), "a grammar");
const grammars = converted(tools);
judge.is("converted", grammars.length, tools.length);
for (const [at, { name, inputSchema }] of tools.entries()) {
  const { grammar, error } = grammars[at];
  if (error) judge.is(`${name}: by llama.cpp`, error, "a grammar");
  else await works(`${name}: by llama.cpp`, () => llama.createGrammar({ grammar }));
  await works(`${name}: by node-llama-cpp`, () => llama.createGrammarForJsonSchema(inputSchema));
}
judge.ends();
await llama.dispose();
