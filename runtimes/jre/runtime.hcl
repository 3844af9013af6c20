# What the Java runtime makes runs in these images. Their Dockerfile is that of
# the Debian base: what they do is the same.
base "jre" {
  name    = "JRE"
  context = "runtimes/debian"

  version "17" {
    from = { BASE_IMAGE = "eclipse-temurin:17-jre-jammy" }
  }

  version "21" {
    from = { BASE_IMAGE = "eclipse-temurin:21-jre-noble" }
  }
}
