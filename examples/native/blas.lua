-- SPDX-License-Identifier: MIT
-- The products of blas.py, by Lua: lua blas.lua LIBBLAS A B C

local polyshm = require "polyshm"
local native = require "polyshm.native"

local ROW_MAJOR <const>, PLAIN <const> = 101, 111 -- CBLAS's constants
local ROWS <const>, INNER <const>, COLUMNS <const> = 40, 30, 20

local blas = native.load(arg[1])
local dot = blas:bind("cblas_ddot",
  "f64(i32, const [f64], i32, const [f64], i32)")
local multiply = blas:bind("cblas_dgemm",
  "void(i32, i32, i32, i32, i32, i32, f64, const [f64], i32, const [f64], i32," ..
  " f64, [f64], i32)")

local a = assert(polyshm.SharedMemory(arg[2]))
local b = assert(polyshm.SharedMemory(arg[3]))
local c = assert(polyshm.SharedMemory(arg[4]))

multiply(ROW_MAJOR, PLAIN, PLAIN, ROWS, COLUMNS, INNER,
  1.0, a, INNER, b, COLUMNS, 0.0, c, COLUMNS)

-- The first item of the product is that of the first row and column.
local row = a:view("f64", 0, INNER)
local first = dot(INNER, row, 1, b, COLUMNS)
assert(math.abs(first - c:view "f64"[1]) < 1e-12)
print "Lua: dot and matrix product are BLAS's"
