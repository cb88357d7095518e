// What the scripts that look at our pages in a browser share: how it is started, that nothing may go wrong in the
// background, and what is looked at on every page.
//
// The browser is Debian's, or that of KEYWARD_CHROMIUM. The Content-Security-Policy of the pages stays in force: axe-core
// comes in through the debugging protocol, as the source of an evaluation, which the policy does not touch.
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { chromium } from "playwright-core";

export const SCREENS = [
  { width: 390, height: 844 },
  { width: 1440, height: 900 },
];
export const THEMES = ["light", "dark"];
const FLAGS = [
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export function launch() {
  const executablePath = process.env.KEYWARD_CHROMIUM ?? "/usr/bin/chromium";
  return chromium.launch({ executablePath, headless: true, args: FLAGS });
}

export const text = (locator) => locator.evaluate((node) => node.textContent.replace(/\s+/g, " ").trim());

// Somebody who looks at the pages of one server, counts, and says what is wrong. Pictures go to a folder.
export function observer(base, out) {
  const origin = new URL(base).origin;
  const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
  const counts = { axe_runs: 0, axe_violations: 0, screenshots: 0, failures: 0 };
  mkdirSync(out, { recursive: true });

  function fail(where, what) {
    counts.failures += 1;
    console.error(`FAIL ${where}: ${what}`);
  }

  function check(where, holds, what) {
    if (!holds) fail(where, what);
  }

  // A page of a context on which nothing may go wrong in the background: `mayFail` says of an address and a status that they
  // are meant, `mayAsk` of an address of another origin.
  async function watched(context, place, { mayFail = () => false, mayAsk = () => false } = {}) {
    const page = await context.newPage();
    page.setDefaultTimeout(15_000);
    page.on("console", (message) => {
      const status = Number(message.text().match(/status of (\d{3})/)?.[1]);
      if (message.type() !== "error" || mayFail(message.location().url, status)) return;
      fail(place(), `console: ${message.text()} ${message.location().url}`);
    });
    page.on("pageerror", (error) => fail(place(), `script: ${error.message}`));
    page.on("requestfailed", (request) => fail(place(), `no answer: ${request.url()} ${request.failure()?.errorText}`));
    page.on("request", (request) => {
      const url = new URL(request.url());
      if (url.protocol === "data:" || url.origin === origin || mayAsk(url)) return;
      fail(place(), `another origin: ${request.url()}`);
    });
    page.on("response", (response) => {
      if (response.status() < 400 || mayFail(response.url(), response.status())) return;
      fail(place(), `${response.status()}: ${response.url()}`);
    });
    await page.exposeFunction("keywardViolation", (text) => fail(place(), `Content-Security-Policy: ${text}`));
    await page.addInitScript(() => {
      document.addEventListener("securitypolicyviolation", (event) => {
        window.keywardViolation(`${event.effectiveDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`);
      });
    });
    return page;
  }

  async function scrollsOnlyDown(page, where) {
    const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    check(where, over <= 0, `the page scrolls sideways, by ${over} px`);
  }

  // A picture of all of the page or of one part.
  async function photograph(page, name, part) {
    // A header that stays in sight stays at the top of the picture.
    await page.evaluate(() => scrollTo(0, 0));
    const clip = await part?.evaluate((node) => {
      const { x, y, width, height } = node.getBoundingClientRect();
      return { x: x + scrollX, y: y + scrollY, width, height };
    });
    await page.screenshot({ path: join(out, `${name}.png`), fullPage: true, clip, timeout: 60_000 });
    counts.screenshots += 1;
  }

  // No sideways scrolling of the page, nothing that axe-core finds, and a picture.
  async function inspect(page, where, name, part) {
    await scrollsOnlyDown(page, where);
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
    await photograph(page, name, part);
  }

  return { counts, fail, check, watched, scrollsOnlyDown, photograph, inspect };
}
