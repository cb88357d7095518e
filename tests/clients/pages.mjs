// The documentation pages as people see them: in a browser, on a phone and on a desk, light and dark, without JavaScript,
// and with the explorer in use.
// Usage: node pages.mjs BASE_URL KEY OUT_DIR, with a full_access key of an account that has two deals.
//
// Prints a line for everything that is wrong and one line of JSON at the end; exits 1 if anything was. The browser is
// Debian's, or that of KEYWARD_CHROMIUM. The Content-Security-Policy of the pages stays in force: axe-core comes in through
// the debugging protocol, as the source of an evaluation, which the policy does not touch.
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { chromium } from "playwright-core";

const PAGES = [
  "/",
  "/platform",
  "/platform/getting-started",
  "/platform/authentication",
  "/platform/mcp-setup",
  "/platform/account",
  "/platform/api-keys",
  "/platform/deals",
  "/platform/pipelines",
  "/platform/errors",
  "/platform/rate-limits",
  "/platform/pagination",
  "/platform/filtering",
];
const SCREENS = [
  { width: 390, height: 844 },
  { width: 1440, height: 900 },
];
const THEMES = ["light", "dark"];
const WITH_EXPLORER = "/platform/deals";
const API = "/api/external/v2";
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const FLAGS = [
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

const [base, key, out] = process.argv.slice(2);
if (!base || !key || !out) {
  console.error("usage: node pages.mjs BASE_URL KEY OUT_DIR");
  process.exit(2);
}
const origin = new URL(base).origin;
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const counts = { pages: PAGES.length, widths: SCREENS.length, themes: THEMES.length };
Object.assign(counts, { axe_runs: 0, axe_violations: 0, without_javascript: 0, explorers: 0, screenshots: 0, failures: 0 });

function fail(where, what) {
  counts.failures += 1;
  console.error(`FAIL ${where}: ${what}`);
}

function check(where, holds, what) {
  if (!holds) fail(where, what);
}

// A page of a context on which nothing may go wrong in the background. Answers of the API may be errors.
async function watched(context, place) {
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const ofApi = (url) => url.startsWith(`${origin}${API}/`);
  page.on("console", (message) => {
    if (message.type() !== "error" || ofApi(message.location().url)) return;
    fail(place(), `console: ${message.text()}`);
  });
  page.on("pageerror", (error) => fail(place(), `script: ${error.message}`));
  page.on("requestfailed", (request) => fail(place(), `no answer: ${request.url()} ${request.failure()?.errorText}`));
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (url.protocol !== "data:" && url.origin !== origin) fail(place(), `another origin: ${request.url()}`);
  });
  page.on("response", (response) => {
    if (response.status() >= 400 && !ofApi(response.url())) fail(place(), `${response.status()}: ${response.url()}`);
  });
  await page.exposeFunction("keywardViolation", (text) => fail(place(), `Content-Security-Policy: ${text}`));
  await page.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", (event) => {
      window.keywardViolation(`${event.effectiveDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`);
    });
  });
  return page;
}

// No sideways scrolling of the page, nothing that axe-core finds, and a picture of all of it or of one part.
async function inspect(page, where, name, part) {
  const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  check(where, over <= 0, `the page scrolls sideways, by ${over} px`);
  await page.evaluate(`${axe}; true`);
  const found = await page.evaluate(async () => {
    const { violations, passes } = await window.axe.run(document, { resultTypes: ["violations"] });
    const reasons = (node) => [...node.any, ...node.all, ...node.none].map((reason) => reason.message).join("; ");
    const told = (node) => `${node.target.join(" ")} (${reasons(node)})`;
    return { passes: passes.length, violations: violations.map((v) => `${v.id}: ${v.nodes.map(told).join(" | ")}`) };
  });
  counts.axe_runs += 1;
  counts.axe_violations += found.violations.length;
  check(where, found.passes >= 10, `axe-core looked at little: ${found.passes} rules pass`);
  for (const violation of found.violations) fail(where, `axe-core: ${violation}`);
  const clip = await part?.evaluate((node) => {
    const { x, y, width, height } = node.getBoundingClientRect();
    return { x: x + scrollX, y: y + scrollY, width, height };
  });
  await page.screenshot({ path: join(out, `${name}.png`), fullPage: true, clip, timeout: 60_000 });
  counts.screenshots += 1;
}

const slug = (path) => (path === "/" ? "index" : path.slice(1).replaceAll("/", "-"));
const text = (locator) => locator.evaluate((node) => node.textContent.replace(/\s+/g, " ").trim());

// The page as it stands, and the text that has to be there without JavaScript too.
async function look(page, path, where, name) {
  const answer = await page.goto(`${base}${path}`, { waitUntil: "load" });
  const policy = answer.headers()["content-security-policy"] ?? "";
  check(where, /default-src 'none'/.test(policy) && !/unsafe/.test(policy), `weak policy: ${policy}`);
  check(where, (await page.locator("h1").count()) === 1, "not one h1");
  check(where, (await page.title()) !== "", "no title");
  const linked = await page.locator("nav a[href]").evaluateAll((links) => links.map((link) => link.pathname));
  for (const other of new Set(linked.filter((linked) => /^\/(platform(\/[a-z-]+)?)?$/.test(linked)))) {
    check(where, PAGES.includes(other), `${other} is not among the pages that are looked at`);
  }
  await inspect(page, where, name);
  return { h1: await text(page.locator("h1")), main: await text(page.locator("main article")) };
}

// Somebody who tries the API on a page: reads, writes, makes a mistake, and takes the key away again.
async function explore(page, where, name) {
  const explorer = page.locator("#explorer");
  const status = explorer.getByRole("status").and(page.locator("#explorer-status"));
  const send = explorer.getByRole("button", { name: "Send", exact: true });
  const sendIt = explorer.getByRole("button", { name: "Send it", exact: true });
  const sent = [];
  page.on("request", (request) => request.url().startsWith(`${origin}${API}/`) && sent.push(request));
  const choose = async (method, path) => {
    const select = explorer.getByLabel("Operation", { exact: true });
    const options = await select.locator("option").allTextContents();
    const index = options.findIndex((option) => `${option} `.startsWith(`${method} ${path} `));
    if (index < 0) throw new Error(`no operation ${method} ${path}`);
    await select.selectOption({ index });
  };
  const answered = (pattern) => status.filter({ hasText: pattern }).waitFor();
  const body = async () => JSON.parse(await explorer.getByLabel("Response body").evaluate((node) => node.textContent));
  const inSession = () => page.evaluate(() => Object.values({ ...sessionStorage }));

  await explorer.getByLabel("API key", { exact: true }).fill(key);
  await choose("GET", "/deals");
  await explorer.getByLabel("limit", { exact: true }).fill("2");
  await send.click();
  await answered(/^200 OK/);
  const headers = await text(explorer.getByLabel("Response headers"));
  for (const header of ["x-request-id", "ratelimit", "ratelimit-policy"]) {
    check(where, headers.includes(header), `the explorer does not show the header ${header}`);
  }
  check(where, (await body()).data?.length === 2, "the explorer does not show two deals");
  const asked = new URL(sent[0].url());
  check(where, sent.length === 1 && asked.pathname + asked.search === `${API}/deals?limit=2`, `the explorer sent ${asked}`);
  check(where, (await sent[0].allHeaders())["x-origin-app"] === "keyward-explorer", "no X-Origin-App");
  await inspect(page, `${where}, a list`, `${name}-list`, explorer);

  check(where, (await inSession()).includes(key), "the key is not in the tab's session storage");
  const elsewhere = await page.evaluate(() => JSON.stringify({ ...localStorage }) + document.cookie + location.href);
  check(where, !elsewhere.includes(key), "the key is in local storage, a cookie or the address");
  check(where, (await page.context().cookies()).length === 0, "there are cookies");
  check(where, !(await text(explorer)).includes(key), "the key can be read on the page");

  await choose("POST", "/deals");
  await send.click();
  await explorer.getByText("This changes data. Send it?").waitFor();
  check(where, sent.length === 1, "a write is sent by the first click");
  await inspect(page, `${where}, before a write`, `${name}-question`, explorer);
  await sendIt.click();
  await answered(/^201 Created/);
  check(where, sent.length === 2, `${sent.length - 1} requests for one write`);
  check(where, UUID.test((await sent[1].allHeaders())["idempotency-key"]), "a write without an Idempotency-Key");
  const { id } = (await body()).data;
  check(where, Number.isInteger(id), "the explorer does not show what it created");
  await inspect(page, `${where}, a write`, `${name}-write`, explorer);

  await choose("GET", "/deals/{deal_id}");
  await explorer.getByLabel("deal_id").fill("9007199254740991");
  await send.click();
  await answered(/^404 Not Found/);
  const help = explorer.locator("a[href='/platform/errors#NOT_FOUND']");
  check(where, (await help.count()) === 1, "the explorer does not lead to what the error means");
  await inspect(page, `${where}, an error`, `${name}-error`, explorer);

  await explorer.getByRole("button", { name: "Forget key" }).click();
  check(where, (await inSession()).every((value) => !value.includes(key)), "a forgotten key is in session storage");
  const field = explorer.getByLabel("API key", { exact: true });
  check(where, (await field.inputValue()) === "", "a forgotten key is in its field");
  await send.click();
  await explorer.getByText(/needs an API key/).waitFor();
  check(where, sent.length === 3, "something is sent without a key");
  counts.explorers += 1;
}

mkdirSync(out, { recursive: true });
const executablePath = process.env.KEYWARD_CHROMIUM ?? "/usr/bin/chromium";
const browser = await chromium.launch({ executablePath, headless: true, args: FLAGS });
const seen = new Map();
for (const viewport of SCREENS) {
  for (const colorScheme of THEMES) {
    const phone = viewport.width < 600;
    const context = await browser.newContext({ viewport, colorScheme, isMobile: phone, hasTouch: phone });
    for (const path of PAGES) {
      const where = `${path} at ${viewport.width}, ${colorScheme}`;
      const name = `${slug(path)}-${viewport.width}-${colorScheme}`;
      try {
        const page = await watched(context, () => where);
        seen.set(path, await look(page, path, where, name));
        if (path === WITH_EXPLORER) await explore(page, where, name);
        await page.close();
      } catch (error) {
        fail(where, error.message.split("\n")[0]);
      }
    }
    await context.close();
  }
}

const plain = await browser.newContext({ javaScriptEnabled: false, viewport: SCREENS[0] });
for (const path of PAGES) {
  const where = `${path} without JavaScript`;
  try {
    const page = await plain.newPage();
    await page.goto(`${base}${path}`);
    check(where, await page.locator("h1").isVisible(), "the h1 is not to be seen");
    check(where, (await text(page.locator("h1"))) === seen.get(path)?.h1, "another h1");
    const main = await text(page.locator("main article"));
    check(where, main.length > 200 && main === seen.get(path)?.main, "another text");
    counts.without_javascript += 1;
    await page.close();
  } catch (error) {
    fail(where, error.message.split("\n")[0]);
  }
}
await browser.close();
console.log(JSON.stringify(counts));
process.exitCode = counts.failures === 0 ? 0 : 1;
