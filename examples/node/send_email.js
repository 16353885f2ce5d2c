// Sends one email with @grpc/grpc-js; see examples/README.md.
'use strict';

const path = require('path');
const grpc = require('@grpc/grpc-js');
const protoLoader = require('@grpc/proto-loader');

const definition = protoLoader.loadSync(
  ['herald/v1/email_service.proto', 'google/rpc/status.proto', 'google/rpc/error_details.proto'],
  { includeDirs: [path.join(__dirname, '..', '..', 'proto')], enums: String, longs: String, defaults: true },
);
const { herald } = grpc.loadPackageDefinition(definition);

// A repetition with the same key sends nothing twice, so UNAVAILABLE may be tried again.
const retries = JSON.stringify({
  methodConfig: [{
    name: [{ service: 'herald.v1.EmailService' }],
    retryPolicy: {
      maxAttempts: 4,
      initialBackoff: '0.1s',
      maxBackoff: '2s',
      backoffMultiplier: 2,
      retryableStatusCodes: ['UNAVAILABLE'],
    },
  }],
});

function details(error) {
  const [bytes] = error.metadata.get('grpc-status-details-bin');
  if (!bytes) return [];
  return definition['google.rpc.Status'].deserialize(bytes).details.map((any) => {
    const name = any.type_url.split('/').pop();
    return { name, ...definition[name].deserialize(any.value) };
  });
}

const { HERALD_ADDR: address, HERALD_TOKEN: token } = process.env;
if (!address || !token) {
  console.error('set HERALD_ADDR and HERALD_TOKEN');
  process.exit(2);
}
// Plain text, as the quickstart's stack speaks on loopback; elsewhere grpc.credentials.createSsl().
const client = new herald.v1.EmailService(address, grpc.credentials.createInsecure(), {
  'grpc.service_config': retries,
});
const metadata = new grpc.Metadata();
metadata.set('authorization', `Bearer ${token}`);

const request = {
  // Names the business event, never the attempt: the same event sends one email.
  idempotencyKey: 'signup:user_42',
  recipient: { email: 'delivered@sandbox.herald.test' },
  from: { email: 'shop@demo.herald.test' },
  template: { key: 'welcome' },
  variables: {
    fields: { firstName: { stringValue: 'Ada' }, shop: { stringValue: 'Demo Shop' } },
  },
};

let replayed = false;
const call = client.SendEmail(request, metadata, { deadline: Date.now() + 10000 }, (error, email) => {
  client.close();
  if (!error) {  // durable now
    console.log(email.id, replayed ? 'was accepted before' : 'accepted');
    return;
  }
  console.error(error.details);
  for (const { reason, fieldViolations } of details(error)) {
    if (reason) console.error(reason);
    for (const violation of fieldViolations || []) {
      console.error(`  ${violation.field}: ${violation.description}`);
    }
  }
  process.exitCode = 1;
});
call.on('metadata', (initial) => { replayed = initial.get('herald-replayed').length > 0; });
