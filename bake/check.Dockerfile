FROM scratch AS asked
ARG TARGETARCH CHECKS
COPY --from=probe /linux/$TARGETARCH/probe /probe
COPY <<EOF /checks.json
$CHECKS
EOF
WORKDIR /folders/report

FROM run AS tests
COPY --from=asked --chmod=0777 /folders /.runbake
RUN --network=none --mount=from=asked,target=/.runbake/asked ["/.runbake/asked/probe", "commands", "/.runbake/asked/checks.json", "/.runbake/report"]
USER 0:0
RUN --network=none --mount=from=asked,target=/.runbake/asked ["/.runbake/asked/probe", "files", "/.runbake/asked/checks.json", "/.runbake/report"]

FROM scratch AS report
COPY --from=tests /.runbake/report/report.json /

FROM report
RUN --network=none --mount=from=asked,target=/.runbake/asked ["/.runbake/asked/probe", "verdict", "/.runbake/asked/checks.json", "/"]
