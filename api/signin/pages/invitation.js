import { byId, call, language, on, show } from "./api.js";

// The secret is behind the #, which browsers send to nobody, and leaves the
// address and the history at once.
const secret = location.hash.slice(1);
history.replaceState(null, "", location.pathname + location.search);
const other = byId("other-language");
if (secret) other.hash = secret;
show(secret ? "invited" : "nothing");

on(byId("accept-form"), "submit", async () => {
  await call("POST", "/v1/invitations/accept", { secret, password: byId("password").value });
  location.assign("/me" + language());
});
