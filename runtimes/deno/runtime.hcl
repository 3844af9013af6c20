runtime "deno" {
  name       = "Deno"
  kind       = "interpreted"
  entrypoint = "index.ts"
  fixture    = "tests/fixtures/deno"
  behaviour  = "tests/fixtures/deno-behaviour/handler.ts"
  broken     = "tests/fixtures/deno-broken/index.ts"

  version "2.7" {
    from = { BASE_IMAGE = "denoland/deno:debian-2.7.7" }
  }

  version "2.9" {
    from = { BASE_IMAGE = "denoland/deno:debian-2.9.6" }
  }
}
