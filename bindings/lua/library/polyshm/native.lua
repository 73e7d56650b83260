---@meta polyshm.native
-- SPDX-License-Identifier: MIT
-- What editors need to know of the module "polyshm.native".

---Functions of any shared library, called on shared memory.
---
---    local native = require "polyshm.native"
---    local blas = native.load "libblas.so.3"
---    local dot = blas:bind("cblas_ddot",
---      "f64(i32, const [f64], i32, const [f64], i32)")
---    print(dot(#x, x, 1, y, 1))
---
---A signature is a result and, in parentheses, the parameters:
---
---    void             as a result only
---    i8 i16 i32 i64   integers, which must fit; also the floats that are one.
---    u8 u16 u32 u64   A u64 is the 64 bits of any integer, as in string.pack
---    f32 f64          numbers. An integer must be exactly a float
---    ptr              light userdata, or nil for NULL
---    str              a string without zero bytes; NULL is nil, as a result
---    buf              the address of some bytes: a SharedMemory or a View
---    [T]              of some numbers, T is i8 to f64: a View of that kind or of
---                     u8, or a SharedMemory
---    len, count       how many bytes or elements the buf or [T] has that stands
---                     before or else behind it. It is filled in: the call does
---                     not take it
---    fn R(T, ...)     a function: one of Lua's, one that callback made, or light
---                     userdata. R is void, a number or ptr; T is a number, ptr,
---                     str, or *T for a pointer to such a thing, which is read
---
---What is only read is `const buf` or `const [T]`, and may be on a block that was
---attached read-only; a const buf, const [i8] or const [u8] may be a string, too.
---There are no structs by value and no variable arguments.
---
---What a signature says of a function is believed. Whatever else is wrong is an
---error, and nothing is called then: the type or size of a number, the kind of a
---view, its end and its alignment, a block that was closed. During the call, its
---blocks cannot be closed.
---
---Lua functions that are called back run on the coroutine that made the call, and
---cannot yield. What they raise ends that call: native code gets zero from then on
---until it returns, and then the error goes on. Called from another thread, or
---when no call is being made, they are not run, and the answer is zero. Called from
---inside one of them, by native code that another module has called, they are an
---error of the call.
---@class polyshm.native
---@field available boolean Whether native calls were built in; without, the functions raise
---@field callbacks boolean Whether native code can call Lua; some hardened systems forbid the memory that this needs
local native = {}

---Options of `Library:bind` and `native.at`.
---@class polyshm.BindOptions
---@field lock? polyshm.ShareableList A list whose lock is held during each call
---@field timeout? number Seconds to wait for it; without end
---@field threads? boolean Means nothing in Lua; in Python, whether others run meanwhile

---A shared library, as the system's loader finds it; without a path, the program
---with the libraries that it was started with, such as libc. Libraries stay loaded.
---One that is not there is an error, in the loader's words.
---@param path? string
---@return polyshm.Library library
---@nodiscard
function native.load(path) end

---The same as `Library:bind` for a function whose address is known.
---@param address lightuserdata
---@param signature string
---@param options? polyshm.BindOptions
---@return function bound
---@nodiscard
function native.at(address, signature, options) end

---A function that native code can keep, and call in later native calls, too. Its
---signature is what follows fn: `native.callback("i32(*i64, *i64)", compare)`. It is
---passed as fn or ptr.
---@param signature string
---@param f function
---@return polyshm.Callback callback
---@nodiscard
function native.callback(signature, f) end

---Native code's errno, as the last call left it. It was 0 before.
---@return integer errno
---@nodiscard
function native.errno() end

---A shared library.
---@class polyshm.Library: table
---@field path? string What it was loaded by
local Library = {}

---A function of the library as a Lua function. One that is not there, and a
---signature that makes no sense, are errors.
---
---A call that does not get the lock of its options returns nil, a message and a
---code: `E_TIMEOUT`; `E_INTERRUPTED`; `E_BUSY` if the last holder died with it: then
---`ShareableList:lock` must be called, and what the dead one left be put in order.
---@param symbol string
---@param signature string
---@param options? polyshm.BindOptions
---@return function bound
---@nodiscard
function Library:bind(symbol, signature, options) end

---The address of a function or variable of the library. One that is not there is
---an error.
---@param symbol string
---@return lightuserdata address
---@nodiscard
function Library:symbol(symbol) end

---A Lua function that native code can keep. It is freed when a `<close>` variable
---ends, and when it is collected: keep it for as long as native code may call it.
---@class polyshm.Callback: userdata
local Callback = {}

---Its address, to be put into memory that native code reads.
---@return lightuserdata address
---@nodiscard
function Callback:address() end

---Let it go. Again is harmless.
function Callback:free() end

return native
