# SPDX-License-Identifier: BSD-2-Clause
"""What the tools of the network see and do, inside a machine.  A line for each thing that is proved: "ok NAME" or "not NAME"; why not is on stderr."""
import json
import socket
import subprocess
import sys


def run(*words):
    """What a tool prints; its errors are part of it."""
    # A busybox that lies beside has tools of the same names.
    paths = {"ip": "/usr/sbin/ip", "ss": "/usr/bin/ss", "ping": "/usr/bin/ping", "traceroute": "/usr/sbin/traceroute"}
    done = subprocess.run([paths[words[0]], *words[1:]], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.stdout


def check(name, good, seen):
    print("ok" if good else "not", name, flush=True)
    if not good:
        print(f"{name}: {seen}", file=sys.stderr)


def addresses():
    text = run("ip", "-j", "addr")
    links = {link["ifname"]: link for link in json.loads(text)}
    locals_of = {name: [a["local"] for a in link["addr_info"]] for name, link in links.items()}
    check("ip addr: lo", locals_of["lo"] == ["127.0.0.1", "::1"], text)
    check("ip addr: eth0 has what DHCP said", "10.0.2.15" in locals_of["eth0"], text)
    run("ip", "addr", "add", "10.9.0.1/24", "brd", "+", "dev", "eth0")
    text = run("ip", "-4", "addr", "show", "dev", "eth0")
    check("ip addr add", "inet 10.9.0.1/24 brd 10.9.0.255" in text, text)
    text = run("ip", "addr", "add", "10.9.0.1/24", "dev", "eth0")
    check("ip addr add, once more", "File exists" in text, text)
    text = run("ip", "addr", "add", "10.9.0.1/24", "dev", "nosuch")
    check("ip addr add to nothing", "Cannot find device" in text, text)


def routes():
    text = run("ip", "route")
    check("ip route", "default via 10.0.2.2 dev eth0" in text and "10.9.0.0/24 dev eth0" in text, text)
    text = run("ip", "route", "get", "192.0.2.1")
    check("ip route get", "192.0.2.1 via 10.0.2.2 dev eth0 src 10.0.2.15" in text, text)
    text = run("ip", "route", "get", "127.0.0.1")
    check("ip route get, to this machine", text.startswith("local 127.0.0.1 dev lo"), text)
    run("ip", "route", "add", "198.51.100.0/24", "via", "10.9.0.9", "metric", "7")
    text = run("ip", "route")
    check("ip route add", "198.51.100.0/24 via 10.9.0.9 dev eth0 metric 7" in text, text)
    run("ip", "route", "del", "198.51.100.0/24")
    text = run("ip", "route")
    check("ip route del", "198.51.100.0" not in text, text)
    run("ip", "addr", "del", "10.9.0.1/24", "dev", "eth0")
    text = run("ip", "route")
    check("ip addr del takes its route along", "10.9.0" not in text, text)
    text = run("ip", "rule")
    check("ip rule", "32766:\tfrom all lookup main" in text, text)


def links():
    run("ip", "link", "set", "eth0", "mtu", "1400", "txqueuelen", "77")
    link = json.loads(run("ip", "-j", "-s", "link", "show", "dev", "eth0"))[0]
    check("ip link set", link["mtu"] == 1400 and link["txqlen"] == 77, link)
    check("ip -s link", link["stats64"]["rx"]["packets"] > 0, link)
    run("ip", "link", "set", "eth0", "down")
    text = run("ip", "link", "show", "dev", "eth0")
    check("ip link set down", "state DOWN" in text and ",UP" not in text, text)
    run("ip", "link", "set", "eth0", "up")
    text = run("ip", "link", "show", "dev", "eth0")
    check("ip link set up", ",UP" in text, text)
    check("if_nameindex", socket.if_nameindex() == [(1, "lo"), (2, "eth0")], socket.if_nameindex())


def sockets():
    server = socket.create_server(("127.0.0.1", 8080))
    client = socket.create_connection(("127.0.0.1", 8080))
    accepted = server.accept()
    datagrams = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    datagrams.bind(("::", 5353))
    text = run("ss", "-tanp")
    check("ss: who listens", "LISTEN" in text and "127.0.0.1:8080" in text, text)
    check("ss: who is connected", text.count("ESTAB") == 2, text)
    check("ss: whose they are", "python3" in text, text)
    text = run("ss", "-uan")
    check("ss: UDP", ":5353" in text, text)
    text = run("ss", "-xa")
    check("ss: unix sockets", "Netid" in text, text)
    for each in (accepted[0], client, server, datagrams):
        each.close()


def reaching():
    for host in ("127.0.0.1", "::1", "10.0.2.2"):
        text = run("ping", "-c", "2", "-i", "0.2", "-W", "20", host)
        check(f"ping {host}", "2 received" in text, text)
    text = run("traceroute", "-n", "-w", "20", "127.0.0.1")
    check("traceroute", " 1  127.0.0.1 " in text, text)
    found = socket.getaddrinfo("127.0.0.1", "http", type=socket.SOCK_STREAM)
    check("getaddrinfo", found[0][4] == ("127.0.0.1", 80), found)
    text = run("ip", "neigh")
    check("ip neigh", "10.0.2.2 dev eth0 lladdr" in text, text)


addresses()
routes()
sockets()
reaching()
links()
print("ok all is done")
