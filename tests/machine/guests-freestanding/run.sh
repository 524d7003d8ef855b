# The freestanding guests (tests/machine/guest-*): each of their cases is a test
# of its own, named guest/<claim>/<case>.
# on: guests
# secs: 300
xen_up
bash /run/job/files/guests/guest-job.sh /run/job/files/guests
