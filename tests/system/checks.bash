# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What the tests inside a booted tree share: checks that print a line each, and questions to service and journal.
export PATH=/opt/cardgate-test:/usr/sbin:/usr/bin:/sbin:/bin
number=0 failed=0

# check NAME COMMAND...: one line, and what the command said when it failed; then at_failure NUMBER, where it is defined.
check() {
  local name=$1 output
  shift
  number=$((number + 1))
  if output=$("$@" 2>&1); then
    echo "ok $number $name"
  else
    echo "not ok $number $name"
    sed 's/^/    /' <<<"$output"
    failed=1
    if declare -F at_failure >/dev/null; then at_failure "$number"; fi
  fi
}

has_failed() { [[ $failed -ne 0 ]]; }

# within SECONDS COMMAND...: until it succeeds.
within() {
  local deadline=$((SECONDS + $1))
  shift
  until "$@"; do
    [[ $SECONDS -lt $deadline ]] || return 1
    sleep 0.1
  done
}

# As grep -q, but it reads to the end: whoever still writes when grep -q has seen enough ends by SIGPIPE, and the pipe fails.
finds() { grep "$@" >/dev/null; }
is() { [[ $1 == "$2" ]] || { echo "expected '$2', got '$1'" && return 1; }; }
fails() { ! "$@"; }
refused() { # COMMAND...: says no, with words
  local said
  if said=$("$@" 2>&1); then echo "was not refused: $said" && return 1; fi
  [[ -n $said ]]
}

# The journal's entries of the service with this event; -o json.
entries() { journalctl --sync && journalctl -u cardgated -o json CARDGATE_EVENT="$1"; }
journal_has() { # EVENT [FIELD VALUE]
  entries "$1" | jq -es --arg field "${2:-}" --arg value "${3:-}" \
    'length > 0 and ($field == "" or any(.[]; .[$field] == $value))' >/dev/null
}

as_anna() { runuser -u anna -- "$@"; }
reader_listed() { as_anna cardgate status --json | jq -e '.readers | length > 0' >/dev/null; }
card_is_ready() { as_anna cardgate status --json | jq -e 'any(.readers[]; .card.state == "ready")' >/dev/null; }
