runtime "lua" {
  name       = "Lua"
  kind       = "interpreted"
  entrypoint = "main.lua"
  fixture    = "tests/fixtures/lua"
  behaviour  = "tests/fixtures/lua-behaviour/handler.lua"
  broken     = "tests/fixtures/lua-broken/main.lua"

  version "5.4" {
    from = { BASE_IMAGE = "debian:bookworm-slim" }
  }
}
