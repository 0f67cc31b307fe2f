#!/bin/sh
# Runs inside a fresh Debian under its own systemd, started by `cargo xtask package deb --check-units`. Takes the package
# through its life: install, first answer, server, sign-in, agent, upgrade, removal, purge. The last line says how it ended.
set -eu
export DEBIAN_FRONTEND=noninteractive
deb=$1
data=/var/lib/patchwright
origin=http://127.0.0.1:8470

step() { echo "== $*"; }
fail() { echo "FAILED: $*"; exit 1; }
trap 'echo "ended with $? in the step above"' EXIT

# Signs in by a one-time link as a browser would; the session is in $2 afterwards.
sign_in() {
    secret=$(curl -fsS "$1" | sed -n 's/.*name="secret" value="\([^"]*\)".*/\1/p')
    [ -n "$secret" ] || fail "the sign-in page holds no secret"
    code=$(curl -sS -o /dev/null -w '%{http_code}' -c "$2" -H "Origin: $origin" --data "secret=$secret" "$origin/sign-in/link")
    [ "$code" = 303 ] || fail "signing in answered $code"
    curl -fsS -b "$2" "$origin/" | grep '<h1>What needs patching first' >/dev/null || fail "no Today page behind the sign-in"
}

wait_for_port() {
    for _ in $(seq 100); do
        curl -sS -o /dev/null "$origin/sign-in" 2>/dev/null && return
        sleep 0.1
    done
    fail "nobody listens at $origin"
}

all_owned() {
    alien=$(find "$data" ! -user patchwright)
    [ -z "$alien" ] || fail "not the server's: $alien"
}

step install
apt-get install --yes --no-install-recommends "$deb" >/dev/null
for unit in patchwright.service patchwright-agent.timer; do
    [ "$(systemctl is-enabled "$unit" || true)" = disabled ] || fail "installing enabled $unit"
    [ "$(systemctl is-active "$unit" || true)" = inactive ] || fail "installing started $unit"
done
systemd-analyze verify --man=no /lib/systemd/system/patchwright.service /lib/systemd/system/patchwright-agent.service \
    /lib/systemd/system/patchwright-agent.timer

step "first answer by root"
patchwright up --no-serve --offline
all_owned

step "up serves and one can sign in"
patchwright up --offline >/tmp/up.out 2>/tmp/up.err &
up=$!
wait_for_port
for _ in $(seq 100); do
    link=$(sed -n 's/.*\(http:[^ ]*sign-in\/link[^ ]*\).*/\1/p' /tmp/up.err)
    [ -n "$link" ] && break
    sleep 0.1
done
sign_in "$link" /tmp/up.jar
kill -TERM "$up"
wait "$up" || fail "up ended with $?"

step "server as a unit"
systemctl start patchwright.service
wait_for_port
sign_in "$(patchwright link --quiet)" /tmp/unit.jar
user=$(ps -o user= -p "$(systemctl show --property MainPID --value patchwright.service)")
[ "$user" = patchwri+ ] || [ "$user" = patchwright ] || fail "the server runs as $user"
all_owned

step "agent as a unit"
systemctl start patchwright-agent.service
[ "$(systemctl show --property Result --value patchwright-agent.service)" = success ] || fail "the agent failed"
curl -fsS -b /tmp/unit.jar "$origin/api/v1/hosts" | grep '"total":1' >/dev/null || fail "the server does not know this host"
systemctl enable --now patchwright-agent.timer 2>/dev/null
systemctl list-timers --no-pager | grep -q patchwright-agent.timer || fail "the timer has no next run"

step "upgrade keeps the server running"
before=$(systemctl show --property MainPID --value patchwright.service)
dpkg --install "$deb" >/dev/null
wait_for_port
[ "$(systemctl show --property MainPID --value patchwright.service)" != "$before" ] || fail "the old server goes on"
curl -fsS -b /tmp/unit.jar "$origin/" >/dev/null || fail "the session did not live through the upgrade"

step "killed, it comes back and its records hold"
kill -KILL "$(systemctl show --property MainPID --value patchwright.service)"
sleep 6
wait_for_port
patchwright audit verify

step "removal keeps the data, purge does not"
apt-get remove --yes patchwright >/dev/null
[ "$(systemctl is-active patchwright.service || true)" != active ] || fail "the server runs on"
[ -s "$data/patchwright.db" ] || fail "removing took the data"
apt-get purge --yes patchwright >/dev/null
[ ! -e "$data" ] || fail "purging left the data"
[ -z "$(systemctl --failed --no-legend --plain | grep patchwright || true)" ] || fail "a unit is left as failed"

trap - EXIT
echo "ALL GOOD"
