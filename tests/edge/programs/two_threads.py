"""Two threads of Python that both want to go on; prints how often the process gave up its processor."""

import resource
import sys
import threading


def count_up():
    for _ in range(3_000_000):
        pass


threads = [threading.Thread(target=count_up) for _ in range(2)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
sys.stdout.write(str(resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw))
