"""A launcher in a process of its own, to be signalled and killed: parent.py NPROC COMMAND..."""

import signal
import sys

from mtcli.distributed.launch import Patience, supervise

# A shell that runs the tests in the background has SIGINT ignored, and children inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.exit(supervise(sys.argv[2:], int(sys.argv[1]), Patience(settle_s=0.3, grace_s=0.3)))
