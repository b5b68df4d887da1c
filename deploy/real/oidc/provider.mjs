// An identity provider for the tests of `make check-real`: oidc-provider, a certified
// OpenID Provider, on a loopback address, with users that a test describes.
//
//   node provider.mjs DIR    where `fetch.sh oidc` put its packages
//
// It prints "listening http://127.0.0.1:PORT", which is its issuer. A test then says
// which client there is and who may sign in, and may say so again:
//
//   POST /test/setup  {"redirect_uri","logout_uri","secret","users":{"NAME":{"sub","acr","amr",...claims}},
//                      "userinfo":true}   userinfo: groups are at the userinfo endpoint only
//   POST /test/rotate                     new signing keys, the old are gone
//
// Signing in is a form with one field, the name of a user. It ends with its standard
// input.
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const packages = createRequire(join(process.argv[2], 'package.json'));
const { default: Provider } = await import(pathToFileURL(packages.resolve('oidc-provider')));

let state = { users: {} };
let provider;
let keys = newKeys();
const cookieKey = randomBytes(32).toString('hex');

function newKeys() {
  const kid = randomBytes(8).toString('hex');
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return [
    { ...privateKey.export({ format: 'jwk' }), kid: `ec-${kid}`, use: 'sig', alg: 'ES256' },
    { ...rsa.privateKey.export({ format: 'jwk' }), kid: `rsa-${kid}`, use: 'sig', alg: 'RS256' },
  ];
}

function make(issuer) {
  const made = new Provider(issuer, {
    clients: [{
      client_id: 'greffe',
      client_secret: state.secret,
      redirect_uris: [state.redirect_uri],
      response_types: ['code'],
      grant_types: ['authorization_code'],
      id_token_signed_response_alg: state.alg ?? 'RS256',
      backchannel_logout_uri: state.logout_uri,
      backchannel_logout_session_required: true,
    }],
    jwks: { keys },
    cookies: { keys: [cookieKey] },
    acrValues: ['phr', 'low'],
    claims: { openid: ['sub'], profile: ['name'], groups: ['groups'], acr: null, amr: null, auth_time: null, sid: null, iss: null },
    scopes: ['openid', 'profile', 'groups'],
    conformIdTokenClaims: Boolean(state.userinfo),
    pkce: { required: () => true },
    features: { claimsParameter: { enabled: true }, devInteractions: { enabled: false }, backchannelLogout: { enabled: true } },
    interactions: { url: (ctx, interaction) => `/interaction/${interaction.uid}` },
    findAccount: (ctx, sub) => ({
      accountId: sub,
      claims: () => Object.values(state.users).find((user) => user.sub === sub),
    }),
    async loadExistingGrant(ctx) {
      const grant = new ctx.oidc.provider.Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId });
      grant.addOIDCScope(ctx.oidc.params.scope);
      grant.addOIDCClaims(['acr', 'amr', 'auth_time', 'sid']);
      await grant.save();
      return grant;
    },
    // The library refuses to call loopback addresses, which is where the tests are.
    fetch: (url, { dispatcher, ...options }) => globalThis.fetch(url, options),
  });
  made.on('server_error', (ctx, err) => console.error('server_error', err));
  made.on('backchannel.error', (ctx, err) => console.error('backchannel.error', err.message));
  made.on('grant.error', (ctx, err) => console.error('grant.error', err.message));
  made.on('authorization.error', (ctx, err) => console.error('authorization.error', err.message));
  return made;
}

async function body(req) {
  let text = '';
  for await (const chunk of req) text += chunk;
  return text;
}

async function interaction(req, res) {
  if (req.method === 'GET') {
    res.setHeader('Content-Type', 'text/html');
    res.end('<!doctype html><title>Sign in</title><form method="post"><label>Name <input name="login"></label><button>Sign in</button></form>');
    return;
  }
  const form = new URLSearchParams(await body(req));
  if (form.has('abort')) {
    await provider.interactionFinished(req, res, { error: 'access_denied' }, { mergeWithLastSubmission: false });
    return;
  }
  const user = state.users[form.get('login')];
  if (!user) {
    res.statusCode = 404;
    res.end('nobody has this name');
    return;
  }
  await provider.interactionFinished(req, res, { login: { accountId: user.sub, acr: user.acr, amr: user.amr } }, { mergeWithLastSubmission: false });
}

const server = createServer(async (req, res) => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  try {
    if (req.url === '/test/setup') {
      state = JSON.parse(await body(req));
      provider = make(issuer);
      res.end();
    } else if (req.url === '/test/rotate') {
      keys = newKeys();
      provider = make(issuer);
      res.end();
    } else if (!provider) {
      res.statusCode = 503;
      res.end();
    } else if (req.url.startsWith('/interaction/')) {
      await interaction(req, res);
    } else {
      provider.callback()(req, res);
    }
  } catch (err) {
    console.error(err);
    res.statusCode = 500;
    res.end();
  }
});
server.listen(0, '127.0.0.1', () => console.log(`listening http://127.0.0.1:${server.address().port}`));
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
