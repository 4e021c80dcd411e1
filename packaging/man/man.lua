-- docs/ as manual pages: headings one step up, links by the name of a page, code in bold, tables as lists.
local pages = {
  ["realm-file.md"] = "realmgw.yaml(5)",
  ["realmgwctl.md"] = "realmgwctl(1)",
  ["operator-guide.md"] = "realmgwd(8)",
  ["metrics.md"] = "realmgw-exporter(1)",
}

function Header(heading)
  -- The title is in NAME; what follows it describes.
  if heading.level == 1 then return pandoc.Header(1, "DESCRIPTION") end
  heading.level = heading.level - 1
  return heading
end

-- How a page of docs/ is made is not for those who read it here.
function Para(paragraph)
  if pandoc.utils.stringify(paragraph):match("^Made from the program") then return {} end
end

function Link(link)
  local page = link.target:gsub("#.*", "")
  if page == "" or link.target:match("^https?:") then return link.content end
  local file = page:gsub(".*/", "")
  if file == "" then return link.content end
  local shown = pages[file] or (file:match("%.md$") and "/usr/share/doc/realmgw/" .. file)
  if not shown then return link.content end
  -- [reload.md](reload.md) is its own name; any other text stays, with the page behind it.
  if pandoc.utils.stringify(link):match("%.md$") then return pandoc.Str(shown) end
  return link.content .. { pandoc.Str(" (" .. shown .. ")") }
end

function Code(code)
  return pandoc.Strong(pandoc.Str(code.text))
end

function CodeBlock(block)
  local lines = {}
  for line in (block.text .. "\n"):gmatch("(.-)\n") do
    line = line:gsub("\\", "\\e"):gsub("%-", "\\-"):gsub("^([.'])", "\\&%1")
    lines[#lines + 1] = line
  end
  return pandoc.RawBlock("man", ".PP\n.in +4n\n.EX\n" .. table.concat(lines, "\n") .. "\n.EE\n.in")
end

-- A terminal has no room for a table of sentences: each row becomes an entry of a list.
function Table(wide)
  local simple = pandoc.utils.to_simple_table(wide)
  local titles = {}
  for i, header in ipairs(simple.headers) do titles[i] = pandoc.utils.stringify(header) end
  local entries = {}
  for _, row in ipairs(simple.rows) do
    local facts = pandoc.List {}
    for i = 2, #row - 1 do
      local inlines = pandoc.utils.blocks_to_inlines(row[i])
      if #inlines > 0 then
        if #facts > 0 then facts:insert(pandoc.Str("; ")) end
        facts:insert(pandoc.Str(titles[i]:lower() .. ": "))
        facts:extend(inlines)
      end
    end
    local body = pandoc.List {}
    if #facts > 0 then body:insert(pandoc.Plain(facts)) end
    body:extend(row[#row])
    entries[#entries + 1] = { pandoc.utils.blocks_to_inlines(row[1]), { body } }
  end
  return pandoc.DefinitionList(entries)
end
