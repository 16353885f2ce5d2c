// Signs a payload with Svix's own library, posts it, and prints the HTTP status.
//
//   node svix_sign.js URL SECRET PAYLOAD [ID] [AGE_SECONDS]
//
// AGE_SECONDS moves the signed timestamp into the past (negative: into the future).
"use strict";

const { Webhook } = require("svix");

async function main([url, secret, payload, id = `msg_${Date.now()}`, age = "0"]) {
  if (!url || !secret || payload === undefined) {
    throw new Error("usage: svix_sign.js URL SECRET PAYLOAD [ID] [AGE_SECONDS]");
  }
  const at = new Date(Date.now() - Number(age) * 1000);
  const answer = await fetch(url, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "svix-id": id,
      "svix-timestamp": String(Math.floor(at.getTime() / 1000)),
      "svix-signature": new Webhook(secret).sign(id, at, payload),
    },
    body: payload,
  });
  console.log(answer.status);
}

main(process.argv.slice(2)).catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
});
