# Sourced by the scripts beside it: a consortium of its own and a running coordinator, gone when the script ends.
# Sets: work (folder), port, and the identities $work/{lead,node}/identity.{pem,key}, $work/lead/authority.pem.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
coxswain=${COXSWAIN:-$root/.build/debug/coxswain}

require_tool() {  # name, how to get it
    command -v "$1" > /dev/null || { echo "skipped: $1 is not installed; $2"; exit 0; }
}

start_coordinator() {
    [ -x "$coxswain" ] || { echo "$coxswain is missing; run \"swift build\" first" >&2; exit 1; }
    work=$(mktemp -d)
    pid=
    trap '[ -z "$pid" ] || kill "$pid" 2> /dev/null || true; rm -rf "$work"' EXIT
    (
        cd "$work"
        "$coxswain" ca init --ca office --consortium demo-consortium
        "$coxswain" ca issue coordinator --ip 127.0.0.1 --ca office --out identity
        "$coxswain" ca issue node hospital-1 --ca office --out node
        "$coxswain" ca issue operator study-lead --ca office --out lead
        mkdir operator
        cp -r lead operator/identity
    ) > "$work/office.log"
    sed -e 's/^listen:.*/listen: 127.0.0.1:0\nport-file: port/' "$root/Config/coordinator.yaml" > "$work/coordinator.yaml"
    "$coxswain" coordinator run --config "$work/coordinator.yaml" > "$work/log" 2>&1 &
    pid=$!
    for _ in $(seq 600); do [ -s "$work/port" ] && break; sleep 0.1; done
    port=$(cat "$work/port")
}

# The coordinator must be alive and must not have failed at anything.
require_healthy() {
    kill -0 "$pid" || { echo "the coordinator has ended:"; tail -20 "$work/log"; exit 1; } >&2
    if grep -E " (error|critical) " "$work/log"; then echo "the coordinator's log has errors" >&2; exit 1; fi
}
