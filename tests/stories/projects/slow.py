"""A training that never ends."""

import time

time.sleep(600)
