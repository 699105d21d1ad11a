#!/bin/sh
# An order from a shell: started, its steps completed, its result awaited. Needs curl and the worker; ANTIPHON_HTTP is the server's HTTP API.
set -eu
workflows="${ANTIPHON_HTTP:-http://127.0.0.1:8800}/api/v1/domains/${DOMAIN:-default}/workflows"
id="order-$$"
post() { curl -sS --fail-with-body -H 'content-type: application/json' "$@"; }

post "$workflows" -d '{"workflowId": "'$id'", "workflowType": "fulfilment", "taskList": "'${TASK_LIST:-fulfilment}'",
  "input": {"item": "lamp", "steps": ["pay", "ship"]}}'
post "$workflows/$id/signals/completeStep" -d '{"input": {"step": "pay", "by": "ada"}}'
curl -sS --fail-with-body "$workflows/$id/queries/progress"
post "$workflows/$id/signals/completeStep" -d '{"input": {"step": "ship", "by": "bob"}}'
curl -sS --fail-with-body -H 'x-timeout: 20s' "$workflows/$id/result"
