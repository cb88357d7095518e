// What every issuer of the tests is: a server of its own, one that controls it, and one line that says where both are.
import { createServer } from "node:http";
import { Refused } from "./login.mjs";

// The URI for which access tokens are asked, and which is their audience: the only argument.
export function audience() {
  const [, program, uri] = process.argv;
  if (URL.canParse(uri)) return uri;
  console.error(`usage: node ${program} AUDIENCE, which has to be an absolute URI`);
  return process.exit(2);
}

// An error is told to who asked, and on standard error too when it is not an answer of its own.
export async function listening(handler) {
  const server = createServer((request, response) => {
    handler(request, response).catch((error) => {
      if (!(error instanceof Refused)) console.error(error);
      if (response.headersSent) response.destroy();
      else json(response, error.status ?? 500, error.answer ?? { error: `${error}` });
    });
  });
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  return `http://127.0.0.1:${server.address().port}`;
}

// Prints the line, carries out what the control server is asked, and ends with standard input.
export async function serve(issuer, controls) {
  const control = await listening(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url, "http://control");
    const action = controls[`${request.method} ${pathname}`];
    if (!action) throw new Refused(404, { error: `there are ${Object.keys(controls).join(", ")}` });
    json(response, 200, await action(searchParams));
  });
  console.log(JSON.stringify({ issuer, control }));
  // A pipe that breaks has no end, and a file is not closed.
  for (const over of ["end", "close"]) process.stdin.on(over, () => process.exit(0));
  process.stdin.resume();
  process.on("SIGTERM", () => process.exit(0));
}

export function json(response, status, body) {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

// The page of a login or of a consent: a form with nothing but a name, which the consent ignores.
export function form(response, title) {
  response.setHeader("content-type", "text/html; charset=utf-8");
  response.end(`<h1>${title}</h1><form method="post"><input name="login"><button>OK</button>`);
}

export async function loginOf(request) {
  let body = "";
  for await (const part of request.setEncoding("utf8")) body += part;
  return new URLSearchParams(body).get("login");
}
