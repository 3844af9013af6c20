runtime "rust" {
  name       = "Rust"
  kind       = "compiled"
  entrypoint = "main.rs"
  fixture    = "tests/fixtures/rust"
  behaviour  = "tests/fixtures/rust-behaviour/handler.rs"
  broken     = "tests/fixtures/rust-broken/main.rs"
  run        = base.debian["12"]

  version "1.96" {
    from = { BASE_IMAGE = "rust:1.96.0-slim-bookworm" }
  }
}
