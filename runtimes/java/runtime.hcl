runtime "java" {
  name       = "Java"
  kind       = "compiled"
  entrypoint = "Main.java"
  fixture    = "tests/fixtures/java"
  behaviour  = "tests/fixtures/java-behaviour/Handler.java"
  broken     = "tests/fixtures/java-broken/Main.java"
  run        = base.jre["17"]

  version "17" {
    from = { BASE_IMAGE = "eclipse-temurin:17-jdk-jammy" }
  }

  version "21" {
    from = { BASE_IMAGE = "eclipse-temurin:21-jdk-noble" }
    run  = base.jre["21"]
  }
}
