#!/bin/sh
# A frontend's first calls. GATEWAY is the gateway's address, TOKEN a bearer token.
set -eu
call() { curl --silent --show-error --fail-with-body -H "Authorization: Bearer $TOKEN" "$@"; }

# Who am I, what may I do, where?
call "$GATEWAY/v1/me"
echo
# The regions of the regency, and the labels of a code (cached by ETag).
call "$GATEWAY/v1/regions?parent=62.02&limit=2"
echo
call "$GATEWAY/v1/code-lists"
echo
# Families of the caller's regions: masked, a page at a time; "next" goes into the next call.
call "$GATEWAY/v1/families?limit=2"
echo
