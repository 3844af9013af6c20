runtime "bun" {
  name       = "Bun"
  kind       = "interpreted"
  entrypoint = "index.ts"
  fixture    = "tests/fixtures/bun"
  behaviour  = "tests/fixtures/bun-behaviour/handler.ts"
  broken     = "tests/fixtures/bun-broken/index.ts"

  version "1.3" {
    from = { BASE_IMAGE = "oven/bun:1.3.14-debian" }
  }

  version "1.4" {
    from = { BASE_IMAGE = "oven/bun:1.4.5-debian" }
  }
}
