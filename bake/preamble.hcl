variable "REGISTRY" {
  type        = string
  default     = ""
  description = "Registry and path of every image; empty for names without one"
  validation {
    condition     = can(regex("^([a-z0-9.-]+(:[0-9]+)?(/[a-z0-9._-]+)*)?$", REGISTRY))
    error_message = "REGISTRY is host[:port][/path] in lower case, without a scheme, for example ghcr.io/acme."
  }
}

variable "TAG_SUFFIX" {
  type        = string
  default     = ""
  description = "Text behind every tag, for example -rc1"
  validation {
    condition     = can(regex("^[A-Za-z0-9_.-]{0,40}$", TAG_SUFFIX))
    error_message = "TAG_SUFFIX is at most 40 letters, digits, dots, dashes and underscores."
  }
}

variable "REVISION" {
  type        = string
  default     = ""
  description = "Commit that is built: adds a tag that never moves, and a label"
  validation {
    condition     = can(regex("^[A-Za-z0-9_.-]{0,64}$", REVISION))
    error_message = "REVISION is at most 64 letters, digits, dots, dashes and underscores."
  }
}

variable "LOCAL" {
  type        = bool
  default     = false
  description = "Build for this machine only and load into Docker"
}

variable "BY_DIGEST" {
  type        = bool
  default     = false
  description = "Push images by digest, without tags, for runbake publish"
}

variable "PLATFORM" {
  type        = string
  default     = LOCAL ? "linux/${split("/", BAKE_LOCAL_PLATFORM)[1]}" : ""
  description = "The one platform to build; empty for all. Images that lack it are left out of groups"
  validation {
    condition     = contains([""], PLATFORM)
    error_message = ""
  }
}

variable "CACHE" {
  type        = string
  default     = ""
  description = "Where build cache is kept: none, registry, gha or local"
  validation {
    condition     = contains(["none", "registry", "gha", "local"], CACHE)
    error_message = "CACHE is one of none, registry, gha and local."
  }
}

variable "CACHE_REF" {
  type        = string
  default     = CACHE == "local" ? ".buildcache" : "${REGISTRY == "" ? "" : "${REGISTRY}/"}cache"
  description = "Image repository of a registry cache, or folder of a local one"
  validation {
    condition     = can(regex("^[^\\s,\"=]+$", CACHE_REF))
    error_message = "CACHE_REF is the name of an image repository or a folder, without spaces, commas and equals signs."
  }
}

variable "PROBE" {
  type        = string
  default     = ""
  description = "Where tests have the program from that questions servers: docker-image://<image>, or a folder with linux/<architecture>/probe"
  validation {
    condition     = PROBE != ""
    error_message = "PROBE is docker-image:// and the name of an image, or a folder."
  }
}

# Names of an image: each tag, and with REVISION one that never moves. By
# digest, the repository alone.
function "tags" {
  params = [image, names]
  result = BY_DIGEST && !LOCAL ? ["${REGISTRY == "" ? "" : "${REGISTRY}/"}${image}"] : concat(
    [for name in names : "${REGISTRY == "" ? "" : "${REGISTRY}/"}${image}:${name}${TAG_SUFFIX}"],
    REVISION == "" ? [] : ["${REGISTRY == "" ? "" : "${REGISTRY}/"}${image}:${names[0]}${TAG_SUFFIX}-${REVISION}"],
  )
}

# The platforms to build: all, or the one that was asked for.
function "platforms" {
  params = [all]
  result = PLATFORM == "" ? all : contains(all, PLATFORM) ? [PLATFORM] : slice(all, 0, 1)
}

# Members of a group that exist for the platform that was asked for.
function "only" {
  params = [platforms, targets]
  result = contains(concat([""], platforms), PLATFORM) ? targets : []
}

# What the labels of all images have in common, and those of one.
function "labels" {
  params = [own]
  result = merge({}, own, REVISION == "" ? {} : { "org.opencontainers.image.revision" = REVISION })
}

# The labels once more, where registries show them. Docker cannot load them.
function "annotations" {
  params = [labels, platforms]
  result = LOCAL ? [] : [for key, value in labels : "${length(platforms) > 1 ? "index,manifest" : "manifest"}:${key}=${value}"]
}

# Every target has a cache of its own, and every machine that builds one
# platform only has its own of that: no export overwrites another.
function "cache_to" {
  params = [target]
  result = LOCAL || CACHE == "none" ? [] : CACHE == "gha" ? [
    { type = "gha", mode = "max", scope = "${target}${PLATFORM == "" ? "" : ".${replace(PLATFORM, "/", "-")}"}" },
    ] : CACHE == "local" ? [
    { type = "local", mode = "max", dest = "${CACHE_REF}/${target}${PLATFORM == "" ? "" : ".${replace(PLATFORM, "/", "-")}"}" },
    ] : [
    { type = "registry", mode = "max", ref = "${CACHE_REF}:${target}${PLATFORM == "" ? "" : ".${replace(PLATFORM, "/", "-")}"}" },
  ]
}

# Import what builds of all platforms exported and what builds of each did.
function "cache_from" {
  params = [target, all]
  result = CACHE == "none" ? [] : [
    for suffix in concat([""], [for platform in PLATFORM == "" ? all : [PLATFORM] : ".${replace(platform, "/", "-")}"]) :
    CACHE == "gha" ? { type = "gha", scope = "${target}${suffix}" } : CACHE == "local" ? { type = "local", src = "${CACHE_REF}/${target}${suffix}" } : { type = "registry", ref = "${CACHE_REF}:${target}${suffix}" }
  ]
}
