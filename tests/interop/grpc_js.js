// Talks to Herald with a gRPC stack that nobody here wrote: sends one email, sends a bad one and
// reads its ErrorInfo, and replays the good one under its idempotency key.
//
//   node grpc_js.js --addr HOST:PORT --token TOKEN --from ADDRESS --to ADDRESS
//                   [--template KEY [--vars JSON]] [--key KEY] [--protos FOLDER]
//
// Without --template the content is inline. Exits 0 when everything is as the contract says.
'use strict';

const assert = require('assert');
const path = require('path');
const { parseArgs } = require('util');
const grpc = require('@grpc/grpc-js');
const protoLoader = require('@grpc/proto-loader');

const DEADLINE_MS = 10000;

const { values: args } = parseArgs({
  options: {
    addr: { type: 'string' },
    token: { type: 'string' },
    from: { type: 'string' },
    to: { type: 'string' },
    template: { type: 'string' },
    vars: { type: 'string', default: '{}' },
    key: { type: 'string', default: `grpc-js:${process.pid}:${Date.now()}` },
    protos: { type: 'string', default: path.join(__dirname, '..', '..', 'proto') },
  },
});
for (const name of ['addr', 'token', 'from', 'to']) {
  assert(args[name], `--${name} is missing`);
}

const definition = protoLoader.loadSync(
  ['herald/v1/email_service.proto', 'google/rpc/status.proto', 'google/rpc/error_details.proto'],
  { includeDirs: [args.protos], keepCase: true, enums: String, longs: String, defaults: true },
);

// A google.protobuf.Value as proto-loader takes it; it knows no JSON mapping of Struct.
function toValue(value) {
  if (value === null) return { nullValue: 'NULL_VALUE' };
  if (Array.isArray(value)) return { listValue: { values: value.map(toValue) } };
  switch (typeof value) {
    case 'string': return { stringValue: value };
    case 'number': return { numberValue: value };
    case 'boolean': return { boolValue: value };
    default: return { structValue: toStruct(value) };
  }
}

function toStruct(object) {
  const entries = Object.entries(object).map(([name, value]) => [name, toValue(value)]);
  return { fields: Object.fromEntries(entries) };
}

function buildRequest() {
  const request = {
    idempotency_key: args.key,
    recipient: { email: args.to },
    from: { email: args.from },
  };
  if (args.template) {
    request.template = { key: args.template };
    request.variables = toStruct(JSON.parse(args.vars));
  } else {
    request.inline = { subject: 'Hello from grpc-js', text: 'Sent by tests/interop/grpc_js.js.' };
  }
  return request;
}

// Resolves to the answer and the initial metadata; rejects with the ServiceError.
function send(client, request) {
  const metadata = new grpc.Metadata();
  metadata.set('authorization', `Bearer ${args.token}`);
  return new Promise((resolve, reject) => {
    let initial = new grpc.Metadata();
    const options = { deadline: Date.now() + DEADLINE_MS };
    const call = client.SendEmail(request, metadata, options, (error, email) => {
      if (error) reject(error);
      else resolve({ email, metadata: initial });
    });
    call.on('metadata', (received) => { initial = received; });
  });
}

function decodeDetail(any) {
  const name = any.type_url.split('/').pop();
  const type = definition[name];
  assert(type, `unknown detail ${name}`);
  return { name, value: type.deserialize(any.value) };
}

function errorDetails(error) {
  const [bytes] = error.metadata.get('grpc-status-details-bin');
  assert(bytes, 'the error carries no grpc-status-details-bin');
  const status = definition['google.rpc.Status'].deserialize(bytes);
  assert.strictEqual(status.code, error.code, 'the details disagree with the status code');
  return status.details.map(decodeDetail);
}

async function sendBad(client) {
  const request = { ...buildRequest(), idempotency_key: `${args.key}:bad`, recipient: { email: 'no address' } };
  let error;
  try {
    await send(client, request);
  } catch (caught) {
    error = caught;
  }
  assert(error, 'a bad recipient was accepted');
  assert.strictEqual(error.code, grpc.status.INVALID_ARGUMENT, String(error));
  const details = errorDetails(error);
  const info = details.find((detail) => detail.name === 'google.rpc.ErrorInfo');
  assert(info, 'the error carries no ErrorInfo');
  assert.strictEqual(info.value.domain, 'herald');
  assert(info.value.reason, 'ErrorInfo has no reason');
  const badRequest = details.find((detail) => detail.name === 'google.rpc.BadRequest');
  assert(badRequest, 'the error carries no BadRequest');
  const fields = badRequest.value.field_violations.map((violation) => violation.field);
  assert(fields.includes('recipient.email'), `recipient.email is not among ${fields}`);
  console.log(`refused ${info.value.reason} ${fields.join(' ')}`);
}

async function main() {
  const { EmailService } = grpc.loadPackageDefinition(definition).herald.v1;
  const client = new EmailService(args.addr, grpc.credentials.createInsecure());
  try {
    const first = await send(client, buildRequest());
    assert.match(first.email.id, /^em_/);
    assert.deepStrictEqual(first.metadata.get('herald-replayed'), []);
    console.log(`sent ${first.email.id}`);

    await sendBad(client);

    const second = await send(client, buildRequest());
    const replayed = second.metadata.get('herald-replayed');
    assert.deepStrictEqual(replayed, ['true'], 'the replay is not marked');
    assert.strictEqual(second.email.id, first.email.id, 'the replay has another id');
    console.log(`replayed ${second.email.id} herald-replayed=${replayed[0]}`);
  } finally {
    client.close();
  }
}

main().catch((error) => {
  console.error(`grpc_js: ${error.message}`);
  process.exitCode = 1;
});
