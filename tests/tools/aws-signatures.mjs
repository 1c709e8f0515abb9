// An API that takes requests with an AWS Signature Version 4 only, checked by code of other authors: every signature is
// made once more by the npm package aws4, and those of services other than S3 also pass @filen/aws4-express, which is a
// server's side of the same.
//
//   node aws-signatures.mjs CONFIGURATION
//
// CONFIGURATION is JSON: {"key_id": …, "secret": …}. Listens on 127.0.0.1 and prints its address as one line of JSON. It
// stops when its standard input closes.
//
// A request that is signed as it came gets 200 and {"signed": ["host", …], "service": …, "hash": …}; any other 403 and a
// sentence. The hash of the body must be that of the body that came, or UNSIGNED-PAYLOAD.

import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import aws4 from 'aws4';
import filen from '@filen/aws4-express';
import { readBody } from './control.mjs';

const { key_id: keyId, secret } = JSON.parse(process.argv[2]);
const pattern = /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, SignedHeaders=([^,]+), Signature=[0-9a-f]{64}$/;
const verify = filen.awsVerify({ secretKey: () => secret, onSuccess: (_, request) => { request.isRight = true; } });

// As the package wants a request and a response of Express.
async function passesTheServersSide(request) {
  const response = { status: () => response, send: () => response };
  request.header = (name) => request.headers[name.toLowerCase()];
  await verify(request, response, () => {});
  return request.isRight === true;
}

async function problem(request) {
  const body = await readBody(request);
  const { authorization = '', 'x-amz-content-sha256': hash } = request.headers;
  const [, id, , region, service, signedHeaders] = authorization.match(pattern) ?? [];
  if (id !== keyId) return { problem: `no signature by ${keyId}: ${authorization}` };
  const signed = signedHeaders.split(';');
  const needed = Object.keys(request.headers).filter((name) => name.startsWith('x-amz-') || name === 'content-type');
  for (const name of ['host', ...needed]) if (!signed.includes(name)) return { problem: `${name} is not signed` };
  if (hash !== 'UNSIGNED-PAYLOAD' && hash !== createHash('sha256').update(body).digest('hex')) {
    return { problem: `${hash} is not the hash of the body` };
  }
  const headers = Object.fromEntries(signed.map((name) => [name, request.headers[name]]));
  const again = new aws4.RequestSigner(
    { method: request.method, path: request.url, headers, service, region, body, doNotModifyHeaders: true },
    { accessKeyId: keyId, secretAccessKey: secret },
  );
  again.datetime = request.headers['x-amz-date'];
  const wanted = again.sign().headers.Authorization;
  if (authorization !== wanted) return { problem: `${authorization} is not ${wanted}` };
  if (service !== 's3' && !(await passesTheServersSide(request))) return { problem: 'the server’s side refuses it' };
  return { signed, service, hash };
}

const server = createServer(async (request, response) => {
  const outcome = await problem(request);
  response.writeHead(outcome.problem ? 403 : 200, { 'Content-Type': 'application/json' });
  response.end(JSON.stringify(outcome));
});
server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ url: `http://127.0.0.1:${server.address().port}` })));

process.stdin.on('close', () => process.exit(0)).resume();
