runtime "perl" {
  name       = "Perl"
  kind       = "interpreted"
  entrypoint = "main.pl"
  fixture    = "tests/fixtures/perl"
  behaviour  = "tests/fixtures/perl-behaviour/handler.pl"
  broken     = "tests/fixtures/perl-broken/main.pl"

  version "5.36" {
    from = { BASE_IMAGE = "perl:5.36-slim-bookworm" }
  }

  version "5.40" {
    from = { BASE_IMAGE = "perl:5.40-slim-trixie" }
  }
}
