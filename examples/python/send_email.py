#!/usr/bin/env python3
"""Sends one email with stubs generated from proto/; see examples/README.md."""

import json
import os
import sys

import grpc
from google.rpc import error_details_pb2, status_pb2
from herald.v1 import email_service_pb2, email_service_pb2_grpc

# A repetition with the same key sends nothing twice, so UNAVAILABLE may be tried again.
RETRIES = json.dumps({"methodConfig": [{
    "name": [{"service": "herald.v1.EmailService"}],
    "retryPolicy": {
        "maxAttempts": 4,
        "initialBackoff": "0.1s",
        "maxBackoff": "2s",
        "backoffMultiplier": 2,
        "retryableStatusCodes": ["UNAVAILABLE"],
    },
}]})


def complain(error):
    print(error.details(), file=sys.stderr)
    for key, value in error.trailing_metadata():
        if key != "grpc-status-details-bin":
            continue
        for detail in status_pb2.Status.FromString(value).details:
            info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
            if detail.Unpack(info):
                print(info.reason, file=sys.stderr)
            if detail.Unpack(bad):
                for violation in bad.field_violations:
                    print(f"  {violation.field}: {violation.description}", file=sys.stderr)


def main():
    address, token = os.environ.get("HERALD_ADDR"), os.environ.get("HERALD_TOKEN")
    if not address or not token:
        print("set HERALD_ADDR and HERALD_TOKEN", file=sys.stderr)
        return 2
    request = email_service_pb2.SendEmailRequest(
        # Names the business event, never the attempt: the same event sends one email.
        idempotency_key="signup:user_42",
        recipient={"email": "delivered@sandbox.herald.test"},
        template={"key": "welcome"},
        **{"from": {"email": "shop@demo.herald.test"}},
    )
    request.variables.update({"firstName": "Ada", "shop": "Demo Shop"})
    # Plain text, as the quickstart's stack speaks on loopback; elsewhere grpc.secure_channel.
    with grpc.insecure_channel(address, [("grpc.service_config", RETRIES)]) as channel:
        stub = email_service_pb2_grpc.EmailServiceStub(channel)
        try:
            email, call = stub.SendEmail.with_call(
                request, timeout=10, metadata=[("authorization", f"Bearer {token}")])
        except grpc.RpcError as error:
            complain(error)
            return 1
    replayed = "herald-replayed" in dict(call.initial_metadata())
    print(email.id, "was accepted before" if replayed else "accepted")  # durable now
    return 0


if __name__ == "__main__":
    sys.exit(main())
