runtime "go" {
  name       = "Go"
  kind       = "compiled"
  entrypoint = "main.go"
  fixture    = "tests/fixtures/go"
  behaviour  = "tests/fixtures/go-behaviour/handler.go"
  broken     = "tests/fixtures/go-broken/main.go"
  run        = base.debian["12"]

  version "1.26" {
    from = { BASE_IMAGE = "golang:1.26.8-bookworm" }
  }
}
