// Signing in, consent and the console, as people use them: in a browser, on a phone and on a desk, light and dark, without
// JavaScript; with an application that is let in and thrown out again, and curl with the keys that are made.
// Usage: node console.mjs BASE_URL EMAIL PASSWORD OUT_DIR [WELCOME_URL]. EMAIL is in two accounts, an editor in one of them,
// and the server has the client lev-demo: `keyward demo` is such a server. WELCOME_URL is a link that `keyward user invite`
// printed; with it the page behind it is used too.
//
// Prints a line for everything that is wrong and one line of JSON at the end; exits 1 if anything was. Each page that the
// story comes to is looked at in every width and theme before the story goes on.
import { execFileSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { createServer } from "node:http";
import { SCREENS, THEMES, launch, observer, text } from "./browser.mjs";

const API = "/api/external/v2";
const CLIENT = "lev-demo";
const ALL = "openid email offline_access account:read deals:read deals:write pipelines:read";
const DEAL = JSON.stringify({ title: "7 Signal Box Yard", loan_amount: 1250000 });
// Nothing in it can be broken into lines but by force.
// What another person could write to run in somebody's browser; here it is a name.
const WRITTEN = `"></title><script>document.title="taken"</script><img src="x" onerror="document.title='taken'">`;
const LONG = `Key${"OfAVeryLongName".repeat(16)}`;

const [base, email, password, out, welcome] = process.argv.slice(2);
if (!base || !email || !password || !out) {
  console.error("usage: node console.mjs BASE_URL EMAIL PASSWORD OUT_DIR [WELCOME_URL]");
  process.exit(2);
}
const observed = observer(base, out);
const { fail, check } = observed;
const counts = { pages: 0, stories: 0, keys: 0, grants: 0, curls: 0, ...observed.counts };
const [phone, desk] = SCREENS;
let where = "the beginning";

// The application. It listens where its browser is sent back to, and knows which answer is to which question.
class Application {
  #sent = new Map();
  #server = createServer((request, response) => this.#answer(request, response));

  async start() {
    await new Promise((started) => this.#server.listen(0, "127.0.0.1", started));
    this.host = `127.0.0.1:${this.#server.address().port}`;
    this.redirect = `http://${this.host}/callback`;
  }

  stop() {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #answer(request, response) {
    const url = new URL(request.url, this.redirect);
    if (url.pathname !== "/callback") return response.writeHead(404).end();
    check(where, !request.headers.referer, `the application is told where its person was: ${request.headers.referer}`);
    const known = this.#sent.get(url.searchParams.get("state"));
    if (known) known.answer = Object.fromEntries(url.searchParams);
    check(where, known, `an answer to no question: ${url.search}`);
    response.setHeader("content-type", "text/html; charset=utf-8");
    response.end('<!DOCTYPE html><title>Back</title><link rel="icon" href="data:,"><p>You are back.</p>');
  }

  // A question: where the browser is to be sent, and what the answer can be proved with.
  ask(changed = {}) {
    const [verifier, state] = [randomBytes(32).toString("base64url"), randomBytes(16).toString("base64url")];
    const url = new URL("/oauth/authorize", base);
    url.search = new URLSearchParams({
      response_type: "code",
      client_id: CLIENT,
      redirect_uri: this.redirect,
      code_challenge: createHash("sha256").update(verifier).digest("base64url"),
      code_challenge_method: "S256",
      scope: ALL,
      state,
      ...changed,
    });
    const question = { url: url.href, verifier, state, answer: undefined };
    this.#sent.set(state, question);
    return question;
  }

  async #token(fields) {
    const body = new URLSearchParams({ client_id: CLIENT, ...fields });
    const response = await fetch(`${base}/oauth/token`, { method: "POST", body });
    check(where, response.headers.get("cache-control") === "no-store", "an answer with tokens may be kept");
    return { status: response.status, ...(await response.json()) };
  }

  // The code of an answer into tokens.
  async redeem({ answer, verifier }) {
    check(where, answer?.code && answer.iss === base, `no code, or not from ${base}: ${JSON.stringify(answer)}`);
    const fields = { grant_type: "authorization_code", code: answer?.code ?? "", redirect_uri: this.redirect };
    const tokens = await this.#token({ ...fields, code_verifier: verifier });
    check(where, tokens.status === 200 && tokens.access_token, `no access token: ${JSON.stringify(tokens)}`);
    counts.grants += 1;
    return tokens;
  }

  refresh = ({ refresh_token }) => this.#token({ grant_type: "refresh_token", refresh_token });
}

// What the API answers to a token of the application.
async function call(token, path, { deal, account } = {}) {
  const headers = { authorization: `Bearer ${token}`, "x-origin-app": "lev-demo" };
  if (account) headers["x-active-account"] = account;
  if (deal) headers["content-type"] = "application/json";
  const response = await fetch(`${base}${API}${path}`, { method: deal ? "POST" : "GET", headers, body: deal });
  return { status: response.status, body: await response.json() };
}

// What curl is answered with a key.
function curl(key, path, deal) {
  const body = deal ? ["-H", "Content-Type: application/json", "-d", deal] : [];
  const headers = ["-H", `Authorization: Bearer ${key}`, "-H", "X-Origin-App: my-integration"];
  const line = ["-s", "-o", "/dev/null", "-w", "%{http_code}", `${base}${API}${path}`, ...headers, ...body];
  counts.curls += 1;
  return Number(execFileSync("curl", line, { encoding: "utf8" }));
}

function checkCurls(key, expected, what) {
  const got = [curl(key, "/me"), curl(key, "/deals"), curl(key, "/deals", DEAL), curl(key, "/pipelines")].join(" ");
  check(where, got === expected, `${what}: curl is answered ${got} instead of ${expected}`);
}

// A page on which only what is meant may be refused. `meant` is the status that the next step may be answered with.
async function enter(context, application) {
  const own = new URL(application.redirect).origin;
  let meant = 0;
  const rules = {
    mayFail: (url, status) => status === meant && new URL(url).origin === new URL(base).origin,
    mayAsk: (url) => url.origin === own,
  };
  const page = await observed.watched(context, () => where, rules);
  page.on("response", (response) => {
    const document = response.request().isNavigationRequest() && response.url().startsWith(`${base}/`);
    if (document && (response.status() < 300 || response.status() >= 400)) hardened(response.headers());
  });
  // Does what leads to another page, and waits until it is there. Nothing else may be answered.
  page.step = async (status, action) => {
    meant = status;
    const arrives = (response) => response.request().isNavigationRequest() && ![302, 303, 307].includes(response.status());
    const [answer] = await Promise.all([page.waitForResponse(arrives), page.waitForEvent("load"), action()]);
    check(where, answer.status() === status, `${answer.status()} instead of ${status} at ${page.url()}`);
  };
  page.opens = (url, status = 200) => page.step(status, () => page.goto(new URL(url, base).href));
  page.presses = (button, status = 200) => page.step(status, () => button.click());
  return page;
}

function hardened(headers) {
  const policy = headers["content-security-policy"] ?? "";
  for (const part of ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"]) {
    check(where, policy.includes(part), `the policy does not say ${part}: ${policy}`);
  }
  check(where, !/unsafe|\*/.test(policy), `weak policy: ${policy}`);
  check(where, headers["cache-control"] === "no-store", `it may be kept: ${headers["cache-control"]}`);
  check(where, headers["referrer-policy"] === "no-referrer", `Referrer-Policy: ${headers["referrer-policy"]}`);
  check(where, headers["x-content-type-options"] === "nosniff", "no nosniff");
}

const button = (page, name) => page.getByRole("button", { name, exact: true });
const pathOf = (page) => new URL(page.url()).pathname;

// The page as it stands, in every width and theme.
async function look(page, name, h1) {
  const story = where;
  check(where, (await page.locator("h1").allTextContents()).join("|") === h1, `not the h1 "${h1}" alone at ${page.url()}`);
  check(where, (await page.title()).endsWith("Keyward"), `the title is "${await page.title()}"`);
  for (const screen of SCREENS) {
    for (const colorScheme of THEMES) {
      where = `${name} at ${screen.width}, ${colorScheme}`;
      await page.setViewportSize(screen);
      await page.emulateMedia({ colorScheme });
      await observed.inspect(page, where, `console-${name}-${screen.width}-${colorScheme}`);
      for (const part of await sticksOut(page)) fail(where, `"${part}" sticks out of the header`);
    }
  }
  await page.emulateMedia({ colorScheme: "light" });
  counts.pages += 1;
  where = story;
}

// What does not find room in the header, which is as high as it is.
function sticksOut(page) {
  return page.locator("header").evaluate((header) => {
    const room = header.getBoundingClientRect();
    const out = ({ top, bottom, left, right }) =>
      top < room.top || bottom > room.bottom || left < room.left || right > room.right;
    const parts = [...header.querySelectorAll("a, p, button")].filter((part) => out(part.getBoundingClientRect()));
    return parts.map((part) => part.textContent.trim());
  });
}

// What is wrong stands beside the field, and is said to whoever cannot see it.
async function complains(page, field, status, action) {
  await page.step(status, action);
  const alert = page.getByRole("alert");
  check(where, (await alert.count()) === 1 && (await alert.isVisible()), "it does not say what is wrong");
  const [id, described] = [await alert.getAttribute("id"), await field.getAttribute("aria-describedby")];
  check(where, id && described?.split(" ").includes(id), "the field is not described by what is wrong");
}

async function signIn(page, secret) {
  await page.getByLabel("E-mail address", { exact: true }).fill(email);
  await page.getByLabel("Password", { exact: true }).fill(secret);
}

// Chooses the account in which the person is an editor, so that deals may be made; the slugs of it and of another.
async function chooseAccount(page, reach) {
  const choice = page.getByRole("radio", { name: /\beditor\b/ });
  await choice.check();
  check(where, await page.getByRole("radio", { name: /this account only/i }).isChecked(), "it reaches everywhere by itself");
  if (reach === "all") await page.getByRole("radio", { name: /all my accounts/i }).check();
  const slugs = await page.locator("input[name=account]").evaluateAll((radios) => radios.map((radio) => radio.value));
  const slug = await choice.inputValue();
  check(where, slugs.length === 2, `there are ${slugs.length} accounts to choose from`);
  return { slug, other: slugs.find((other) => other !== slug) };
}

// The whole of the application's part: the first time with signing in, then again with less, then refused.
async function lettingIn(page, application) {
  where = "signing in";
  const first = application.ask();
  await page.opens(first.url);
  check(where, pathOf(page) === "/sign-in", `an application's person is sent to ${page.url()}`);
  await look(page, "sign-in", "Sign in");
  await signIn(page, "not the password");
  await complains(page, page.getByLabel("E-mail address", { exact: true }), 401, () => button(page, "Sign in").click());
  check(where, (await page.getByLabel("E-mail address").inputValue()) === email, "the address must be typed again");
  check(where, (await page.getByLabel("Password").inputValue()) === "", "the page holds the password");
  await look(page, "sign-in-refused", "Sign in");
  await signIn(page, password);
  await page.presses(button(page, "Sign in"));

  where = "choosing an account";
  check(where, pathOf(page) === "/oauth/authorize", `whoever has signed in is sent to ${page.url()}`);
  const { slug, other } = await chooseAccount(page, "one");
  await look(page, "choose-account", "Choose an account");
  await page.presses(button(page, "Continue"));

  where = "consent";
  const asked = await text(page.locator("main"));
  for (const said of [application.host, "create and change deals", "stay connected", "Any program on this computer"]) {
    check(where, asked.includes(said), `the page does not say "${said}"`);
  }
  const readOnly = page.getByRole("checkbox", { name: /read only/i });
  check(where, !(await readOnly.isChecked()), "read only is chosen already");
  await look(page, "consent", "Allow access?");
  await page.presses(button(page, "Allow"));
  const tokens = await application.redeem(first);
  check(where, tokens.scope.includes("deals:write"), `granted is ${tokens.scope}`);
  const me = await call(tokens.access_token, "/me");
  check(where, me.body.data?.account?.slug === slug, `it acts in ${me.body.data?.account?.slug} instead of ${slug}`);
  check(where, (await call(tokens.access_token, "/deals", { deal: DEAL })).status === 201, "it cannot make a deal");
  check(where, (await call(tokens.access_token, "/me", { account: other })).status === 403, "it reaches the other account");

  where = "consent, read only and everywhere";
  const second = application.ask();
  await page.opens(second.url);
  await chooseAccount(page, "all");
  await page.presses(button(page, "Continue"));
  check(where, /all your accounts/i.test(await text(page.locator("main"))), "the page does not say how far it reaches");
  await readOnly.check();
  await look(page, "consent-all-read-only", "Allow access?");
  await page.presses(button(page, "Allow"));
  const reading = await application.redeem(second);
  check(where, !reading.scope.includes(":write"), `granted is ${reading.scope}`);
  check(where, (await call(reading.access_token, "/deals")).status === 200, "it cannot read deals");
  check(where, (await call(reading.access_token, "/deals", { deal: DEAL })).status === 403, "it can make a deal");
  const there = await call(reading.access_token, "/me", { account: other });
  check(where, there.status === 200, "it does not reach the other account");

  where = "refusing";
  const third = application.ask();
  await page.opens(third.url);
  await chooseAccount(page, "one");
  await page.presses(button(page, "Continue"));
  await page.presses(button(page, "Cancel"));
  const { error, iss } = third.answer ?? {};
  check(where, error === "access_denied" && iss === base, `the application is told ${JSON.stringify(third.answer)}`);

  where = "an application that nobody knows";
  for (const wrong of [{ client_id: "nobody" }, { redirect_uri: "https://elsewhere.example/callback" }]) {
    await page.opens(application.ask(wrong).url, 400);
    check(where, pathOf(page) === "/oauth/authorize", `the browser was sent to ${page.url()}`);
  }
  await look(page, "problem", await page.locator("h1").textContent());
  return { slug, other, tokens, reading };
}

const card = (page, label) =>
  page.getByRole("listitem").filter({ has: page.getByRole("heading", { name: label, exact: true }) });

// Makes a key; its secret, as the page shows it, and the form that was sent.
async function make(page, label, choose) {
  await page.getByLabel("Name", { exact: true }).fill(label);
  await choose(page);
  const form = page.locator("form").filter({ has: button(page, "Make the key") });
  const sent = await form.evaluate((form) => new URLSearchParams(new FormData(form)).toString());
  await page.presses(button(page, "Make the key"));
  counts.keys += 1;
  return { sent, secret: await page.getByLabel("Secret", { exact: true }).inputValue() };
}

// Sends the form of a key again, as an impatient hand does: there is still one.
async function again(page, label, sent) {
  const headers = { "content-type": "application/x-www-form-urlencoded" };
  await page.request.post(page.url(), { data: sent, headers, maxRedirects: 0 });
  await page.step(200, () => page.reload());
  check(where, (await card(page, label).count()) === 1, "a form that is sent twice makes two keys");
}

// What was written stands on the page as it is: nothing of it has become a part of the page.
async function isText(page) {
  const parts = await page.locator("img, script:not([src])").count();
  check(where, parts === 0 && (await page.title()) !== "taken", "what somebody wrote is a part of the page");
}

const permission = (name) => (page) => page.getByRole("radio", { name }).check();

async function onlyDealsRead(page) {
  await page.getByRole("radio", { name: /only these/i }).check();
  await page.getByRole("checkbox", { name: /deals:read/ }).check();
  await page.getByLabel(/^Last day/).fill("2999-12-31");
  await page.getByLabel(/^Addresses/).fill("127.0.0.0/8\n::1/128");
}

// Nobody finds a secret again, neither on the page nor where a browser keeps things.
async function isGone(page, secret) {
  await page.step(200, () => page.reload());
  check(where, (await page.getByLabel("Secret", { exact: true }).count()) === 0, "the secret is shown again");
  check(where, !(await page.content()).includes(secret), "the page holds the secret");
  const kept = await page.context().cookies();
  check(where, kept.every(({ httpOnly, sameSite }) => httpOnly && sameSite === "Lax"), "a cookie that scripts may read");
  check(where, kept.every(({ name }) => !name.includes("shown")), "the cookie that carried the secret is still there");
  check(where, !JSON.stringify(kept).includes(secret), "a cookie holds the secret");
}

// Keys of each kind, rotated and revoked, each used by curl.
async function keys(page, slug) {
  where = "the console";
  await page.opens("/console");
  check(where, /^\/console\/[a-z0-9-]+\/keys$/.test(pathOf(page)), `it leads to ${page.url()}`);
  await page.opens(`/console/${slug}/keys`);
  await look(page, "keys", "API keys");

  where = "a key that is refused";
  await page.getByLabel("Name", { exact: true }).fill(WRITTEN);
  await permission(/everything you may do/i)(page);
  await page.getByLabel(/^Addresses/).fill("somewhere");
  await complains(page, page.getByLabel("Name", { exact: true }), 422, () => button(page, "Make the key").click());
  const name = page.getByLabel("Name", { exact: true });
  check(where, (await name.inputValue()) === WRITTEN, "the name must be typed again");
  await isText(page);
  await look(page, "keys-refused", "API keys");
  await page.getByLabel(/^Addresses/).fill("");

  where = "a key that may do everything";
  const { secret: whole, sent } = await make(page, "Console whole", permission(/everything you may do/i));
  await copies(page, whole);
  await look(page, "keys-made", "API keys");
  checkCurls(whole, "200 200 201 200", "full access");
  await isGone(page, whole);
  await again(page, "Console whole", sent);

  where = "a key that may see everything";
  const { secret: reading } = await make(page, WRITTEN, permission(/see everything/i));
  checkCurls(reading, "200 200 403 200", "read only");
  await isGone(page, reading);
  await isText(page);

  where = "a key that may do one thing";
  const { secret: narrow } = await make(page, LONG, onlyDealsRead);
  await look(page, "keys-made-long", "API keys");
  checkCurls(narrow, "200 200 403 403", "deals:read alone");
  await isGone(page, narrow);
  const said = await text(card(page, LONG));
  for (const part of ["1 scope", "deals:read", "2999-12-31", "127.0.0.0/8", "::1/128"]) {
    check(where, said.includes(part), `its row does not say ${part}: ${said}`);
  }

  where = "rotating";
  const row = card(page, "Console whole");
  await row.getByText("Rotate").first().click();
  await row.getByText("Revoke").first().click();
  await look(page, "keys-open", "API keys");
  await row.getByRole("combobox").selectOption("3600");
  await page.presses(row.getByRole("button", { name: "Rotate" }));
  const rotated = await page.getByLabel("Secret", { exact: true }).inputValue();
  check(where, rotated !== whole && rotated.length === whole.length, "the secret is the old one");
  await look(page, "keys-rotated", "API keys");
  check(where, curl(rotated, "/me") === 200 && curl(whole, "/me") === 200, "not both secrets are good in the grace");
  await isGone(page, rotated);

  where = "rotating at once";
  const other = card(page, WRITTEN);
  await other.getByText("Rotate").first().click();
  await page.presses(other.getByRole("button", { name: "Rotate" }));
  const after = await page.getByLabel("Secret", { exact: true }).inputValue();
  check(where, curl(after, "/me") === 200 && curl(reading, "/me") === 401, "the old secret outlives its rotation");

  where = "revoking";
  for (const [label, ...secrets] of [["Console whole", whole, rotated], [WRITTEN, after], [LONG, narrow]]) {
    await revoke(page, label, secrets);
  }
  await look(page, "keys-revoked", "API keys");
}

async function revoke(page, label, secrets) {
  const row = card(page, label);
  await row.getByText("Revoke").first().click();
  await page.presses(row.getByRole("button", { name: "Revoke" }));
  check(where, (await row.count()) === 0, `${label} is still there`);
  check(where, await page.getByRole("status").isVisible(), "it does not say that it was done");
  for (const secret of secrets) check(where, curl(secret, "/me") === 401, `${label} still opens the API`);
}

async function copies(page, secret) {
  await button(page, "Copy").click();
  await button(page, "Copied").waitFor();
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  check(where, copied === secret, "something else is copied");
}

async function applications(page, { slug, other, tokens, reading }, application) {
  where = "connected applications";
  await page.presses(page.getByRole("link", { name: "Connected applications" }));
  check(where, pathOf(page) === `/console/${slug}/applications`, `they are at ${page.url()}`);
  await look(page, "applications", "Connected applications");
  const row = page.getByRole("listitem").filter({ hasText: CLIENT }).filter({ has: page.getByRole("button") });
  check(where, (await row.count()) === 1, `${await row.count()} rows for one application`);
  await page.presses(row.getByRole("button", { name: /^Disconnect/ }));
  check(where, (await page.getByText(CLIENT, { exact: true }).count()) === 0, "it is still there");
  for (const granted of [tokens, reading]) {
    check(where, (await call(granted.access_token, "/me")).status === 401, "its access token outlives the grant");
    const refreshed = await application.refresh(granted);
    check(where, refreshed.error === "invalid_grant", `its refresh token is answered ${JSON.stringify(refreshed)}`);
  }
  await look(page, "applications-none", "Connected applications");

  where = "the other account";
  await page.presses(page.getByRole("link", { name: /^Switch to/ }));
  check(where, pathOf(page) === `/console/${other}/applications`, `it is at ${page.url()}`);
  await page.presses(page.getByRole("link", { name: "API keys" }));
  await look(page, "keys-other-account", "API keys");
  where = "an account of others";
  await page.opens("/console/nobodys/keys", 403);
  await look(page, "problem-account", await page.locator("h1").textContent());
}

async function signOut(page) {
  where = "signing out";
  const before = await page.context().cookies();
  await page.opens("/console");
  await page.presses(button(page, "Sign out"));
  check(where, pathOf(page) === "/sign-in", `it leads to ${page.url()}`);
  await page.opens("/console");
  check(where, pathOf(page) === "/sign-in", `whoever is signed out comes to ${page.url()}`);
  await page.context().addCookies(before.filter(({ name }) => name.includes("session")));
  await page.opens("/console");
  check(where, pathOf(page) === "/sign-in", "the session outlives signing out");
}

// Somebody who comes by a link, and chooses a password.
async function comesByLink(page) {
  where = "a link";
  await page.opens(welcome);
  const known = await page.getByLabel("E-mail address").inputValue();
  await look(page, "welcome", "Welcome");
  const chosen = randomBytes(12).toString("base64url");
  await page.getByLabel("New password").fill("too short");
  await button(page, "Set password").click();
  const short = await page.getByLabel("New password").evaluate((field) => field.validity.tooShort);
  check(where, short && pathOf(page) === "/welcome", "a short password is sent");
  await page.getByLabel("New password").fill(chosen);
  await page.presses(button(page, "Set password"));
  check(where, pathOf(page) === "/sign-in", `it leads to ${page.url()}`);
  await look(page, "sign-in-chosen", "Sign in");
  await page.getByLabel("E-mail address").fill(known);
  await page.getByLabel("Password").fill(chosen);
  await page.presses(button(page, "Sign in"));
  check(where, /^\/console\/[a-z0-9-]+\/keys$/.test(pathOf(page)), `nobody is joined: ${page.url()}`);
  await page.presses(button(page, "Sign out"));
  await page.opens(welcome, 404);
  await look(page, "problem-link", await page.locator("h1").textContent());
}

// The same on a phone that runs no scripts, with nothing but what is on the pages.
async function plainly(page, application) {
  where = "without JavaScript, signing in";
  const question = application.ask();
  await page.opens(question.url);
  await observed.scrollsOnlyDown(page, where);
  const person = page.locator("form").filter({ has: page.locator(`input[type=hidden][name=email][value="${email}"]`) });
  check(where, (await person.count()) === 1, "the page does not list its people");
  await page.presses(person.getByRole("button"));
  where = "without JavaScript, consent";
  const { slug } = await chooseAccount(page, "one");
  await observed.scrollsOnlyDown(page, where);
  await page.presses(button(page, "Continue"));
  await page.getByRole("checkbox", { name: /read only/i }).check();
  await observed.scrollsOnlyDown(page, where);
  await page.presses(button(page, "Allow"));
  const tokens = await application.redeem(question);
  check(where, (await call(tokens.access_token, "/deals")).status === 200, "it cannot read deals");
  check(where, (await call(tokens.access_token, "/deals", { deal: DEAL })).status === 403, "it can make a deal");

  where = "without JavaScript, a key";
  await page.opens(`/console/${slug}/keys`);
  const { secret: key } = await make(page, "Console without scripts", permission(/see everything/i));
  check(where, !(await page.locator("[data-copy]").isVisible()), "a button is there that does nothing");
  await observed.scrollsOnlyDown(page, where);
  await observed.photograph(page, "console-without-javascript");
  checkCurls(key, "200 200 403 200", "read only");
  await isGone(page, key);
  await revoke(page, "Console without scripts", [key]);

  where = "without JavaScript, an application";
  await page.presses(page.getByRole("link", { name: "Connected applications" }));
  await page.presses(page.getByRole("button", { name: /^Disconnect/ }));
  check(where, (await call(tokens.access_token, "/me")).status === 401, "its access token outlives the grant");
  await signOut(page);
}

async function story(context, application, tell) {
  try {
    const page = await enter(context, application);
    await tell(page);
    counts.stories += 1;
  } catch (error) {
    fail(where, error.message.split("\n").slice(0, 3).join(" "));
  }
  await context.close();
}

const application = new Application();
await application.start();
const browser = await launch();
const calm = { reducedMotion: "reduce" };
const known = await browser.newContext({ ...calm, viewport: desk });
await known.grantPermissions(["clipboard-read", "clipboard-write"], { origin: new URL(base).origin });
await story(known, application, async (page) => {
  const granted = await lettingIn(page, application);
  await keys(page, granted.slug);
  await applications(page, granted, application);
  await signOut(page);
});
const small = { viewport: phone, isMobile: true, hasTouch: true, javaScriptEnabled: false };
await story(await browser.newContext({ ...calm, ...small }), application, (page) => plainly(page, application));
if (welcome) await story(await browser.newContext({ ...calm, viewport: desk }), application, comesByLink);
await browser.close();
application.stop();
console.log(JSON.stringify({ ...counts, ...observed.counts }));
process.exitCode = observed.counts.failures === 0 ? 0 : 1;
