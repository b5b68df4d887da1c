import { Refused, byId, call, createPasskey, language, on, show, tell, usePasskey, useSession } from "./api.js";

let session = {};
let factors = []; // kinds of the own credentials
const said = byId("said").dataset;
const moment = new Intl.DateTimeFormat(document.documentElement.lang === "en" ? "en-GB" : "fr-FR", { dateStyle: "long", timeStyle: "short" });

function time(element, at) {
  element.dateTime = at;
  element.textContent = moment.format(new Date(at));
}

const methodName = (code) => byId("method").dataset[code] || code;

// once runs work and, where the API wants factors given again, asks for them and
// runs it once more.
async function once(work) {
  try {
    return await work();
  } catch (err) {
    if (!(err instanceof Refused) || err.code !== "sign_in_again") throw err;
  }
  if (!(await confirmed())) return undefined;
  return work();
}

function confirmed() {
  const dialog = byId("again");
  const next = factors;
  show("again-passkey", next.includes("passkey") && document.body.dataset.away !== "true");
  show("again-form", next.includes("totp"));
  byId("again-name").value = session.login || "";
  tell("again-problem", "");
  dialog.returnValue = "";
  dialog.showModal();
  byId("again-title").focus();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      byId("again-form").reset();
      resolve(dialog.returnValue === "done");
    }, { once: true });
  });
}

on(byId("again-passkey"), "click", async () => {
  const begun = await call("POST", "/v1/session/again/passkey/options");
  const answer = await usePasskey(begun.public_key);
  useSession(await call("POST", "/v1/session/again/passkey", { state: begun.state, credential: answer }));
  byId("again").close("done");
}, "again-problem");

on(byId("again-form"), "submit", async () => {
  useSession(await call("POST", "/v1/session/again", { password: byId("again-password").value, code: byId("again-code").value.replaceAll(" ", "") }));
  byId("again").close("done");
}, "again-problem");

byId("again-cancel").addEventListener("click", () => byId("again").close(""));

async function load() {
  try {
    session = useSession(await call("GET", "/v1/session"));
  } catch (err) {
    show("away", err.status === 401);
    show("account", false);
    if (err.status !== 401) tell("problem", err.message);
    return;
  }
  show("account");
  byId("who").textContent = session.login;
  byId("name").value = session.login;
  byId("roles").textContent = (session.role_labels || session.roles || []).join(", ") || byId("roles").dataset.none;
  byId("method").textContent = (session.factors || [session.method]).map(methodName).join(" + ");
  byId("until").textContent = moment.format(new Date(session.expires_at));
  show("incomplete", !session.complete);
  for (const id of ["recovery-section", "password-section", "sessions-section"]) show(id, session.complete);
  const credentials = (await call("GET", "/v1/me/credentials")).items;
  factors = credentials.map((c) => c.kind);
  const totp = factors.includes("totp");
  byId("totp-state").textContent = totp ? byId("totp-state").dataset.there : byId("totp-state").dataset.absent;
  await passkeys();
  if (session.complete) await sessions();
}

function rows(list, template, items, fill) {
  list.textContent = "";
  for (const item of items) {
    const row = byId(template).content.cloneNode(true);
    fill(row, item);
    list.append(row);
  }
}

async function passkeys() {
  const found = (await call("GET", "/v1/me/passkeys")).items;
  const list = byId("passkey-list");
  rows(list, "passkey-row", found, (row, key) => {
    const name = row.querySelector("[data-name]");
    name.textContent = key.name || name.dataset.unnamed;
    time(row.querySelector("[data-made]"), key.added_at);
    row.querySelector("[data-synced]").hidden = !key.synced;
    const button = row.querySelector("[data-remove]");
    button.setAttribute("aria-label", button.textContent + " " + name.textContent);
    on(button, "click", () => once(async () => {
      await call("DELETE", "/v1/me/credentials/" + key.id);
      await load();
      tell("status", said.passkeyRemoved);
      byId("passkeys-title").scrollIntoView();
    }));
  });
  if (found.length === 0) {
    const none = document.createElement("li");
    none.textContent = list.dataset.none;
    list.append(none);
  }
}

async function sessions() {
  const found = (await call("GET", "/v1/me/sessions")).items;
  rows(byId("session-list"), "session-row", found, (row, s) => {
    row.querySelector("[data-method]").textContent = (s.factors || [s.method]).map(methodName).join(" + ");
    time(row.querySelector("[data-began]"), s.started_at);
    row.querySelector("[data-this]").hidden = !s.current;
    const button = row.querySelector("[data-end]");
    button.setAttribute("aria-label", button.textContent + " " + moment.format(new Date(s.started_at)));
    on(button, "click", async () => {
      if (s.current) return leave();
      await call("DELETE", "/v1/me/sessions/" + s.id);
      await load();
      tell("status", said.ended);
    });
  });
}

async function leave() {
  await call("DELETE", "/v1/session");
  location.assign("/signin" + language());
}

on(byId("sign-out"), "click", leave);

on(byId("passkey-form"), "submit", () => once(async () => {
  const wasComplete = session.complete;
  const begun = await call("POST", "/v1/me/passkeys/options");
  const answer = await createPasskey(begun.public_key);
  await call("POST", "/v1/me/passkeys", { state: begun.state, name: byId("passkey-name").value.trim(), credential: answer });
  byId("passkey-form").reset();
  await load();
  tell("status", wasComplete ? said.passkeyAdded : said.passkeyAdded + " " + said.complete);
}));

let offer = {};

on(byId("totp-begin"), "click", () => once(async () => {
  offer = await call("POST", "/v1/me/totp/options");
  byId("totp-secret").textContent = offer.secret.replace(/(.{4})/g, "$1 ").trim();
  draw(offer.qr);
  show("totp-form");
  byId("totp").focus();
}));

function draw(code) {
  byId("qr").setAttribute("viewBox", "0 0 " + code.size + " " + code.size);
  byId("qr-path").setAttribute("d", code.path);
  byId("qr").removeAttribute("hidden");
}

on(byId("totp-form"), "submit", async () => {
  await call("POST", "/v1/me/totp", { ticket: offer.ticket, code: byId("totp").value.replaceAll(" ", "") });
  offer = {};
  byId("totp-form").reset();
  byId("qr").setAttribute("hidden", "");
  byId("qr-path").removeAttribute("d");
  byId("totp-secret").textContent = "";
  show("totp-form", false);
  await load();
  tell("status", said.totp);
});

on(byId("recovery-make"), "click", () => once(async () => {
  const made = await call("POST", "/v1/me/recovery");
  byId("recovery-codes").replaceChildren(...made.codes.map((code) => {
    const item = document.createElement("li");
    item.textContent = code;
    return item;
  }));
  show("recovery-shown");
  tell("status", said.recovery);
}));

on(byId("password-form"), "submit", () => once(async () => {
  await call("POST", "/v1/me/password", { password: byId("password").value });
  byId("password-form").reset();
  await load();
  tell("status", said.password);
}));

load();
