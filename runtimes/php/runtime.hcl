runtime "php" {
  name       = "PHP"
  kind       = "interpreted"
  entrypoint = "index.php"
  fixture    = "tests/fixtures/php"
  behaviour  = "tests/fixtures/php-behaviour/handler.php"
  broken     = "tests/fixtures/php-broken/index.php"

  version "8.2" {
    from = {
      BASE_IMAGE     = "php:8.2.36-cli-bookworm"
      COMPOSER_IMAGE = "composer:2.5.5"
    }
  }

  version "8.4" {
    from = {
      BASE_IMAGE     = "php:8.4-cli-trixie"
      COMPOSER_IMAGE = "composer:2.8.8"
    }
  }
}
