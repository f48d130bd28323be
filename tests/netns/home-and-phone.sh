#!/bin/sh
# Two network namespaces with one wire between them: `home`, where a gateway runs, and `phone`, where a browser does.
# Needs root and iproute2. Used by tests/src/netns.rs and by web/e2e; ID keeps several pairs apart.
#
#   home-and-phone.sh up ID              makes both: home has 10.87.0.1 and fd87::1, phone 10.87.0.2 and fd87::2;
#                                        the wire is lan0 on both sides
#   home-and-phone.sh home ID CMD...     runs a command at home
#   home-and-phone.sh phone ID CMD...    runs a command on the phone
#   home-and-phone.sh resolve ID NAME    prints what multicast DNS says on the phone (needs Node.js)
#   home-and-phone.sh hosts ID NAME IP   lets programs of the phone that have no multicast DNS know NAME
#   home-and-phone.sh down ID            removes both and ends what runs in them
#
# It sets nothing up outside of the two, so nothing leaves this machine.
set -eu

verb=${1:?a verb is expected, see the head of this file}
id=${2:?an ID is expected: letters and digits}
case $id in *[!a-z0-9]*) echo "ID is of letters and digits" >&2; exit 64 ;; esac
shift 2
home=bz-home-$id
phone=bz-phone-$id

ends() {
    for space in "$home" "$phone"; do
        ip netns pids "$space" 2>/dev/null | while read -r pid; do kill "$pid" 2>/dev/null || true; done
    done
}

# A browser breaks its connections off when an address comes, so nothing starts before the last one is there.
settles() {
    tries=100
    while ! ip -n "$1" -o link show dev lan0 | grep -q 'state UP' || ip -n "$1" -6 -o addr show dev lan0 tentative | grep -q .; do
        tries=$((tries - 1))
        [ "$tries" -gt 0 ] || { echo "the wire of $1 does not come up" >&2; exit 69; }
        sleep 0.05
    done
}

case $verb in
up)
    ip netns add "$home"
    ip netns add "$phone"
    ip -n "$home" link add lan0 type veth peer name lan0 netns "$phone"
    for space in "$home" "$phone"; do
        # Without duplicate detection addresses of a link are there as soon as it is up.
        for of in all lan0; do
            ip netns exec "$space" sh -c "echo 0 >/proc/sys/net/ipv6/conf/$of/accept_dad" 2>/dev/null || true
        done
        ip -n "$space" link set lo up
        ip -n "$space" link set lan0 up
        mkdir -p "/etc/netns/$space"
        printf '127.0.0.1 localhost\n::1 localhost\n' >"/etc/netns/$space/hosts"
        : >"/etc/netns/$space/resolv.conf"
    done
    ip -n "$home" addr add 10.87.0.1/24 dev lan0
    ip -n "$phone" addr add 10.87.0.2/24 dev lan0
    ip -n "$home" addr add fd87::1/64 dev lan0 nodad 2>/dev/null || true
    ip -n "$phone" addr add fd87::2/64 dev lan0 nodad 2>/dev/null || true
    # Multicast has to find the wire: there is no default route.
    for space in "$home" "$phone"; do ip -n "$space" route add 224.0.0.0/4 dev lan0; done
    for space in "$home" "$phone"; do settles "$space"; done
    ;;
home) exec ip netns exec "$home" "$@" ;;
phone) exec ip netns exec "$phone" "$@" ;;
resolve) exec ip netns exec "$phone" node "$(dirname "$0")/resolve.mjs" "$1" 10.87.0.2 ;;
hosts) printf '%s %s\n' "$2" "$1" >>"/etc/netns/$phone/hosts" ;;
down)
    ends
    for space in "$home" "$phone"; do
        ip netns del "$space" 2>/dev/null || true
        rm -rf "/etc/netns/$space"
    done
    ;;
*)
    echo "unknown verb $verb, see the head of this file" >&2
    exit 64
    ;;
esac
