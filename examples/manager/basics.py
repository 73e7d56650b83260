# SPDX-License-Identifier: MIT
"""The example of SharedMemoryManager from Python's documentation."""

from polyshm.managers import SharedMemoryManager

if __name__ == "__main__":
    smm = SharedMemoryManager()
    smm.start()  # Start the process that manages the shared memory blocks
    sl = smm.ShareableList(range(4))
    print(list(sl))
    raw_shm = smm.SharedMemory(size=128)
    another_sl = smm.ShareableList("alpha")
    print(list(another_sl))
    smm.shutdown()  # Calls unlink() on sl, raw_shm, and another_sl
