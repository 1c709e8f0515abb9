// An authorization server that Connectory's authors did not write, for the tests of the password grant.
//
//   node oauth2-mock-server.mjs [PORT]
//
// Listens on 127.0.0.1, on a free port if none is given. When it is ready it prints one line of JSON,
// {"issuer": …, "token_url": …}. It stops when its standard input closes, so a test that dies leaves nothing behind:
// start it with a pipe, not with /dev/null.
//
// The library grants every request. The hooks below add what a real server does: only ana may have a token, and no two
// tokens are alike, even in the same second.

import { randomUUID } from 'node:crypto';
import { OAuth2Server } from 'oauth2-mock-server';

const PEOPLE = new Map([['ana', 'correct-horse']]);

const server = new OAuth2Server();
await server.issuer.keys.generate('RS256');

server.service.on('beforeTokenSigning', (token) => {
  token.payload.jti = randomUUID();
});

server.service.on('beforeResponse', (response, request) => {
  const { grant_type: grant, username, password } = request.body;
  const known = PEOPLE.has(username) && PEOPLE.get(username) === password;
  if (grant === 'password' && !known) {
    response.statusCode = 400;
    response.body = { error: 'invalid_grant', error_description: 'The user name or the password is wrong.' };
  }
});

await server.start(Number(process.argv[2] ?? 0), '127.0.0.1');
// The library calls itself "localhost", which may be looked up as ::1, where nothing listens.
server.issuer.url = `http://127.0.0.1:${server.address().port}`;
const { url } = server.issuer;
console.log(JSON.stringify({ issuer: url, token_url: `${url}/token` }));

process.stdin.on('close', () => process.exit(0)).resume();
