-- SPDX-License-Identifier: MIT
-- The misuse that fuzz.lua makes up. POLYSHM_FUZZ_ROUNDS and POLYSHM_FUZZ_SEED
-- ask for more of it, or for other.

package.path = (arg[0]:match "^.*/" or "") .. "?.lua;" .. package.path
local check = require "check"
local fuzz = require "fuzz"

local rounds = math.tointeger(os.getenv "POLYSHM_FUZZ_ROUNDS") or 10000
local seed = math.tointeger(os.getenv "POLYSHM_FUZZ_SEED") or 1

local successes, refusals, unexpected = fuzz(seed, rounds)
print(("seed %d: %d calls succeeded, %d were refused"):format(
  seed, successes, refusals))
check.that(successes > rounds / 10)
check.that(refusals > rounds / 10)
check.same(#unexpected, 0)

check.done()
