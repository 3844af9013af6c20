runtime "ruby" {
  name       = "Ruby"
  kind       = "interpreted"
  entrypoint = "main.rb"
  fixture    = "tests/fixtures/ruby"
  behaviour  = "tests/fixtures/ruby-behaviour/handler.rb"
  broken     = "tests/fixtures/ruby-broken/main.rb"

  version "3.1" {
    from = { BASE_IMAGE = "ruby:3.1-slim-bookworm" }
  }

  version "3.3" {
    from = { BASE_IMAGE = "ruby:3.3-slim-trixie" }
  }
}
