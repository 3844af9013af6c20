# The version is the standard of the language, not that of the compiler.
runtime "cpp" {
  name       = "C++"
  kind       = "compiled"
  entrypoint = "main.cpp"
  fixture    = "tests/fixtures/cpp"
  behaviour  = "tests/fixtures/cpp-behaviour/handler.cpp"
  broken     = "tests/fixtures/cpp-broken/main.cpp"
  run        = base.debian["12"]
  from       = { BASE_IMAGE = "debian:bookworm-slim" }
  args       = { CPP_STANDARD = version.name }

  version "17" {}

  version "20" {}

  version "23" {
    from = { BASE_IMAGE = "debian:trixie-slim" }
    run  = base.debian["13"]
  }
}
