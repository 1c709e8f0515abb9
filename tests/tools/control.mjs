// What a test may ask of oidc-provider.mjs about the requests it got, and how it may break it; django-oauth.py answers
// the same addresses.
//
//   GET  /control/requests[?arrived=N]     {"arrived", "token": [OUTCOME, …], "by_grant": {grant: count}, "api": {…}};
//                                          with N the answer waits until N token requests have come
//   POST /control/reset                    forgets the requests, ends delays and failures
//   POST /control/delay?ms=N               token requests are carried out at once and answered N milliseconds later
//   POST /control/fail?status=S&times=N    the next N token requests (-1: all) get S and a page, and nothing else happens
//   POST /control/revoke-all               no token given so far is worth anything any more
//   POST /control/clients                  one more client, as in the configuration
//   GET  /api/me                           an API: 200 with a valid Bearer token, else 401
//
// OUTCOME: {"grant_type", "status", "error", "authentication": "basic" | "body" | "assertion" | "none", "parameters": [name, …]}, in
// the order of the answers. No values: a parameter may be a secret.

import { EventEmitter, once } from 'node:events';
import { setTimeout as after } from 'node:timers/promises';

export async function readBody(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

const untouched = () => ({ arrived: 0, token: [], api: { ok: 0, refused: 0 } });
const healthy = () => ({ delay: 0, status: 0, times: 0 });

function described(headers, form) {
  const inBody = form.has('client_assertion') ? 'assertion' : form.has('client_secret') ? 'body' : undefined;
  const inHeader = headers.authorization?.startsWith('Basic ');
  return {
    grant_type: form.get('grant_type') ?? '',
    authentication: inHeader ? 'basic' : inBody ?? 'none',
    parameters: [...new Set(form.keys())].sort(),
  };
}

// addClient(client), revokeAll() and isValid(access token) are the server's.
export function createControl({ addClient, revokeAll, isValid }) {
  const arrivals = new EventEmitter();
  let seen = untouched();
  let mood = healthy();

  const reset = () => {
    seen = untouched();
    mood = healthy();
  };

  const commands = {
    reset,
    delay: (query) => { mood.delay = Number(query.ms); },
    fail: (query) => Object.assign(mood, { status: Number(query.status), times: Number(query.times ?? 1) }),
    'revoke-all': revokeAll,
    clients: async (_, ctx) => addClient(JSON.parse(await readBody(ctx.req))),
  };

  async function requests({ arrived = 0 }) {
    while (seen.arrived < Number(arrived)) await once(arrivals, 'token');
    const byGrant = {};
    for (const { grant_type: grant } of seen.token) byGrant[grant] = (byGrant[grant] ?? 0) + 1;
    return { ...seen, by_grant: byGrant };
  }

  async function api(ctx) {
    const [scheme, token] = ctx.get('authorization').split(' ');
    if (scheme === 'Bearer' && token && (await isValid(token))) {
      seen.api.ok += 1;
      ctx.body = { name: 'Ana' };
    } else {
      seen.api.refused += 1;
      ctx.status = 401;
      ctx.set('WWW-Authenticate', token ? 'Bearer error="invalid_token"' : 'Bearer');
      ctx.body = { error: 'invalid_token' };
    }
  }

  // Answers the addresses above; false for any other.
  async function answered(ctx) {
    const [, area, name] = ctx.path.split('/');
    if (area === 'api') {
      await api(ctx);
    } else if (area === 'control' && name === 'requests') {
      ctx.body = await requests(ctx.query);
    } else if (area === 'control' && ctx.method === 'POST' && Object.hasOwn(commands, name)) {
      await commands[name](ctx.query, ctx);
      ctx.body = {};
    } else {
      return false;
    }
    return true;
  }

  // Around the token endpoint: notes the request and its outcome, and fails or waits as told.
  async function watch(ctx, next) {
    const body = await readBody(ctx.req);
    ctx.req.body = body; // the library takes it from here
    const request = described(ctx.headers, new URLSearchParams(body));
    const here = seen; // what belongs to the time before a reset is not counted after it
    const { delay } = mood;
    here.arrived += 1;
    arrivals.emit('token');
    if (mood.times !== 0) {
      if (mood.times > 0) mood.times -= 1;
      ctx.status = mood.status;
      ctx.type = 'html';
      ctx.body = '<!DOCTYPE html><title>Out of order</title><p>The server is out of order.</p>';
    } else {
      await next();
    }
    if (delay > 0) await after(delay);
    here.token.push({ ...request, status: ctx.status, error: ctx.body?.error ?? null });
  }

  return { answered, watch };
}
