# SPDX-License-Identifier: MIT
from polyshm import ShareableList

try:
    visits = ShareableList(name="visits")
except FileNotFoundError:
    visits = ShareableList([0, "nobody"], name="visits", track=False)

print(f"{visits[0]} visits, the last by {visits[1]}")
visits.add(0, 1)
visits[1] = "Python"
