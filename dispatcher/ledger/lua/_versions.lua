-- The order of resourceVersions: integers of any length.

local function older(a, b)
  a, b = a or '', b or ''
  if #a ~= #b then return #a < #b end
  return a < b
end
