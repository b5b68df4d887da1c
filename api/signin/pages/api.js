// What the pages share: requests to the API, what it refuses, and passkeys.
// Everything that comes from the API is put into the page as text.

export const byId = (id) => document.getElementById(id);
const words = document.body.dataset;
let csrf = "";

// Refused is what the API answered instead of what was asked for.
export class Refused extends Error {
  constructor(status, body, wait) {
    super([body.title, wait ? words.wait.replace("{time}", lasting(wait)) : body.detail].filter(Boolean).join(". ").replace(/\.\. /g, ". ") || words.network);
    this.status = status;
    this.code = body.code || "";
  }
}

// lasting is a number of seconds as people say it.
function lasting(seconds) {
  const [n, unit] = seconds > 90 ? [Math.ceil(seconds / 60), "minute"] : [seconds, "second"];
  return new Intl.NumberFormat(document.documentElement.lang, { style: "unit", unit, unitDisplay: "long" }).format(n);
}

export function useSession(session) {
  csrf = session.csrf || "";
  return session;
}

export async function call(method, path, body) {
  const headers = { Accept: "application/json", "Accept-Language": document.documentElement.lang };
  if (csrf) headers["X-Greffe-CSRF"] = csrf;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let answer;
  try {
    answer = await fetch(path, {
      method, headers, credentials: "same-origin", redirect: "error", cache: "no-store",
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
    throw new Refused(0, {});
  }
  const text = await answer.text();
  let value = {};
  try {
    value = text ? JSON.parse(text) : {};
  } catch {
    value = {};
  }
  if (!answer.ok) throw new Refused(answer.status, value, Number(answer.headers.get("Retry-After")));
  return value;
}

const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const base64 = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
const descriptors = (list) => (list || []).map((d) => ({ ...d, id: bytes(d.id) }));

async function ask(work) {
  if (!window.PublicKeyCredential) throw new Error(words.unsupported);
  try {
    return await work();
  } catch {
    throw new Error(words.cancelled); // the browser tells no more, so that no page learns which keys there are
  }
}

// createPasskey makes a passkey for creation options and gives its answer.
export async function createPasskey(o) {
  const made = await ask(() => navigator.credentials.create({
    publicKey: {
      ...o, challenge: bytes(o.challenge), user: { ...o.user, id: bytes(o.user.id) },
      excludeCredentials: descriptors(o.excludeCredentials),
    },
  }));
  return {
    id: made.id, rawId: base64(made.rawId), type: made.type, clientExtensionResults: made.getClientExtensionResults(),
    authenticatorAttachment: made.authenticatorAttachment || undefined,
    response: {
      clientDataJSON: base64(made.response.clientDataJSON), attestationObject: base64(made.response.attestationObject),
      transports: made.response.getTransports ? made.response.getTransports() : [],
    },
  };
}

// usePasskey signs request options and gives its answer.
export async function usePasskey(o) {
  const used = await ask(() => navigator.credentials.get({
    publicKey: { ...o, challenge: bytes(o.challenge), allowCredentials: descriptors(o.allowCredentials) },
  }));
  return {
    id: used.id, rawId: base64(used.rawId), type: used.type, clientExtensionResults: used.getClientExtensionResults(),
    response: {
      clientDataJSON: base64(used.response.clientDataJSON), authenticatorData: base64(used.response.authenticatorData),
      signature: base64(used.response.signature), userHandle: used.response.userHandle ? base64(used.response.userHandle) : undefined,
    },
  };
}

export function tell(id, text) {
  const box = byId(id);
  box.textContent = "";
  if (text) requestAnimationFrame(() => { box.textContent = text; }); // anew, so that it is read aloud again
}

// on runs work at an event, with its button out of use meanwhile, and tells what
// went wrong.
export function on(element, event, work, problem = "problem") {
  if (!element) return;
  element.addEventListener(event, async (e) => {
    e.preventDefault();
    const button = element.matches("form") ? element.querySelector("[type=submit]") : element;
    if (button.getAttribute("aria-disabled") === "true") return;
    button.setAttribute("aria-disabled", "true");
    tell(problem, "");
    tell("status", "");
    try {
      await work(e);
    } catch (err) {
      tell(problem, err.message);
    } finally {
      button.removeAttribute("aria-disabled");
    }
  });
}

export const show = (id, visible = true) => {
  const element = byId(id);
  if (element) element.hidden = !visible;
};

export const language = () => "?language=" + document.documentElement.lang;

for (const button of document.querySelectorAll("[data-reveal]")) {
  button.addEventListener("click", () => {
    const input = byId(button.dataset.reveal);
    const plain = input.type === "password";
    input.type = plain ? "text" : "password";
    button.setAttribute("aria-pressed", String(plain));
  });
}
