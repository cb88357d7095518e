// What the applications of these tests share: a server on a port of its own, a client that registers itself, a browser without a
// screen that keeps cookies, and checks that are counted.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { signIn } from "../oauth/sign_in.mjs";

const [base, email, password] = process.argv.slice(2);
if (!base || !email || !password) {
  console.error(`usage: node ${process.argv[1]} BASE_URL EMAIL PASSWORD`);
  process.exit(2);
}
export const person = { base, email, password };
export const API = `${base}/api/external/v2`;

let checks = 0;
export function check(holds, what) {
  checks += 1;
  assert.ok(holds, what);
}

// The last line of a program that is content.
export function done(client, more = {}) {
  console.log(JSON.stringify({ client, checks, failures: 0, ...more }));
  process.exit(0);
}

// An application that answers requests by this function, from a Request to a Response; where it is.
export async function listening(handler) {
  const server = createServer(async (incoming, outgoing) => {
    try {
      const body = ["GET", "HEAD"].includes(incoming.method) ? undefined : await bytes(incoming);
      const request = new Request(new URL(incoming.url, here), { method: incoming.method, headers: incoming.headers, body });
      const response = await handler(request);
      for (const [name, value] of response.headers) if (name !== "set-cookie") outgoing.setHeader(name, value);
      outgoing.setHeader("set-cookie", response.headers.getSetCookie());
      outgoing.writeHead(response.status).end(Buffer.from(await response.arrayBuffer()));
    } catch (error) {
      console.error(error);
      outgoing.writeHead(500).end(`${error}`);
    }
  });
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  const here = `http://127.0.0.1:${server.address().port}`;
  return here;
}

async function bytes(incoming) {
  const parts = [];
  for await (const part of incoming) parts.push(part);
  return Buffer.concat(parts);
}

// A client of the authorization server, as applications register themselves.
export async function registered(redirect_uri, token_endpoint_auth_method) {
  const body = JSON.stringify({
    client_name: "Приложение アプリ",
    redirect_uris: [redirect_uri],
    token_endpoint_auth_method,
    grant_types: ["authorization_code", "refresh_token"],
  });
  const answer = await fetch(`${base}/oauth/register`, { method: "POST", headers: { "content-type": "application/json" }, body });
  const client = await answer.json();
  check(answer.status === 201, `it cannot register: ${JSON.stringify(client)}`);
  return client;
}

// The browser of a person at an application: it keeps the application's cookies, and stays where it is sent.
export class Browser {
  #cookies = new Map();

  async go(url, { method = "GET", headers = {}, body } = {}) {
    const cookie = [...this.#cookies].map((pair) => pair.join("=")).join("; ");
    const origin = new URL(url).origin;
    const answer = await fetch(url, { method, body, redirect: "manual", headers: { origin, ...headers, ...(cookie && { cookie }) } });
    for (const line of answer.headers.getSetCookie()) {
      const [pair] = line.split(";");
      const at = pair.indexOf("=");
      this.#cookies.set(pair.slice(0, at), pair.slice(at + 1));
    }
    return answer;
  }

  // Signs in and consents where the application sends it, and comes back with the answer.
  async signsInAt(authorize) {
    return this.go(await signIn(authorize, { email, password }));
  }
}
