-- What scripts/check asks of Lua.
std = "max" -- 5.3, 5.4 and LuaJIT
max_line_length = 82
self = false -- methods have one, whether they use it or not

-- Tests let go of things by assigning nil, and collect what became garbage; and
-- they hold on to others by names that nobody reads.
files["tests"] = {ignore = {"211", "231", "241", "311"}}
-- Declarations for editors, without bodies; see bindings/lua/doc.
files["bindings/lua/library"] = {
  ignore = {"212", "241"}, max_line_length = false,
}
