-- SPDX-License-Identifier: MIT

--- Memory that processes share by name: blocks of bytes, and lists of values.
--
-- What may be expected to fail returns nil, a message and a code, one of the
-- numbers polyshm.E_NOT_FOUND, E_EXISTS, E_SPACE, E_TIMEOUT and so on. What is
-- a mistake of the program is an error: a wrong argument, a place that is not
-- there, the use of what was closed, a change through what is read-only.
--
-- Timeouts are seconds, with fractions: 0 does not sleep, and nil and
-- polyshm.FOREVER have no end.
--
-- Element access is C functions of polyshm.core; here is only what makes or
-- attaches blocks and lists.

-- SWIG puts two functions among the globals. What was there before stays there.
local swig_type = rawget(_G, "swig_type")
local swig_equals = rawget(_G, "swig_equals")
local core = require "polyshm.core"
rawset(_G, "swig_type", swig_type)
rawset(_G, "swig_equals", swig_equals)
local checks = require "polyshm.checks"

-- From now on, the programs that this one starts belong to its process tree.
core.tree_enter()

local polyshm = {
  _VERSION = ("polyshm %d.%d.%d"):format(
    core.version() >> 16, core.version() >> 8 & 0xff, core.version() & 0xff),

  --- Remove a block's or a list's name. Who has it open keeps it.
  unlink = core.unlink,

  --- What the block or list of this name is, without attaching it: a table with
  --
  --   name, size        its size is bytes
  --   kind              "block" or "list"; a list has a length, too
  --   mode, uid         permissions and owner
  --   created           seconds since 1970, if that is known
  --   tracked           whether it goes away with its last holder
  --   held              whether some process has it open; nil if this user may
  --                     not know
  --   kept              whether the process tree that made it is alive
  --   orphan            whether it is tracked and nobody is left
  inspect = core.inspect,

  --- for info in polyshm.blocks() do ... end visits all blocks, in the order of
  -- their names, with tables like those of inspect.
  blocks = core.blocks,

  --- A table of the ids of the processes that have a block open, as far as this
  -- user may see them.
  holders = core.holders,

  --- Mark a string to be stored as str, which must be UTF-8, or as bytes.
  -- Other strings are stored as str if they are UTF-8, and else as bytes.
  str = core.str,
  bytes = core.bytes,

  --- The timeout that has no end.
  FOREVER = math.huge,
}

for name, value in pairs(core) do
  if name:find "^E_" then polyshm[name] = value end
end

-- Errors of the checks are those of the function's caller.
local check_options, check_type = checks.check, checks.check_type
local attach_flags, create_flags = checks.attach_flags, checks.create_flags
local finish, finish_list = checks.finish, checks.finish_list
local block_options, list_options = checks.block, checks.list
local gc_options = {
  dry_run = "boolean",
}

--- Attach a block by its name, or make one.
--
-- SharedMemory(name) and SharedMemory{name = name} attach the block that is
-- there. SharedMemory{create = true, size = bytes} makes a new one of zeroed
-- bytes; its name is drawn if none is given. Options:
--
--   name        string
--   create      true to make a block. A name that is taken is E_EXISTS, unless
--   exclusive   is false: then the block that is there is attached
--   size        bytes of a new block
--   read_only   true to attach without the right to write
--   sparse      true not to reserve a new block's memory at once
--   track       false to make a block that stays until it is unlinked
--   foreign     true to attach what another user made, which is E_ACCESS else
--   mode        permissions of a new block, less the umask; 384 (rw-------)
--
-- A new block goes away when no process has it open and the process tree that
-- made it has ended: the first process that loaded polyshm, and those started
-- from it that did. Who attaches a block is not responsible for it.
--
-- A block b has
--
--   b.name, b.size      its size is bytes
--   b:read(offset, n)   a string of n bytes from an offset on, which counts
--                       from 0; the rest without n, all without both
--   b:write(offset, s)  put a string there: true
--   b:pack(offset, format, ...)
--                       put values there in a format of string.pack, aligned as
--                       if a string of its own began there: the offset behind
--                       them
--   b:unpack(offset, format)
--                       the values there, and the offset behind them
--   b:fill(byte, offset, n)
--                       set n bytes from an offset on to a number up to 255, or
--                       to 0; the defaults are those of read: true
--   b:find(s, offset, n)
--                       the offset of the first place in there where the bytes
--                       of s are, or nil and E_NOT_FOUND
--   b:view(kind, offset, count)
--                       a view of count elements from an offset on; of as many
--                       as there is room for without count, from the block's
--                       begin without both
--   b:close()           unmap it here; also when a <close> variable ends
--   b:unlink()          remove its name
--
-- Blocks are equal if they are one block, whatever its name. What was closed
-- still has its name and size and can be unlinked.
--
-- A view v is used as a table of numbers of one kind: "i8", "i16", "i32" and
-- "i64" are integers with a sign, "u8", "u16", "u32" and "u64" those without,
-- "f32" and "f64" floats, all in this machine's byte order. Indices count from
-- 1, or back from the last with -1.
--
--   v[i], v[i] = x      reading outside gives nil, writing there is an error;
--                       so is a number that the kind has not
--   #v, pairs(v), ipairs(v)
--   v:totable(i, j)     the elements from i to j, counted as string.sub does
--   v:fill(x, i, j)     set them to x: true
--   v:copy(source, i)   put all elements of a view, table or list from v[i] on,
--                       or from v[1]; nothing if one of them is not of the kind
--                       or there is no room: true
--   v:sum(i, j)         their sum, which wraps as Lua's integers do; of floats
--                       in no certain order
--   v:min(i, j), v:max(i, j)
--                       nil of none, NaN if one of them is
--   v.kind, v.offset    as they were given
--   v.shm               the block
--
-- Lua's integers have a sign. A u64 above math.maxinteger is the negative one
-- of the same 64 bits, as string.unpack gives it, and math.ult compares them;
-- min and max know. A view keeps its block from being collected, but not open:
-- when that is closed, its elements are an error.
--
-- What several processes do to the bytes of a block at once is not kept apart;
-- a list's items are.
function polyshm.SharedMemory(options)
  if type(options) == "string" then options = {name = options} end
  check_type(options, "string or table", "#1 to 'SharedMemory'")
  local wanted = check_options(options, block_options, "#1 to 'SharedMemory'")

  local flags = attach_flags(wanted)
  if wanted.create then flags = flags | create_flags(wanted) end
  return finish(pcall(
    core.block_open, wanted.name, wanted.size or 0, flags, wanted))
end

--- Make a list of a table's values, or attach one by its name.
--
-- ShareableList(values, {name = name}) makes a list of values[1] to values[n],
-- where n is values.n as table.pack sets it, or else #values. They are nils,
-- booleans, numbers and strings. ShareableList(nil, {name = name}) attaches the
-- list that is there. Options:
--
--   name        string; drawn for a new list if none is given
--   exclusive   false to attach the list that is there if the name is taken,
--               which is E_EXISTS otherwise
--   capacity    least number of bytes that each item of a new list can hold
--   read_only   true to attach without the right to write
--   sparse, track, foreign, mode
--               as for SharedMemory
--   timeout     as l:timeout() sets it
--
-- A list l is used as a table of fixed length. Indices count from 1, or back
-- from the last with -1.
--
--   l[i], l[i] = v      reading outside gives nil, writing there is an error
--   #l, pairs(l)        ipairs(l) ends at the first nil, as with tables
--   l:totable(i, j)     the items from i to j; with a field n, as table.pack
--                       makes it, if there are nils among them
--   l:update(t)         l[i] = t[i] for all integers i that t has, and for all
--                       from 1 to t.n if t has a field n: true, or nil and
--                       E_SPACE. All are looked at before the first is changed
--   l:index(v, from)    the first index from `from` on whose item equals v
--   l:count(v)          how many items equal v
--   l:type(i)           "none", "bool", "int", "float", "str" or "bytes"
--   l:capacity(i)       bytes that the item can hold
--   l:format()          Python's struct format of all items, a string
--   l.name, l.shm       the name; the block beneath, closed if the list is
--   l:close(), l:unlink()   as a block's
--
-- Lists are equal if they are on one block. Values compare as Python's do, so
-- that 1, 1.0 and true are equal; but a string equals both the str and the
-- bytes of its content.
--
-- Several processes may use a list at once. None of them ever sees half a
-- value, and a list has for them
--
--   l:add(i, n)         add n, or 1, to an integer in one step: the sum, or nil
--                       and E_SPACE if it is no 64-bit integer
--   l:swap(i, expected, desired)
--                       replace an integer in one step if it is the expected
--                       one: whether it was, and the integer that was there
--   l:snapshot(i, j)    the items from i to j as they all were at one moment,
--                       with a field n; no moment while another held the lock
--   l:lock(timeout)     exclude others from the lock, not from the items: a
--                       lock, or nil and E_TIMEOUT, E_BUSY if it is held
--                       through this list already, E_INTERRUPTED by a signal
--   lock:unlock()       also when a <close> variable ends; again is harmless
--   lock.recovered      whether the last one to hold it died with it
--   l:version(i)        a number that changes whenever the item does; without i
--                       whenever any item does, and then the longer the list,
--                       the longer it takes
--   l:wait(i, timeout, seen)
--                       sleep until l:version(i) is no longer `seen`, or what
--                       it is now if that is left out: true, or false after the
--                       timeout, or nil and E_INTERRUPTED by a signal
--   l:timeout(seconds)  how long other calls may sleep for an item that another
--                       process, now stopped, was changing, before they fail
--                       with E_TIMEOUT; 1 at first
--
-- No change is missed if the version is taken before the look at the value:
--
--   local seen = l:version(1)
--   while l[1] == 0 do
--     l:wait(1, nil, seen)
--     seen = l:version(1)
--   end
--
-- Lists that Python's own module made have none of that: the methods return nil
-- and E_UNSUPPORTED, and strings lose zero bytes at their end.
function polyshm.ShareableList(values, options)
  options = options == nil and {} or options
  check_type(options, "table", "#2 to 'ShareableList'")
  local wanted = check_options(options, list_options, "#2 to 'ShareableList'")
  if values == nil then
    return finish_list(wanted.timeout, pcall(
      core.list_open, wanted.name, attach_flags(wanted)))
  end

  check_type(values, "table or nil", "#1 to 'ShareableList'")
  if wanted.read_only then
    error("bad argument #2 to 'ShareableList' (a new list is not read-only)", 2)
  end
  values = checks.check_values(values, "ShareableList")
  return finish_list(wanted.timeout, pcall(
    core.list_create, wanted.name, values,
    attach_flags(wanted) | create_flags(wanted), wanted))
end

--- A manager: a process that owns blocks and lists, which live until it shuts
-- down, whoever ends before.
--
-- SharedMemoryManager{...} makes an object m, which start or connect connects.
-- The manager may be polyshm's or stock Python's. Options:
--
--   address     "unix:/path", "unix:@name" in Linux's abstract namespace,
--               "tcp:host:port"; without one, start makes a fresh socket that
--               only this user can reach
--   authkey     a string that both sides must know; drawn by start if none is
--               given
--   timeout     seconds that each call may take, 10 at first; FOREVER
--   detached    true for a manager that outlives this process and the object
--   md5         false to refuse Pythons before 3.12
--
--   m:start()           start a process that is the manager: m, or nil and
--                       E_EXISTS if somebody listens there, E_NOT_FOUND
--   m:connect()         connect to the manager that listens at the address: m,
--                       or nil and E_ACCESS if the key is wrong, E_NOT_FOUND or
--                       E_OS if nobody listens there
--   m:SharedMemory(size, options)
--                       a new block that belongs to the manager: options are
--                       name, sparse and mode; a string is a name. E_EXISTS if
--                       that is taken
--   m:ShareableList(values, options)
--                       the same for a list; also capacity and timeout
--   m:track(name)       let it own what is there
--   m:release(name)     let it unlink one that it owns, or nil and E_NOT_FOUND
--   m:list_segments()   a table of the names that it owns, in the order in which
--                       it got them
--   m:shutdown()        let it unlink all of them and end, whoever started it;
--                       again is harmless
--   m:close()           disconnect. It goes on, and what it owns does
--   m.address, m.authkey    what others connect with
--   m.pid               of the process, if start started it
--
-- When a <close> variable ends, or the object is collected, a manager that start
-- started shuts down; one that was connected goes on.
--
-- Every call may fail with E_TIMEOUT, E_OS if the connection is lost,
-- E_INTERRUPTED by a signal, E_PROTOCOL if an answer makes no sense. After these
-- it is unknown whether the request was carried out.
polyshm.SharedMemoryManager = require "polyshm.managers"

--- Remove this user's orphans: tracked blocks that nobody has open and whose
-- process tree has ended, as processes leave them behind that were all killed at
-- once. Returns how many. With {dry_run = true} they are counted only.
function polyshm.gc(options)
  options = options == nil and {} or options
  check_type(options, "table", "#1 to 'gc'")
  local wanted = check_options(options, gc_options, "#1 to 'gc'")
  return finish(pcall(core.gc, wanted.dry_run and core.GC_DRY_RUN or 0))
end

return polyshm
