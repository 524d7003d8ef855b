# The part in dom0 of debug.py: our host domain, and a stock kernel in its guests.
# Lines "BENCH what value unit".
. /run/job/lib.sh
fail() { echo "BENCH-FAIL $*"; exit 1; }
. /run/job/files/pv/lib.sh
. /run/job/files/tiny-lib.sh
pv_up
tiny_root /run/root sh cat
cp /run/job/files/micro /run/root/bin/
pv_at_rest
python3 /run/job/bench/debug-times.py /srv/guest/vmlinux /run/root "$TIMES" || fail "debug-times.py"
echo BENCH-OK
