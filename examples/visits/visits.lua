-- SPDX-License-Identifier: MIT
local polyshm = require "polyshm"

local visits = assert(polyshm.ShareableList(
  {0, "nobody"}, {name = "visits", exclusive = false, track = false}))

print(("%d visits, the last by %s"):format(visits[1], visits[2]))
visits:add(1, 1)
visits[2] = "Lua"
