import { Refused, byId, call, language, on, show, usePasskey } from "./api.js";

// The page of the console that led here, or one's own account. Nothing else is gone to.
const done = () => {
  const next = new URLSearchParams(location.search).get("next") || "";
  location.assign(/^\/console([/?][\x21-\x5b\x5d-\x7e]*)?$/.test(next) ? next : "/me" + language());
};

async function byPasskey() {
  const begun = await call("POST", "/v1/session/passkey/options");
  const answer = await usePasskey(begun.public_key);
  await call("POST", "/v1/session/passkey", { state: begun.state, credential: answer });
  done();
}

on(byId("with-passkey"), "click", byPasskey);
on(byId("second-with-passkey"), "click", byPasskey);

on(byId("password-form"), "submit", async () => {
  const answer = await call("POST", "/v1/session/password", { name: byId("name").value, password: byId("password").value });
  const next = answer.next || [];
  if (next.length === 0) return done(); // nothing enrolled yet: /me is where that is done
  byId("password").value = "";
  show("first", false);
  show("second");
  show("second-passkey", next.includes("passkey") && document.body.dataset.away !== "true");
  show("totp-form", next.includes("totp"));
  show("recovery", next.includes("recovery"));
  (next.includes("totp") ? byId("totp") : byId("second-title")).focus();
});

// second gives the second factor. The password was right: what is refused is the code.
async function second(form, path, field, code) {
  try {
    await call("POST", path, { code });
  } catch (err) {
    if (!(err instanceof Refused) || err.code !== "credentials_invalid") throw err;
    byId(field).select();
    throw new Error(byId(form).dataset.refused);
  }
  done();
}

on(byId("totp-form"), "submit", () => second("totp-form", "/v1/session/totp", "totp", byId("totp").value.replaceAll(" ", "")));

on(byId("recovery-form"), "submit", () => second("recovery-form", "/v1/session/recovery", "recovery-code", byId("recovery-code").value.trim()));
