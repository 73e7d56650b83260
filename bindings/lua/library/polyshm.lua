---@meta polyshm
-- SPDX-License-Identifier: MIT
-- What editors need to know of the module "polyshm": lua-language-server reads
-- this file, and no program does. The reference in HTML is made from it, and a
-- test holds it against the module. Types are those of LuaCATS.

---Memory that processes share by name: blocks of bytes, and lists of values.
---
---What may be expected to fail returns nil, a message and a code, one of the
---numbers `polyshm.E_NOT_FOUND`, `polyshm.E_EXISTS` and so on, so that `assert`
---takes it. What is a mistake of the program is an error at the line that made
---it: a wrong argument, a place that is not there, the use of what was closed,
---a change through what is open for reading only.
---
---Timeouts are seconds, with fractions: 0 does not sleep; nil and
---`polyshm.FOREVER` have no end.
---@class polyshm
---@field _VERSION string "polyshm" and the version of the library, such as "polyshm 0.1.0"
---@field FOREVER number The timeout that has no end
---@field E_INVALID integer An argument no caller should pass; raised as an error
---@field E_MEMORY integer This process is out of memory
---@field E_OS integer The system failed; the message tells how
---@field E_NOT_FOUND integer No block has that name, or nothing equals what is looked for
---@field E_EXISTS integer A block already has that name
---@field E_ACCESS integer The system forbids it, or the block belongs to another user
---@field E_CLOSED integer The block or list was closed; raised as an error
---@field E_BUSY integer It is locked, or in use: release it first
---@field E_TIMEOUT integer It did not happen in time
---@field E_RANGE integer An index or offset outside the block; raised as an error
---@field E_TYPE integer The item holds a value of another type; raised as an error
---@field E_SPACE integer The value does not fit, or there is no memory for the block
---@field E_CORRUPT integer The shared bytes break the format
---@field E_VERSION integer Written by an incompatible library, or by Python 3.8
---@field E_PROTOCOL integer The manager and we disagree
---@field E_UNSUPPORTED integer Not on this system, or not with a list that stock Python made
---@field E_END integer A scan has no more entries
---@field E_INTERRUPTED integer A signal arrived while waiting
local polyshm = {}

---What a list holds. Integers have 64 bits, floats are doubles, and strings are
---bytes: one that is UTF-8 is stored as Python's `str`, another as `bytes`.
---@alias polyshm.value nil|boolean|integer|number|string

---What can be stored: a value, or a string whose type was forced.
---@alias polyshm.storable polyshm.value|polyshm.Marked

---The type of an item.
---@alias polyshm.type
---| "none"
---| "bool"
---| "int"
---| "float"
---| "str"
---| "bytes"

---The elements of a view: integers with and without a sign, and floats, by
---their bits, in the byte order of this machine.
---@alias polyshm.kind
---| "i8"
---| "i16"
---| "i32"
---| "i64"
---| "u8"
---| "u16"
---| "u32"
---| "u64"
---| "f32"
---| "f64"

---------------------------------------------------------------- functions

---Options of `polyshm.SharedMemory`.
---@class polyshm.BlockOptions
---@field name? string The block's name; drawn for a new block if none is given
---@field create? boolean true to make a block. A name that is taken is `E_EXISTS`
---@field exclusive? boolean false to attach the block that is there if the name is taken
---@field size? integer Bytes of a new block, at least 1; ignored for one that is there
---@field read_only? boolean true to attach without the right to write
---@field sparse? boolean true not to reserve a new block's memory at once
---@field track? boolean false to make a block that stays until it is unlinked
---@field foreign? boolean true to attach what another user made, which is `E_ACCESS` else
---@field mode? integer Permissions of a new block, less the umask; 384, which is rw-------

---Options of `polyshm.ShareableList`.
---@class polyshm.ListOptions
---@field name? string The list's name; drawn for a new list if none is given
---@field exclusive? boolean false to attach the list that is there if the name is taken
---@field capacity? integer The least number of bytes that each item of a new list can hold
---@field read_only? boolean true to attach without the right to write
---@field sparse? boolean true not to reserve a new list's memory at once
---@field track? boolean false to make a list that stays until it is unlinked
---@field foreign? boolean true to attach what another user made, which is `E_ACCESS` else
---@field mode? integer Permissions of a new list, less the umask; 384, which is rw-------
---@field timeout? number Seconds, as `ShareableList:timeout` sets them; 1

---Options of `polyshm.gc`.
---@class polyshm.GcOptions
---@field dry_run? boolean true to count only

---Attach a block by its name, or make one.
---
---`SharedMemory(name)` and `SharedMemory{name = name}` attach the block that is
---there. `SharedMemory{create = true, size = n}` makes one of n zeroed bytes,
---which appears under its name complete or not at all.
---
---A new block goes away when no process has it open and the process tree that
---made it has ended: the first process that loaded polyshm, and those started
---from it that did. Who attaches a block is not responsible for it.
---
---Codes: `E_NOT_FOUND`; `E_EXISTS`; `E_SPACE` if there is no memory for it;
---`E_ACCESS`; `E_CORRUPT` for a block that its maker left empty; `E_BUSY` while
---somebody has a lease on it; `E_MEMORY` and `E_OS`. A name that is empty, longer
---than 255 bytes, not UTF-8, or has a slash or a zero byte inside is an error,
---and so is a size of 0.
---@param options string|polyshm.BlockOptions A name, or a table of options
---@return polyshm.SharedMemory? block
---@return string? message
---@return integer? code
function polyshm.SharedMemory(options) end

---Make a list of a table's values, or attach one by its name.
---
---`ShareableList(values, {name = name})` makes a list of `values[1]` to
---`values[n]`, where n is `values.n` as `table.pack` sets it, or else
---`#values`. `ShareableList(nil, {name = name})` attaches the list that is
---there, which may be one that stock Python made. A list lives as long as a
---block does.
---
---Codes: those of `polyshm.SharedMemory`; `E_SPACE` for a string of more than
---9,999,992 bytes, too; `E_CORRUPT` if the block is no list; `E_VERSION`. A
---value that no list holds is an error.
---@param values? polyshm.storable[]|table The values of a new list
---@param options? polyshm.ListOptions A table of options
---@return polyshm.ShareableList? list
---@return string? message
---@return integer? code
function polyshm.ShareableList(values, options) end

---Options of `polyshm.SharedMemoryManager`.
---@class polyshm.ManagerOptions
---@field address? string "unix:/path", "unix:@name" in Linux's abstract namespace, "tcp:host:port"; `start` makes a fresh socket without one
---@field authkey? string What both sides must know; drawn by `start` if none is given
---@field timeout? number Seconds that each call may take; 10
---@field detached? boolean true for a manager that outlives this process and the object
---@field md5? boolean false to refuse Pythons before 3.12

---A manager, or rather its client: `start` or `connect` comes next. Managers
---are processes that own blocks and lists, which live until the manager shuts
---down, whoever ends before; this one may be polyshm's or stock Python's.
---@param options? polyshm.ManagerOptions A table of options
---@return polyshm.SharedMemoryManager manager
function polyshm.SharedMemoryManager(options) end

---Remove the name of a block or list. Who has it open keeps it.
---
---Codes: `E_NOT_FOUND`; `E_ACCESS`; `E_OS`.
---@param name string
---@return true? done
---@return string? message
---@return integer? code
function polyshm.unlink(name) end

---What `polyshm.inspect` tells. What is not known is nil.
---@class polyshm.Info
---@field name string Its name, without a slash
---@field kind "block"|"list" A list is what `polyshm.ShareableList` attaches
---@field size integer Bytes
---@field length? integer Items, of a list
---@field mode integer Permissions
---@field uid integer The user it belongs to
---@field created? number Seconds since 1970
---@field tracked boolean Whether it goes away with its last holder
---@field held? boolean Whether some process has it open; nil if this user may not know
---@field kept boolean Whether the process tree that made it is alive
---@field orphan boolean Whether it is tracked and nobody is left

---What the block or list of this name is, without attaching it.
---
---Codes: `E_NOT_FOUND`; `E_ACCESS`; `E_BUSY` while somebody has a lease on it;
---`E_OS`.
---@param name string
---@return polyshm.Info? info
---@return string? message
---@return integer? code
function polyshm.inspect(name) end

---Visit all blocks and lists, as in `for info in polyshm.blocks() do`, in the
---order of their names, as they were when it was called. A failure in the
---middle is an error.
---
---Codes: `E_MEMORY`; `E_OS`.
---@return (fun(): polyshm.Info?)? iterator
---@return string? message
---@return integer? code
function polyshm.blocks() end

---The ids of the processes that have a block open, as far as this user may see
---them.
---
---Codes: `E_NOT_FOUND`; `E_OS`.
---@param name string
---@return integer[]? pids
---@return string? message
---@return integer? code
function polyshm.holders(name) end

---Remove this user's orphans, or everybody's if this is root: tracked blocks
---that nobody has open and whose process tree has ended, as processes leave
---them behind that were all killed at once.
---
---Codes: `E_ACCESS`; `E_OS`.
---@param options? polyshm.GcOptions
---@return integer? count How many there were
---@return string? message
---@return integer? code
function polyshm.gc(options) end

---A string that is to be stored as one type, whatever its bytes are. `tostring`
---gives it back.
---@class polyshm.Marked: userdata

---Mark a string to be stored as `str`, which must be UTF-8: storing it is an
---error else.
---@param text string
---@return polyshm.Marked marked
---@nodiscard
function polyshm.str(text) end

---Mark a string to be stored as `bytes`.
---@param bytes string
---@return polyshm.Marked marked
---@nodiscard
function polyshm.bytes(bytes) end

------------------------------------------------------------------- blocks

---A block of bytes. Offsets count from 0.
---
---Two of them are equal (`==`) if they are one block, whatever its name. It is
---closed when a `<close>` variable ends and when it is collected. What was
---closed still has its name and size and can be unlinked; the rest is an error.
---
---What several processes do to the same bytes at once is not kept apart; a
---list's items are.
---@class polyshm.SharedMemory: userdata
---@field name string Its name, without a slash
---@field size integer Bytes
local SharedMemory = {}

---A string of bytes.
---@param offset? integer Where it begins; 0
---@param n? integer How many there are; all the rest
---@return string bytes
---@nodiscard
function SharedMemory:read(offset, n) end

---Put a string's bytes into the block.
---@param offset integer
---@param bytes string
---@return true done
function SharedMemory:write(offset, bytes) end

---Put values into the block, in a format of `string.pack`, which is aligned as
---if a string of its own began at the offset. An error if one of them does not
---fit the format, or all of them the block; then nothing has changed.
---@param offset integer
---@param format string
---@param ... any The values
---@return integer behind The offset behind them
function SharedMemory:pack(offset, format, ...) end

---The values in the block, in a format of `string.unpack`.
---@param offset integer
---@param format string
---@return any ... The values, and the offset behind them
---@nodiscard
function SharedMemory:unpack(offset, format) end

---Set bytes to a number.
---@param byte? integer From 0 to 255; 0
---@param offset? integer 0
---@param n? integer All the rest
---@return true done
function SharedMemory:fill(byte, offset, n) end

---The first place where the bytes of a string are.
---
---Codes: `E_NOT_FOUND`.
---@param bytes string
---@param offset? integer Where the search begins; 0
---@param n? integer How many bytes are searched; all the rest
---@return integer? offset
---@return string? message
---@return integer? code
---@nodiscard
function SharedMemory:find(bytes, offset, n) end

---See the block's bytes as numbers. The offset need not be aligned.
---@param kind polyshm.kind
---@param offset? integer 0
---@param count? integer How many elements it has; as many as there is room for
---@return polyshm.View view
---@nodiscard
function SharedMemory:view(kind, offset, count) end

---Unmap the block here. Its views' elements are an error from then on. Again is
---harmless.
---
---Codes: `E_BUSY` for the block of a list whose lock is held.
---@return true? done
---@return string? message
---@return integer? code
function SharedMemory:close() end

---Remove the block's name. Who has it open keeps it.
---
---Codes: `E_NOT_FOUND`; `E_ACCESS`; `E_OS`.
---@return true? done
---@return string? message
---@return integer? code
function SharedMemory:unlink() end

-------------------------------------------------------------------- views

---Numbers of one kind, one behind the other in a block. Indices count from 1,
---or back from the last with -1; reading outside gives nil, writing there is an
---error, and so is a number that the kind has not. `#`, `pairs` and `ipairs`
---work.
---
---Lua's integers have a sign: a u64 above `math.maxinteger` is the negative one
---of the same 64 bits, as `string.unpack` gives it, and `math.ult` compares
---them.
---
---A view keeps its block from being collected, but not open.
---@class polyshm.View: userdata
---@field kind polyshm.kind What it was made with
---@field offset integer Where it begins in the block, in bytes
---@field shm polyshm.SharedMemory The block
---@field [integer] number
---@operator len: integer
local View = {}

---The elements from i to j, counted as `string.sub` does.
---@param i? integer 1
---@param j? integer -1
---@return number[] elements
---@nodiscard
function View:totable(i, j) end

---Set the elements from i to j to a number.
---@param x number
---@param i? integer 1
---@param j? integer -1
---@return true done
function View:fill(x, i, j) end

---Put all elements of a view, a table or a list from an index on. An error if
---one of them is not of the kind or there is no room; then nothing has changed.
---Views may overlap.
---@param source polyshm.View|polyshm.ShareableList|number[]
---@param i? integer 1
---@return true done
function View:copy(source, i) end

---The sum of the elements from i to j: of integers an integer, which wraps as
---Lua's do, and of floats a float, added up in no certain order.
---@param i? integer 1
---@param j? integer -1
---@return number sum 0 of none
---@nodiscard
function View:sum(i, j) end

---The least of the elements from i to j.
---@param i? integer 1
---@param j? integer -1
---@return number? least nil of none, NaN if one of them is
---@nodiscard
function View:min(i, j) end

---The greatest of the elements from i to j.
---@param i? integer 1
---@param j? integer -1
---@return number? greatest nil of none, NaN if one of them is
---@nodiscard
function View:max(i, j) end

-------------------------------------------------------------------- lists

---A list of values, which is used as a table of fixed length. Indices count
---from 1, or back from the last with -1. Reading outside gives nil, writing
---there is an error, and so is a string that the item has no room for. `#` and
---`pairs` work; `ipairs` ends at the first nil, as with tables.
---
---Who reads an item gets the old value or the new one, never a mixture,
---whatever other processes do to it at that moment. An item that another
---process, which was stopped then, was changing is waited for, see
---`ShareableList:timeout`, and is an error after that.
---
---Two of them are equal (`==`) if they are on one block. It is closed when a
---`<close>` variable ends and when it is collected.
---
---Lists that Python's own module made have no counters, no lock, no snapshots
---and no waiting: those methods return nil and `E_UNSUPPORTED`; and their
---strings lose zero bytes at the end.
---@class polyshm.ShareableList: userdata
---@field name string Its name, without a slash
---@field shm polyshm.SharedMemory The block beneath, closed if the list is
---@field [integer] any
---@operator len: integer
local ShareableList = {}

---The items from i to j, counted as `string.sub` does; with a field n, as
---`table.pack` makes it, if there are nils among them.
---
---Codes: `E_CORRUPT`; `E_TIMEOUT`.
---@param i? integer 1
---@param j? integer -1
---@return any[]? items
---@return string? message
---@return integer? code
---@nodiscard
function ShareableList:totable(i, j) end

---Set `l[i]` to `items[i]` for all integers i that the table has, and for all
---from 1 to `items.n` if it has a field n. All are looked at before the first
---is changed; a key that is no index and a value that no list holds are errors.
---
---Codes: `E_SPACE` if a string does not fit its item; `E_CORRUPT`; `E_TIMEOUT`.
---@param items table
---@return true? done
---@return string? message
---@return integer? code
function ShareableList:update(items) end

---The first index whose item equals a value. Values compare as Python's do, so
---that 1, 1.0 and true are equal; but a string equals both the `str` and the
---`bytes` of its content.
---
---Codes: `E_NOT_FOUND`; `E_CORRUPT`; `E_TIMEOUT`.
---@param value polyshm.storable
---@param from? integer Where the search begins; 1
---@return integer? index
---@return string? message
---@return integer? code
---@nodiscard
function ShareableList:index(value, from) end

---How many items equal a value.
---
---Codes: `E_CORRUPT`; `E_TIMEOUT`.
---@param value polyshm.storable
---@return integer? count
---@return string? message
---@return integer? code
---@nodiscard
function ShareableList:count(value) end

---The type of an item.
---
---Codes: `E_CORRUPT`; `E_TIMEOUT`.
---@param i integer
---@return polyshm.type? type
---@return string? message
---@return integer? code
---@nodiscard
function ShareableList:type(i) end

---The bytes that an item can hold.
---
---Codes: `E_CORRUPT`.
---@param i integer
---@return integer? bytes
---@return string? message
---@return integer? code
---@nodiscard
function ShareableList:capacity(i) end

---The format of all items, as Python's `struct` has it.
---
---Codes: `E_CORRUPT`; `E_TIMEOUT`.
---@return string? format
---@return string? message
---@return integer? code
---@nodiscard
function ShareableList:format() end

---Add to an integer in one step. An error if the item is none.
---
---Codes: `E_SPACE` if the sum is no 64-bit integer, and the item keeps its
---value; `E_CORRUPT`; `E_TIMEOUT`; `E_UNSUPPORTED`.
---@param i integer
---@param n? integer 1
---@return integer? sum
---@return string? message
---@return integer? code
function ShareableList:add(i, n) end

---Replace an integer in one step if it is the expected one. An error if the
---item is none.
---
---Codes: `E_CORRUPT`; `E_TIMEOUT`; `E_UNSUPPORTED`.
---@param i integer
---@param expected integer
---@param desired integer
---@return boolean? swapped Whether it was
---@return integer|string|nil before The integer that was there, or a message
---@return integer? code
function ShareableList:swap(i, expected, desired) end

---The items from i to j as they all stood at one moment, which was not in the
---middle of anybody's locked change; with a field n.
---
---Codes: `E_TIMEOUT` if there was no such moment in the time that
---`ShareableList:timeout` set; `E_CORRUPT`; `E_UNSUPPORTED`.
---@param i? integer 1
---@param j? integer -1
---@return any[]? items
---@return string? message
---@return integer? code
---@nodiscard
function ShareableList:snapshot(i, j) end

---Exclude others from the lock: processes, threads, and other handles of this
---thread. It keeps nobody from the items. If its holder dies, the next one gets
---it and is told, see `Lock.recovered`.
---
---Codes: `E_TIMEOUT`; `E_BUSY` if it is held through this list already;
---`E_INTERRUPTED` by a signal; `E_ACCESS` for a list that is open for reading
---only; `E_UNSUPPORTED`.
---@param timeout? number Seconds; without end
---@return polyshm.Lock? lock
---@return string? message
---@return integer? code
function ShareableList:lock(timeout) end

---A number that changes whenever the item does; without an index, whenever any
---item does, which takes the longer to know, the longer the list is.
---
---Codes: `E_UNSUPPORTED`; `E_CORRUPT`.
---@param i? integer
---@return integer? version
---@return string? message
---@return integer? code
---@nodiscard
function ShareableList:version(i) end

---Sleep until an item changes, or any item without an index. No change is
---missed if the version was taken before the look at the value:
---
---    local seen = list:version(1)
---    while list[1] == 0 do
---      list:wait(1, nil, seen)
---      seen = list:version(1)
---    end
---
---Codes: `E_INTERRUPTED` by a signal; `E_UNSUPPORTED`; `E_CORRUPT`.
---@param i? integer
---@param timeout? number Seconds; without end
---@param seen? integer Sleep until the version is another one than this; what it is now
---@return boolean? changed false after the timeout
---@return string? message
---@return integer? code
function ShareableList:wait(i, timeout, seen) end

---How long other calls may sleep for an item that another process, which was
---stopped then, was changing, before they fail with `E_TIMEOUT`: 1 second at
---first.
---@param seconds number|nil
---@return true done
function ShareableList:timeout(seconds) end

---Unmap the list here. Again is harmless.
---
---Codes: `E_BUSY` while this list holds its lock.
---@return true? done
---@return string? message
---@return integer? code
function ShareableList:close() end

---Remove the list's name. Who has it open keeps it.
---
---Codes: `E_NOT_FOUND`; `E_ACCESS`; `E_OS`.
---@return true? done
---@return string? message
---@return integer? code
function ShareableList:unlink() end

----------------------------------------------------------------- managers

---A client of a manager. When a `<close>` variable ends, or the object is
---collected, a manager that `start` started shuts down, unless it is detached;
---one that was connected goes on.
---
---Every method may fail with `E_TIMEOUT`, with `E_OS` if the connection is lost,
---with `E_INTERRUPTED` by a signal, and with `E_PROTOCOL` if an answer makes no
---sense; after these it is unknown whether the request was carried out. The use
---of what is not connected is an error.
---@class polyshm.SharedMemoryManager: table
---@field address? string What others connect to
---@field authkey? string What they must know
---@field pid? integer Of the manager's process, if `start` started it
local SharedMemoryManager = {}

---Start a process that is the manager.
---
---Codes: `E_EXISTS` if somebody listens at the address; `E_NOT_FOUND` if the
---program or the address's folder is missing; `E_UNSUPPORTED` if libnettle and
---libcrypto are.
---@return polyshm.SharedMemoryManager? manager The object itself
---@return string? message
---@return integer? code
function SharedMemoryManager:start() end

---Connect to the manager that listens at the address.
---
---Codes: `E_ACCESS` if the key is wrong; `E_NOT_FOUND` if the socket is not
---there; `E_OS` if nobody listens there.
---@return polyshm.SharedMemoryManager? manager The object itself
---@return string? message
---@return integer? code
function SharedMemoryManager:connect() end

---Options of `SharedMemoryManager:SharedMemory`.
---@class polyshm.OwnedBlockOptions
---@field name? string The block's name; drawn if none is given
---@field sparse? boolean true not to reserve the memory at once
---@field mode? integer Permissions, less the umask; 384, which is rw-------

---A new block that belongs to the manager.
---
---Codes: `E_EXISTS` if the name is taken; `E_SPACE`; `E_ACCESS` if the manager
---has another /dev/shm.
---@param size integer Bytes, at least 1
---@param options? string|polyshm.OwnedBlockOptions A name, or a table of options
---@return polyshm.SharedMemory? block
---@return string? message
---@return integer? code
function SharedMemoryManager:SharedMemory(size, options) end

---Options of `SharedMemoryManager:ShareableList`.
---@class polyshm.OwnedListOptions
---@field name? string The list's name; drawn if none is given
---@field capacity? integer The least number of bytes that each item can hold
---@field sparse? boolean true not to reserve the memory at once
---@field mode? integer Permissions, less the umask; 384, which is rw-------
---@field timeout? number Seconds, as `ShareableList:timeout` sets them; 1

---A new list that belongs to the manager.
---
---Codes: as for `SharedMemory`.
---@param values table The values, as for `polyshm.ShareableList`
---@param options? string|polyshm.OwnedListOptions A name, or a table of options
---@return polyshm.ShareableList? list
---@return string? message
---@return integer? code
function SharedMemoryManager:ShareableList(values, options) end

---Let the manager own what is there: it unlinks it when it shuts down.
---@param name string
---@return true? done
---@return string? message
---@return integer? code
function SharedMemoryManager:track(name) end

---Let the manager unlink what it owns.
---
---Codes: `E_NOT_FOUND` if it does not own it, or if somebody else has unlinked
---it.
---@param name string
---@return true? done
---@return string? message
---@return integer? code
function SharedMemoryManager:release(name) end

---The names that the manager owns, in the order in which it got them.
---@return string[]? names
---@return string? message
---@return integer? code
function SharedMemoryManager:list_segments() end

---Let the manager unlink all that it owns and end, whoever started it. Again is
---harmless.
---@return true? done
---@return string? message
---@return integer? code
function SharedMemoryManager:shutdown() end

---Disconnect. The manager goes on. Again is harmless.
---@return true done
function SharedMemoryManager:close() end

-------------------------------------------------------------------- locks

---A list's lock, while it is held. It is given back when a `<close>` variable
---ends and when it is collected; it keeps its list.
---@class polyshm.Lock: userdata
---@field recovered boolean Whether the last one to hold it died with it: what that was changing may be half done
local Lock = {}

---Give the lock back. Again is harmless.
---@return true done
function Lock:unlock() end

return polyshm
