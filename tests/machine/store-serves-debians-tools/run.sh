# Debian's xenstore tools and the kernel work on our store; ours read what they wrote.
# on: host
# soak-on: peer-host
# secs: 60
. /run/job/files/pv/lib.sh
pv_up
for t in xenstore-{read,write,list,ls,exists,rm,chmod,watch}; do
    command -v $t > /dev/null || fail "$t is not in the image"
done
xenstore-write /test/a one /test/b two || fail write
[ "$(xenstore-read /test/a)" = one ] || fail read
[ "$(xenstore-list /test | sort | paste -sd' ')" = "a b" ] || fail list
[ "$(pvstore read /test/b)" = two ] || fail "pvstore read"
pvn store quotas | grep -q '^Domain-0 *0 ' || fail "pvn store quotas: $(pvn store quotas)"
pvn store quotas watches=200 > /dev/null || fail "pvn store quotas watches=200"
pvstore control quota | grep -q 'watches *: *200$' || fail "the quota was not set"
pvn store quotas watches=128 > /dev/null
xenstore-exists /test/b && ! xenstore-exists /test/c || fail exists
xenstore-chmod /test/a n0 r5 || fail chmod
xenstore-ls -f -p /test | grep -q 'a = "one".*(n0,r5)' || fail "ls -p: $(xenstore-ls -f -p /test)"
timeout 10 xenstore-watch -n 2 /test > /tmp/watched &
w=$!
sleep 1
xenstore-write /test/a three
wait $w
grep -q /test/a /tmp/watched || fail "watch: $(cat /tmp/watched)"
xenstore-rm /test || fail rm
xenstore-exists /test && fail "rm left it"
# Xen's own test of a store: transactions and their conflicts among other things;
# by the socket and through the kernel's ring.
for path in /run/xenstored/socket /dev/xen/xenbus; do
    XENSTORED_PATH=$path timeout 30 /usr/lib/xen-4.17/bin/test-xenstore -i 10 > /tmp/test-xenstore 2>&1 ||
        fail "test-xenstore by $path: $(tail -1 /tmp/test-xenstore)"
done
# Through the kernel's ring.
python3 - <<'P' || fail "/dev/xen/xenbus"
import os, struct
f = os.open("/dev/xen/xenbus", os.O_RDWR)
def ask(kind, payload):
    os.write(f, struct.pack("<IIII", kind, 7, 0, len(payload)) + payload)
    head = b""
    while len(head) < 16:
        head += os.read(f, 16 - len(head))
    kind, _, _, size = struct.unpack("<IIII", head)
    body = b""
    while len(body) < size:
        body += os.read(f, size - len(body))
    return kind, body
assert ask(11, b"/test/ring\0value") == (11, b"OK\0")
assert ask(2, b"/test/ring\0") == (2, b"value")
assert ask(2, b"/test/none\0") == (16, b"ENOENT\0")
assert ask(13, b"/test\0") == (13, b"OK\0")
P
