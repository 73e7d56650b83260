-- SPDX-License-Identifier: MIT
-- On LuaJIT, require "polyshm" is require "polyshm.ffi".
return require "polyshm.ffi"
