runtime "node" {
  name       = "Node.js"
  kind       = "interpreted"
  entrypoint = "index.js"
  fixture    = "tests/fixtures/node"
  behaviour  = "tests/fixtures/node-behaviour/handler.js"
  broken     = "tests/fixtures/node-broken/index.js"

  version "22" {
    from = { BASE_IMAGE = "node:22.23.3-bookworm-slim" }
  }

  version "24" {
    from = { BASE_IMAGE = "node:24.21.0-bookworm-slim" }
  }
}
