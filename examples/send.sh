#!/usr/bin/env bash
# Sends a signal signed as Standard Webhooks ask for. Needs curl and openssl.
#
#   WEBHOOK_SECRET=... examples/send.sh http://127.0.0.1:8787/webhook/model signal.json
#
# Without WEBHOOK_SECRET the signal goes unsigned, for sources that are open or have a secret in
# their path. The same id is sent on every try, so a repeat is one signal.
set -euo pipefail

[ $# -eq 2 ] || { echo "usage: ${0##*/} URL FILE" >&2; exit 2; }
url=$1
body=$(cat -- "$2")
id=msg_$(openssl rand -hex 12)

to_hex() {
    od -An -v -tx1 | tr -d ' \n'
}

sign() { # of "id.timestamp.body"; a whsec_ secret is base64, anything else is taken as it is
    local hex
    case $WEBHOOK_SECRET in
    whsec_*) hex=$(printf %s "${WEBHOOK_SECRET#whsec_}" | openssl base64 -d -A | to_hex) ;;
    *) hex=$(printf %s "$WEBHOOK_SECRET" | to_hex) ;;
    esac
    printf %s "$id.$1.$body" | openssl dgst -sha256 -mac HMAC -macopt "hexkey:$hex" -binary |
        openssl base64 -A
}

# 503 means that it was not kept: only then is sending again right.
for wait in 1 2 4 8 0; do
    now=$(date +%s)
    headers=(-H 'Content-Type: application/json')
    if [ -n "${WEBHOOK_SECRET:-}" ]; then
        headers+=(-H "webhook-id: $id" -H "webhook-timestamp: $now" \
                  -H "webhook-signature: v1,$(sign "$now")")
    fi
    answer=$(curl -sS -w '\n%{http_code}' --max-time 5 "${headers[@]}" \
        --data-binary "$body" "$url") || answer=$'\n000'
    status=${answer##*$'\n'}
    printf '%s\n' "$status ${answer%$'\n'*}"
    case $status in
    2??) exit 0 ;;
    000|429|503) sleep "$wait" ;;
    *) exit 1 ;;
    esac
done
exit 1
