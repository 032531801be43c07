-- Closures, tables, strings, coroutines, files and the collector, with output that is the same everywhere.
local function sieve(limit)
	local composite, primes = {}, {}
	for i = 2, limit do
		if not composite[i] then
			primes[#primes + 1] = i
			for j = i * i, limit, i do composite[j] = true end
		end
	end
	return primes
end

local primes = sieve(200000)
print("primes", #primes, primes[#primes])

local words = {}
for word in ("the quick brown fox jumps over the lazy dog " ):rep(500):gmatch("%a+") do
	words[word] = (words[word] or 0) + 1
end
local names = {}
for word in pairs(words) do names[#names + 1] = word end
table.sort(names)
for _, word in ipairs(names) do print(word, words[word]) end

local function permutations(list)
	return coroutine.wrap(function()
		local function go(n)
			if n == 1 then coroutine.yield(table.concat(list, " ")) return end
			for i = 1, n do
				list[i], list[n] = list[n], list[i]
				go(n - 1)
				list[i], list[n] = list[n], list[i]
			end
		end
		go(#list)
	end)
end
local count, last = 0, nil
for line in permutations({1, 2, 3, 4, 5, 6, 7}) do count, last = count + 1, line end
print("permutations", count, last)

local name = os.tmpname()
local file = assert(io.open(name, "w"))
for i = 1, 20000 do file:write(string.format("%06d %s\n", i, ("x"):rep(i % 17))) end
file:close()
local bytes, lines = 0, 0
for line in io.lines(name) do bytes, lines = bytes + #line, lines + 1 end
print("file", lines, bytes, os.remove(name))

for round = 1, 20 do
	local heap = {}
	for i = 1, 20000 do heap[i] = {round, i, tostring(i)} end
end
collectgarbage()
print("memory is given back", collectgarbage("count") < 20000)
print(string.format("%.10f %g %a", math.pi, 1e100, 0.1), 7 // 2, -7 // 2, 7 % -3, 1 << 40)
local pipe = io.popen("echo from a child; exit 5")
print(pipe:read("a"), select(3, pipe:close()))
print(pcall(error, "an error", 0))
os.exit(3)
