// The API explorer: builds a form in #explorer from the JSON in #explorer-data and sends what it says, to this server only.
// Nothing from the data or from an answer is ever read as HTML; every node is made here and filled by textContent.
(function () {
  "use strict";

  var KEY = "keyward.key";
  var APP = "keyward-explorer";
  var TIMEOUT = 30000;
  var COLOURED = 300000; // characters of JSON that still get colours
  var SHOWN = 2000000; // characters of a body that are shown at all
  var REASONS = {
    200: "OK", 201: "Created", 202: "Accepted", 204: "No Content", 304: "Not Modified", 400: "Bad Request",
    401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed", 409: "Conflict",
    412: "Precondition Failed", 413: "Content Too Large", 415: "Unsupported Media Type", 422: "Unprocessable Content",
    429: "Too Many Requests", 431: "Request Header Fields Too Large", 500: "Internal Server Error",
    502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout"
  };
  // Set by this script on every request; not fields.
  var OWN = ["authorization", "content-type", "x-origin-app"];

  var root = document.getElementById("explorer");
  var source = document.getElementById("explorer-data");
  if (!root || !source) return;

  // ---- Small helpers

  // el("p", {class: "hint"}, "text", node, …): attributes that are null or false are left out.
  function el(name, attributes) {
    var node = document.createElement(name);
    Object.keys(attributes || {}).forEach(function (key) {
      var value = attributes[key];
      if (value !== null && value !== undefined && value !== false) node.setAttribute(key, value === true ? "" : String(value));
    });
    for (var i = 2; i < arguments.length; i++) {
      var child = arguments[i];
      if (child !== null && child !== undefined) node.append(child);
    }
    return node;
  }

  function show(node, shown) {
    node.hidden = !shown;
  }

  // For a path segment or a query: as readable as the grammar allows, and exactly what is sent.
  function encode(text) {
    return encodeURIComponent(text.replace(/\p{Surrogate}/gu, "\uFFFD"))
      .replace(/['()*!]/g, function (c) { return "%" + c.charCodeAt(0).toString(16).toUpperCase(); })
      .replace(/%2C/g, ",").replace(/%3A/g, ":").replace(/%5B/g, "[").replace(/%5D/g, "]");
  }

  // A word of a POSIX shell.
  function quote(text) {
    return "'" + text.replace(/'/g, "'\\''") + "'";
  }

  function uuid() {
    if (window.crypto && typeof crypto.randomUUID === "function") return crypto.randomUUID();
    // randomUUID exists only in secure contexts; a plain http origin has getRandomValues.
    var bytes = crypto.getRandomValues(new Uint8Array(16));
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    var hex = Array.from(bytes, function (byte) { return byte.toString(16).padStart(2, "0"); }).join("");
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
  }

  // Where session storage is switched off, the key lives in this variable, until the page is left.
  var memory = "";
  function loadKey() {
    try { return sessionStorage.getItem(KEY) || memory; } catch (error) { return memory; }
  }
  function saveKey(value) {
    memory = value;
    try {
      if (value) sessionStorage.setItem(KEY, value);
      else sessionStorage.removeItem(KEY);
    } catch (error) { /* kept in memory */ }
  }

  // ---- JSON as it was sent, with line breaks: tokens are copied, so no digit and no escape changes.

  function pretty(text) {
    var tokens = text.match(/"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null|[{}[\],:]/g) || [];
    var parts = []; // [class or "", text]
    var depth = 0;
    function line() { parts.push(["", "\n" + "  ".repeat(depth)]); }
    tokens.forEach(function (token, i) {
      var next = tokens[i + 1];
      var first = token[0];
      if (first === "{" || first === "[") {
        parts.push(["", token]);
        if (next !== "}" && next !== "]") { depth++; line(); }
      } else if (first === "}" || first === "]") {
        if (tokens[i - 1] !== "{" && tokens[i - 1] !== "[") { depth--; line(); }
        parts.push(["", token]);
      } else if (first === ",") {
        parts.push(["", ","]);
        line();
      } else if (first === ":") {
        parts.push(["", ": "]);
      } else if (first === "\"") {
        parts.push([next === ":" ? "k" : "s", token]);
      } else {
        parts.push([/[tfn]/.test(first) ? "l" : "n", token]);
      }
    });
    return parts;
  }

  function isJson(text) {
    try { JSON.parse(text); return true; } catch (error) { return false; }
  }

  function bodyNode(text) {
    var code = el("code", { class: "language-json" });
    var cut = text.length > SHOWN;
    if (cut) {
      code.textContent = text.slice(0, SHOWN);
    } else if (!isJson(text)) {
      code.textContent = text;
    } else {
      var parts = pretty(text);
      if (text.length > COLOURED) {
        code.textContent = parts.map(function (part) { return part[1]; }).join("");
      } else {
        parts.forEach(function (part) {
          code.append(part[0] ? el("span", { class: part[0] }, part[1]) : part[1]);
        });
      }
    }
    var pre = el("pre", { class: "body", tabindex: "0", role: "region", "aria-label": "Response body" }, code);
    return cut ? el("div", {}, el("p", { class: "hint" }, "The body is long: its first " + SHOWN + " characters."), pre) : pre;
  }

  // ---- The data

  var data;
  try { data = JSON.parse(source.textContent); } catch (error) { data = null; }
  if (!data || !Array.isArray(data.operations) || data.operations.length === 0) {
    root.append(el("p", { class: "note" }, "The explorer has no operations on this page."));
    return;
  }
  var base = new URL(data.base || "", location.href).href.replace(/\/$/, "");
  if (new URL(base).origin !== location.origin) {
    root.append(el("p", { class: "note" }, "The explorer speaks only to the server that this page came from."));
    return;
  }

  var operation = null; // the chosen one
  var fields = []; // [{name, in, required, input}]
  var bodyInput = null;
  var confirmed = false;
  var sending = false;

  function isWrite(op) {
    return op.method !== "GET" && op.method !== "HEAD" && !op.public;
  }

  // ---- The key

  var keyInput = el("input", {
    id: "explorer-key", type: "password", autocomplete: "off", autocapitalize: "off", spellcheck: "false",
    placeholder: "lev_sk_…", "aria-describedby": "explorer-key-note", "data-1p-ignore": true, "data-lpignore": "true"
  });
  var keyState = el("p", { class: "hint", id: "explorer-key-state", role: "status" });
  var forget = el("button", { type: "button", id: "explorer-forget" }, "Forget key");
  var keyCard = el("div", { class: "card" },
    el("h3", { id: "explorer-connect" }, "Connect your API key to explore"),
    el("label", { for: "explorer-key" }, "API key"),
    el("div", { class: "row" }, keyInput, forget),
    el("p", { class: "hint", id: "explorer-key-note" },
      "The key stays in this browser tab's session storage and is sent to this server only. It is gone when the tab is closed."),
    keyState
  );

  function tellKey() {
    var key = loadKey();
    keyState.textContent = key ? "A key is set." : "No key is set.";
    show(forget, Boolean(key));
  }

  // ---- The request

  var select = el("select", { id: "explorer-operation" });
  data.operations.forEach(function (op, i) {
    select.append(el("option", { value: i }, op.method + " " + op.path + (op.summary ? " · " + op.summary : "")));
  });
  var about = el("p", { class: "operation", id: "explorer-about" });
  var inputs = el("fieldset", { "aria-describedby": "explorer-about" });
  var url = el("code");
  var send = el("button", { type: "submit", class: "go", id: "explorer-send" }, "Send");
  var confirmSend = el("button", { type: "button", class: "go", id: "explorer-confirm" }, "Send it");
  var confirmCancel = el("button", { type: "button", id: "explorer-cancel" }, "Cancel");
  var confirmBox = el("div", { class: "confirm row", id: "explorer-confirmation", role: "group", tabindex: "-1", "aria-labelledby": "explorer-question", hidden: true },
    el("p", { id: "explorer-question" }, "This changes data. Send it?"), confirmSend, confirmCancel);
  var status = el("p", { class: "status", id: "explorer-status", role: "status", "aria-live": "polite" });
  var curl = el("code", { class: "language-sh" });
  var answer = el("div", { id: "explorer-answer" });
  var form = el("form", { id: "explorer-form", autocomplete: "off", novalidate: true },
    el("h3", {}, "Request"),
    el("label", { for: "explorer-operation" }, "Operation"),
    select,
    about,
    inputs,
    el("h4", { id: "explorer-url-title" }, "URL"),
    el("pre", { class: "url", id: "explorer-url", tabindex: "0", role: "region", "aria-labelledby": "explorer-url-title" }, url),
    send,
    confirmBox,
    status
  );

  function typeOf(parameter) {
    var words = [parameter.type || "string"];
    if (parameter.in !== "query") words.push(parameter.in);
    if (parameter.required) words.push("required");
    return words.join(", ");
  }

  // What stands in a field at first: what must be given, and a short first page.
  function initial(parameter) {
    if (parameter.name.toLowerCase() === "idempotency-key") return uuid();
    if (parameter.name === "limit" && parameter.in === "query") return parameter.example || "5";
    if (parameter.required) return parameter.example || parameter.default || "";
    return "";
  }

  function control(parameter, id, describedBy) {
    var values = parameter.enum || (parameter.type === "boolean" ? ["true", "false"] : null);
    var attributes = { id: id, name: parameter.name, required: Boolean(parameter.required), "aria-describedby": describedBy };
    var node;
    if (values) {
      node = el("select", attributes);
      node.append(el("option", { value: "" }, parameter.default ? "not sent (" + parameter.default + ")" : "not sent"));
      values.forEach(function (value) { node.append(el("option", { value: value }, value)); });
    } else {
      node = el("input", Object.assign(attributes, {
        type: "text", autocomplete: "off", autocapitalize: "off", spellcheck: "false",
        inputmode: parameter.type === "integer" ? "numeric" : null,
        placeholder: parameter.default || parameter.example || null
      }));
    }
    node.value = initial(parameter);
    return node;
  }

  function addField(parent, parameter) {
    var id = "explorer-field-" + fields.length;
    var note = id + "-note";
    var input = control(parameter, id, note);
    fields.push({ name: parameter.name, in: parameter.in, required: Boolean(parameter.required), input: input });
    parent.append(el("div", { class: "field" },
      el("div", {},
        el("label", { for: id }, parameter.name, parameter.required ? el("span", { class: "req" }, " *") : null),
        el("p", { class: "hint", id: note }, typeOf(parameter))),
      el("div", {}, input, parameter.description ? el("p", { class: "hint", id: id + "-text" }, parameter.description) : null)));
    if (parameter.description) input.setAttribute("aria-describedby", note + " " + id + "-text");
  }

  function choose(op) {
    operation = op;
    fields = [];
    bodyInput = null;
    inputs.textContent = "";
    var parameters = (op.parameters || []).filter(function (p) { return OWN.indexOf(p.name.toLowerCase()) < 0; });
    var named = parameters.some(function (p) { return p.name.toLowerCase() === "idempotency-key"; });
    if (isWrite(op) && !named) {
      parameters = parameters.concat({ name: "Idempotency-Key", in: "header", type: "string", required: false,
        description: "A write with the same key happens once. A fresh one is filled in after each answer." });
    }
    var folded = parameters.filter(function (p) { return p.name.indexOf("[") >= 0 && !p.required; });
    inputs.append(el("legend", { hidden: parameters.length === 0 }, parameters.length ? "Parameters" : "No parameters"));
    parameters.forEach(function (p) { if (folded.indexOf(p) < 0) addField(inputs, p); });
    if (folded.length) {
      var fold = el("details", { class: "fold" }, el("summary", {}, "Filters (" + folded.length + ")"));
      folded.forEach(function (p) { addField(fold, p); });
      inputs.append(fold);
    }
    if (op.body) {
      bodyInput = el("textarea", { id: "explorer-body", spellcheck: "false", autocapitalize: "off", "aria-describedby": "explorer-body-note" });
      bodyInput.value = op.body.example || "";
      inputs.append(el("div", { class: "wide" },
        el("label", { for: "explorer-body" }, "Body"),
        bodyInput,
        el("p", { class: "hint", id: "explorer-body-note" }, "JSON, sent as it stands here. When empty, no body is sent.")));
    }
    tell("", "");
    update();
  }

  function field(name) {
    return fields.find(function (f) { return f.name.toLowerCase() === name; });
  }

  // The request as the form says it now. `problem` names the first field that is missing or cannot be sent.
  function build() {
    var problem = null;
    function fail(message, input) { problem = problem || { message: message, input: input }; }
    var headers = [];
    var key = loadKey();
    var body = bodyInput && bodyInput.value.trim() ? bodyInput.value : null;
    // A public operation gets the key only where the key can be what it is about: a body is possible, and there is none.
    if (key && (!operation.public || (operation.body && body === null))) headers.push(["Authorization", "Bearer " + key]);
    else if (!key && !operation.public) fail("This operation needs an API key. Enter one above, under “Connect your API key to explore”.", keyInput);
    headers.push(["X-Origin-App", APP]);
    var path = operation.path;
    var query = [];
    fields.forEach(function (f) {
      var value = f.input.value.trim();
      if (!value) {
        if (f.required) fail(f.name + " is required.", f.input);
        return;
      }
      if (f.in === "path") {
        if (value === "." || value === "..") fail(f.name + " cannot be " + value + ".", f.input);
        path = path.split("{" + f.name + "}").join(encode(value));
      } else if (f.in === "header") {
        if (/[^\x20-\x7e]/.test(value)) fail(f.name + " has a character that a header cannot carry.", f.input);
        headers.push([f.name, value]);
      } else {
        query.push(encode(f.name) + "=" + encode(value));
      }
    });
    if (body !== null) headers.push(["Content-Type", "application/json"]);
    if (key && /[^\x21-\x7e]/.test(key)) fail("The API key has a character that a header cannot carry.", keyInput);
    return {
      method: operation.method, url: base + path + (query.length ? "?" + query.join("&") : ""),
      headers: headers, body: body, problem: problem
    };
  }

  function curlLine(request) {
    var head = "curl -s" + (/[[\]{}]/.test(request.url) ? " -g" : "");
    if (request.method !== "GET") head += " -X " + request.method;
    var lines = [head + " " + quote(request.url)];
    request.headers.forEach(function (header) {
      lines.push(header[0] === "Authorization" ? "-H \"Authorization: Bearer $KEY\"" : "-H " + quote(header[0] + ": " + header[1]));
    });
    if (request.body !== null) lines.push((request.body[0] === "@" ? "--data-raw " : "-d ") + quote(request.body));
    return lines.join(" \\\n  ");
  }

  function tell(text, kind) {
    status.textContent = text;
    status.className = "status" + (kind ? " " + kind : "");
  }

  function unconfirm() {
    confirmed = false;
    show(confirmBox, false);
  }

  // After every change of the form or of the key.
  function update() {
    unconfirm();
    root.querySelectorAll("[aria-invalid]").forEach(function (node) { node.removeAttribute("aria-invalid"); });
    var request = build();
    about.textContent = "";
    about.append(el("span", { class: "method " + operation.method.toLowerCase() }, operation.method), " ", el("code", {}, operation.path), " ");
    if (operation.summary) about.append(operation.summary.replace(/\.?$/, ". "));
    if (operation.public) about.append("Public: needs no key.");
    else {
      if (operation.scope) about.append("Needs the scope ", el("code", {}, operation.scope), ".");
      else about.append("Needs a key, with any scope.");
      if (!loadKey()) about.append(" No key is set yet.");
    }
    url.textContent = request.url;
    curl.textContent = curlLine(request);
    return request;
  }

  // ---- The answer

  function helpLink(text) {
    var code = null;
    try { code = JSON.parse(text).error.code; } catch (error) { return null; }
    if (typeof code !== "string" || !/^[A-Z][A-Z0-9_]*$/.test(code)) return null;
    return el("p", {}, "What it means and what to do: ", el("a", { href: "/platform/errors#" + code }, code));
  }

  function showAnswer(request, response, text, took) {
    answer.textContent = "";
    var rows = el("tbody");
    response.headers.forEach(function (value, name) {
      rows.append(el("tr", {}, el("td", {}, el("code", {}, name)), el("td", {}, el("code", {}, value))));
    });
    answer.append(
      el("h3", {}, "Answer"),
      el("pre", { class: "url", tabindex: "0", role: "region", "aria-label": "Request line" }, el("code", {}, request.method + " " + request.url)),
      response.ok ? "" : helpLink(text) || "",
      el("h4", {}, "Headers"),
      el("div", { class: "table", id: "explorer-headers", tabindex: "0", role: "region", "aria-label": "Response headers" },
        el("table", {}, el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "Header"), el("th", { scope: "col" }, "Value"))), rows)),
      el("h4", {}, "Body"),
      text ? bodyNode(text) : el("p", { class: "hint" }, "The answer has no body.")
    );
    var words = response.status + " " + (response.statusText || REASONS[response.status] || "");
    var tail = " in " + Math.round(took) + " ms.";
    if (response.headers.get("idempotency-replayed") === "true") tail += " A replay: the write happened before.";
    if (response.status === 429 && response.headers.get("retry-after")) {
      tail += " Send again in " + response.headers.get("retry-after") + " seconds.";
    }
    tell(words.trim() + tail, response.ok ? "ok" : "bad");
  }

  // The same Idempotency-Key again is right only where it is not known whether the write happened, or where it has to wait.
  function renew(idempotency, response) {
    if (!idempotency || response.status >= 500 || response.headers.get("retry-after")) return;
    idempotency.input.value = uuid();
    update();
  }

  async function run(request) {
    // Another operation may be chosen before the answer is there.
    var write = isWrite(operation);
    var idempotency = field("idempotency-key");
    sending = true;
    send.setAttribute("aria-disabled", "true");
    tell("Sending…", "");
    var abort = new AbortController();
    var timer = setTimeout(function () { abort.abort(); }, TIMEOUT);
    var started = performance.now();
    try {
      var response = await fetch(request.url, {
        method: request.method, headers: request.headers, body: request.body === null ? undefined : request.body,
        credentials: "omit", cache: "no-store", redirect: "error", referrerPolicy: "no-referrer", signal: abort.signal
      });
      var text = await response.text();
      showAnswer(request, response, text, performance.now() - started);
      renew(idempotency, response);
    } catch (error) {
      answer.textContent = "";
      var message = abort.signal.aborted
        ? "No answer within " + TIMEOUT / 1000 + " seconds."
        : "No answer: the server could not be reached, or the connection broke (" + (error && error.message || error) + ").";
      if (write) {
        message += " Whether the change happened is not known.";
        if (idempotency && idempotency.input.value.trim()) {
          message += " The Idempotency-Key is kept: sent again, it happens at most once.";
        }
      }
      tell(message, "bad");
    } finally {
      clearTimeout(timer);
      sending = false;
      send.removeAttribute("aria-disabled");
    }
  }

  function submit() {
    if (sending) return;
    var wasConfirmed = confirmed;
    var request = update();
    if (request.problem) {
      tell(request.problem.message, "bad");
      var fold = request.problem.input.closest("details");
      if (fold) fold.open = true;
      request.problem.input.setAttribute("aria-invalid", "true");
      request.problem.input.focus();
      return;
    }
    if (isWrite(operation) && !wasConfirmed) {
      tell("", "");
      show(confirmBox, true);
      // The group, not its button: an Enter that is held down must not answer the question.
      confirmBox.focus();
      return;
    }
    run(request);
  }

  // ---- Put together

  root.append(keyCard, form, el("h3", { id: "explorer-curl-title" }, "The same with curl"),
    el("pre", { id: "explorer-curl", tabindex: "0", role: "region", "aria-labelledby": "explorer-curl-title" }, curl), answer);

  keyInput.value = loadKey();
  keyInput.addEventListener("input", function () {
    saveKey(keyInput.value.trim());
    tellKey();
    update();
  });
  keyInput.addEventListener("keydown", function (event) {
    if (event.key === "Enter") select.focus();
  });
  forget.addEventListener("click", function () {
    keyInput.value = "";
    saveKey("");
    tellKey();
    update();
    keyInput.focus();
  });
  select.addEventListener("change", function () { choose(data.operations[Number(select.value)]); });
  inputs.addEventListener("input", update);
  form.addEventListener("submit", function (event) {
    event.preventDefault();
    submit();
  });
  confirmSend.addEventListener("click", function () {
    confirmed = true;
    send.focus();
    submit();
  });
  confirmCancel.addEventListener("click", function () {
    unconfirm();
    send.focus();
  });

  // A browser may bring back the choice of an earlier visit.
  select.selectedIndex = 0;
  tellKey();
  choose(data.operations[0]);
})();
