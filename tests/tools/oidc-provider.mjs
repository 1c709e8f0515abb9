// An authorization server that Connectory's authors did not write (the npm package oidc-provider, which is certified for
// OpenID Connect), for authorization code with PKCE, device codes, refreshing with rotation, client credentials and revocation.
//
//   node oidc-provider.mjs [CONFIGURATION]
//
// CONFIGURATION is JSON; everything in it may be left out:
//
//   {"port": 0, "clients": [CLIENT, …], "access_token_seconds": 3600, "refresh_token_seconds": 86400,
//    "pkce_required": true, "rotate": true, "people": {NAME: CLAIMS, …}, "signing": "ES256"}
//
// PEOPLE may sign in besides ana, all with her password; their claims are told at the UserInfo endpoint: name and
// preferred_username for the scope profile, groups for the scope groups. SIGNING is ES256, RS256, PS256 or EdDSA.
//   CLIENT: {"client_id": …, "client_secret": …, "authentication": "basic" | "body" | "none" | "private_key_jwt" |
//            "client_secret_jwt", "keys": [{"pem": PUBLIC KEY, "kid": …}, …],
//            "grants": ["authorization_code" | "implicit" | "client_credentials" | "device" | "jwt_bearer" …], "redirect_uris": [URL, …]}
//
// Listens on 127.0.0.1. When it is ready it prints one line of JSON with its addresses. It stops when its standard input
// closes, so a test that dies leaves nothing behind: start it with a pipe, not with /dev/null.
//
// Rotated refresh tokens may be used once: the second use revokes the whole grant (RFC 9700, section 4.14.2).
// Answers to an authorization request carry `iss` (RFC 9207); scopes are openid, offline_access, profile, groups, read and write, and
// other ones are left out in silence. A resource indicator (RFC 8707) may be any address below /api/; any other one is
// refused with invalid_target.
// The user is ana, the password correct-horse. The pages to sign in and to consent need no script.
//
// Two things the library does not do are made up for before a request reaches it: it has no response_type=token, so it
// is asked for `id_token token` and the answer has an id_token that the client did not ask for; and it has no scope that
// stands for none, so a request without one asks for read. It has no password grant either: see django-oauth.py.
//
// For the tests, below the same address (control.mjs): what was asked of the token endpoint, and how to break it.

import { createPublicKey, generateKeyPairSync, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { createControl, readBody } from './control.mjs';
import { codePage, consentPage, donePage, errorPage, signInPage } from './oidc-provider-pages.mjs';

// The library warns of every Node.js but the newest, and of each choice made here; the tests read the first line only.
console.warn = () => {};
console.info = () => {};
const { Provider, errors } = await import('oidc-provider');

const PASSWORD = 'correct-horse';
const SCOPES = ['openid', 'offline_access', 'profile', 'groups', 'read', 'write'];
const AUTHENTICATION = {
  basic: 'client_secret_basic',
  body: 'client_secret_post',
  none: 'none',
  private_key_jwt: 'private_key_jwt',
  client_secret_jwt: 'client_secret_jwt',
};

const KEYS = {
  ES256: ['ec', { namedCurve: 'P-256' }],
  RS256: ['rsa', { modulusLength: 2048 }],
  PS256: ['rsa', { modulusLength: 2048 }],
  EdDSA: ['ed25519', {}],
};

const config = JSON.parse(process.argv[2] ?? '{}');
const people = { ana: {}, ...config.people };
const signing = config.signing ?? 'ES256';
const server = createServer();
await new Promise((ready) => server.listen(config.port ?? 0, '127.0.0.1', ready));
const issuer = `http://127.0.0.1:${server.address().port}`;

const provider = new Provider(issuer, {
  scopes: SCOPES,
  responseTypes: ['code', 'id_token token'],
  claims: { openid: ['sub'], profile: ['name', 'preferred_username'], groups: ['groups'] },
  clientDefaults: { id_token_signed_response_alg: signing },
  enabledJWA: { idTokenSigningAlgValues: Object.keys(KEYS) },
  jwks: { keys: [generateKeyPairSync(...KEYS[signing]).privateKey.export({ format: 'jwk' })] },
  cookies: { keys: [randomUUID()] },
  pkce: { required: (_, client) => (config.pkce_required ?? true) || client.clientAuthMethod === 'none' },
  issueRefreshToken: (_, client) => client.grantTypeAllowed('refresh_token'),
  rotateRefreshToken: config.rotate ?? true,
  ttl: {
    AccessToken: config.access_token_seconds ?? 3600,
    ClientCredentials: config.access_token_seconds ?? 3600,
    RefreshToken: config.refresh_token_seconds ?? 86400,
    AuthorizationCode: 60,
    Grant: 7 * 86400,
    IdToken: 3600,
    Interaction: 600,
    Session: 3600,
  },
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    revocation: { enabled: true },
    deviceFlow: {
      enabled: true,
      userCodeInputSource: (ctx, form) => show(ctx, 200, codePage(form)),
      userCodeConfirmSource: (ctx, form, client, device, code) => show(ctx, 200, codePage(form, code)),
      successSource: (ctx) => show(ctx, 200, donePage()),
    },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => undefined,
      useGrantedResource: () => true,
      getResourceServerInfo: (_, resource) => {
        if (!resource.startsWith(`${issuer}/api/`)) throw new errors.InvalidTarget();
        return { scope: 'read write', accessTokenFormat: 'opaque' };
      },
    },
  },
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, ...people[id] }) }),
  renderError: (ctx, out) => show(ctx, ctx.status, errorPage(out)),
});
provider.on('server_error', (_, error) => console.error(error));

// The JWT bearer grant (RFC 7523, section 2.1), which the library has no grant for: an assertion that the client has signed
// for ana, addressed to the token endpoint, for five minutes at most and once.
const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const spent = new Set();
provider.registerGrantType(JWT_BEARER, async (ctx) => {
  const { client, params } = ctx.oidc;
  const verified = await jwtVerify(params.assertion, createLocalJWKSet(client.jwks), {
    issuer: client.clientId,
    subject: 'ana',
    audience: `${issuer}/token`,
    maxTokenAge: 300,
    requiredClaims: ['exp', 'jti'],
  }).catch((error) => { throw new errors.InvalidGrant(error.message); });
  if (spent.has(verified.payload.jti)) throw new errors.InvalidGrant('the assertion was used');
  spent.add(verified.payload.jti);
  const token = new provider.ClientCredentials({ client, scope: params.scope ?? verified.payload.scope });
  ctx.body = { access_token: await token.save(), expires_in: token.expiration, token_type: token.tokenType, scope: token.scope };
}, ['assertion', 'scope']);

// Everything that was ever given out, for revoking it all.
const issued = new Set();
for (const kind of ['access_token', 'refresh_token', 'client_credentials', 'authorization_code', 'grant']) {
  provider.on(`${kind}.saved`, (token) => issued.add(token));
}

const publicKey = ({ pem, kid }) => ({ ...createPublicKey(pem).export({ format: 'jwk' }), kid, use: 'sig' });

async function addClient(client) {
  const grants = client.grants ?? ['authorization_code'];
  const implicit = grants.includes('implicit');
  const code = grants.includes('authorization_code');
  const device = grants.includes('device');
  const metadata = {
    client_id: client.client_id,
    client_name: client.client_id,
    client_secret: client.client_secret,
    token_endpoint_auth_method: AUTHENTICATION[client.authentication ?? 'basic'],
    redirect_uris: client.redirect_uris ?? [],
    grant_types: [
      ...grants.filter((grant) => grant !== 'device' && grant !== 'jwt_bearer'),
      ...(grants.includes('jwt_bearer') ? [JWT_BEARER] : []),
      ...(device ? ['urn:ietf:params:oauth:grant-type:device_code'] : []),
      ...(code || device ? ['refresh_token'] : []),
    ],
    response_types: [...(code ? ['code'] : []), ...(implicit ? ['id_token token'] : [])],
    ...(client.keys ? { jwks: { keys: client.keys.map(publicKey) } } : {}),
    // Only a native application may be answered in a fragment without TLS.
    application_type: implicit ? 'native' : 'web',
  };
  await provider.Client.validate(metadata);
  await provider.Client.adapter.upsert(metadata.client_id, metadata);
}

async function revokeAll() {
  await Promise.all([...issued].map((token) => token.destroy()));
  issued.clear();
}

function show(ctx, status, html) {
  ctx.status = status;
  ctx.type = 'html';
  ctx.body = html;
}

// The pages between the client's redirect to this server and this server's redirect back.
async function interact(ctx) {
  const interaction = await provider.interactionDetails(ctx.req, ctx.res);
  const signingIn = interaction.prompt.name === 'login';
  const page = (message) => (signingIn ? signInPage(message) : consentPage(interaction));
  if (ctx.method !== 'POST') return show(ctx, 200, page());

  const form = new URLSearchParams(await readBody(ctx.req));
  let result;
  if (signingIn) {
    const name = form.get('username');
    if (!Object.hasOwn(people, name) || form.get('password') !== PASSWORD) {
      return show(ctx, 403, page('The user name or the password is wrong.'));
    }
    result = { login: { accountId: name } };
  } else if (form.get('answer') === 'allow') {
    result = { consent: { grantId: await consent(interaction) } };
  } else {
    result = { error: 'access_denied', error_description: 'ana does not want it.' };
  }
  ctx.redirect(await provider.interactionResult(ctx.req, ctx.res, result));
  ctx.status = 303;
}

async function consent({ grantId, session, params, prompt }) {
  const found = grantId && (await provider.Grant.find(grantId));
  const grant = found || new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
  grant.addOIDCScope((prompt.details.missingOIDCScope ?? []).join(' '));
  for (const [resource, scopes] of Object.entries(prompt.details.missingResourceScopes ?? {})) {
    grant.addResourceScope(resource, scopes.join(' '));
  }
  return grant.save();
}

// See the top: what the library would refuse, put so that it does not.
function adapt(ctx) {
  const query = new URLSearchParams(ctx.querystring);
  const scopes = new Set((query.get('scope') || 'read').split(' '));
  if (query.get('response_type') === 'token') {
    query.set('response_type', 'id_token token');
    query.set('nonce', randomUUID());
    scopes.add('openid');
  }
  query.set('scope', [...scopes].join(' '));
  ctx.querystring = query.toString();
}

async function isValid(token) {
  return Boolean((await provider.AccessToken.find(token)) ?? (await provider.ClientCredentials.find(token)));
}

const control = createControl({ addClient, revokeAll, isValid });
provider.use(async (ctx, next) => {
  if (await control.answered(ctx)) return;
  if (ctx.path === '/auth') adapt(ctx);
  if (ctx.path.startsWith('/interaction/')) {
    await interact(ctx);
  } else if (ctx.path === '/token') {
    await control.watch(ctx, next);
  } else {
    await next();
  }
});

for (const client of config.clients ?? []) await addClient(client);
server.on('request', provider.callback());
console.log(JSON.stringify({
  issuer,
  authorize_url: `${issuer}/auth`,
  token_url: `${issuer}/token`,
  revocation_url: `${issuer}/token/revocation`,
  discovery_url: `${issuer}/.well-known/openid-configuration`,
  api_url: `${issuer}/api/me`,
  control_url: `${issuer}/control`,
}));

process.stdin.on('close', () => process.exit(0)).resume();
