---@meta polyshm.ffi
-- SPDX-License-Identifier: MIT
-- What editors need to know of the module "polyshm.ffi".

---polyshm for LuaJIT. The names, arguments and results are those of `polyshm`.
---LuaJIT's numbers are doubles: a whole number of at most 2^53 is stored as an
---int, another as a float, and an int that a double does not hold is an
---int64_t. Versions are uint64_t, an element of kind u64 above 2^53 is, too,
---and blocks have no `pack` and `unpack`. There are no managers.
---@class polyshm.ffi: polyshm
local polyshm = {}

---Mark a number to be stored as a float, also if it is whole.
---@param number number
---@return polyshm.Marked marked
---@nodiscard
function polyshm.float(number) end

return polyshm
